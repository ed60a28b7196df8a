// Package audit writes down what people are about to do, before they do it: no
// entry, no action. Entries are only ever added.
package audit

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/wxsign/wxsign/model"
)

// Action is what is done; the words stand in the database and in the panel.
type Action string

// The actions.
const (
	SignIn         Action = "sign_in"
	SignOut        Action = "sign_out"
	ChangePassword Action = "change_password"
	ResetPassword  Action = "reset_password"
	FirstPerson    Action = "first_person" // the program made the first administrator
)

// Actors that are no person of the panel.
const (
	ActorCommandLine = "command line"
	ActorProgram     = "wxsign"
)

// Store keeps entries; *model.Store is one.
type Store interface {
	AddAudit(ctx context.Context, a model.Audit) error
}

// Entry is one thing that somebody is about to do.
type Entry struct {
	Actor     string // a person's name, or one of the Actor constants
	Address   string // where the request came from; "" = this machine
	Action    Action
	Target    string // what it is done to
	RequestID string
}

// Log is the audit log.
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

// Record writes an entry. Where it fails the caller must not act.
func (l *Log) Record(ctx context.Context, e Entry) error {
	err := l.store.AddAudit(ctx, model.Audit{
		Actor: cut(e.Actor, maxName), Address: cut(e.Address, maxShort), Action: string(e.Action),
		Target: cut(e.Target, maxName), RequestID: cut(e.RequestID, maxShort),
	})
	if err != nil {
		return fmt.Errorf("not done, because it could not be written to the audit log: %w", err)
	}
	return nil
}

// cut keeps a text within its column: an entry is never lost for its length.
func cut(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit])
}
