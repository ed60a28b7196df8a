// Package audit writes down what people are about to do, before they do it: no
// entry, no action.
//
//	audit.go  Record: an entry, before the action
//	chain.go  entries hold on to each other, so that a change shows
//	page.go   what the panel reads
//
// Entries are only ever added.
package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/wxsign/wxsign/model"
)

// Action is what is done; the words stand in the database and in the panel.
type Action string

// The actions of people upon people. Those upon accounts and API keys stand where
// they are done.
const (
	SignIn         Action = "sign_in"
	SignOut        Action = "sign_out"
	ChangePassword Action = "change_password"
	ResetPassword  Action = "reset_password"
	FirstPerson    Action = "first_person" // the program made the first administrator
	AddPerson      Action = "add_person"
	ChangeRole     Action = "change_role"
	EnablePerson   Action = "enable_person"
	DisablePerson  Action = "disable_person"
	RemovePerson   Action = "remove_person"
	EndSession     Action = "end_session"
	EndSessions    Action = "end_sessions" // all of a person
)

// Actors that are no person of the panel.
const (
	ActorCommandLine = "command line"
	ActorProgram     = "wxsign"
)

// Store keeps entries; *model.Store is one.
type Store interface {
	AuditHead(ctx context.Context) (model.AuditHead, error)
	AddAudit(ctx context.Context, head model.AuditHead, a model.Audit) (bool, error)
	AuditPage(ctx context.Context, f model.AuditFilter, after model.AuditKey, limit int) ([]model.Audit, *model.AuditKey, error)
	AuditChain(ctx context.Context, seq int64, limit int) ([]model.Audit, error)
}

// Entry is one thing that somebody is about to do.
type Entry struct {
	Actor     string // a person's name, or one of the Actor constants
	Address   string // where the request came from; "" = this machine
	Action    Action
	Target    string // what it is done to
	RequestID string
}

// Log is the audit log. It is safe for concurrent use, by several replicas too.
type Log struct {
	store Store
}

// New makes a Log.
func New(store Store) (*Log, error) {
	if store == nil {
		return nil, errors.New("audit: a Store is needed")
	}
	return &Log{store: store}, nil
}

// Lengths of the columns, in characters.
const (
	maxName  = 191
	maxShort = 64
)

// mostRaces bounds the repetitions where entries come at the same instant.
const mostRaces = 100

// Record writes an entry. Where it fails the caller must not act.
func (l *Log) Record(ctx context.Context, e Entry) error {
	err := l.append(ctx, model.Audit{
		Actor: cut(e.Actor, maxName), Address: cut(e.Address, maxShort), Action: cut(string(e.Action), maxShort),
		Target: cut(e.Target, maxName), RequestID: cut(e.RequestID, maxShort),
	})
	if err != nil {
		return fmt.Errorf("not done, because it could not be written to the audit log: %w", err)
	}
	return nil
}

// append puts an entry at the end of the chain. Who finds that another was faster
// goes behind that one.
func (l *Log) append(ctx context.Context, a model.Audit) error {
	for range mostRaces {
		head, err := l.store.AuditHead(ctx)
		if err != nil {
			return err
		}
		seq := head.Seq + 1
		a.Seq, a.AtMs, a.PrevHash = &seq, head.NowMs, head.Hash
		a.Hash = hashOf(a)
		added, err := l.store.AddAudit(ctx, head, a)
		if added || err != nil && !errors.Is(err, model.ErrNotApplied) {
			return err
		}
	}
	return errors.New("too many entries at once")
}

// cut keeps a text within its column, and the column within UTF-8: an entry is
// never lost for what somebody typed.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit])
}
