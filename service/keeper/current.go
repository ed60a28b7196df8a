package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// The kinds of credential, for those who do not see the snapshot.
const (
	KindAccessToken = snapshot.KindAccessToken
	KindJSAPI       = snapshot.KindJSAPI
	KindWXCard      = snapshot.KindWXCard
	KindAgentConfig = snapshot.KindAgentConfig
)

var (
	// ErrAccountUnknown says that there is no such account.
	ErrAccountUnknown = errors.New("no account has this app_id")
	// ErrAccountDisabled says that nothing is given out for the account.
	ErrAccountDisabled = errors.New("the account is disabled")
	// ErrKindUnknown says that no credential of this kind is kept for the account.
	ErrKindUnknown = errors.New("the account keeps no credential of this kind")
	// ErrNotReady says that no live value is there.
	ErrNotReady = errors.New("there is no live value at the moment")
	// ErrTokenNotReady is the ErrNotReady of an access_token.
	ErrTokenNotReady = errors.New("there is no live access_token at the moment")
	// ErrTicketNotReady is the ErrNotReady of a ticket.
	ErrTicketNotReady = errors.New("there is no live ticket at the moment")
	// ErrUnchanged says that a wait is over and nothing was different.
	ErrUnchanged = errors.New("nothing changed while waiting")
)

// NotReady is an ErrNotReady with its cause.
type NotReady struct { //nolint:errname // it is a word to the caller first
	Kind   string
	Reason string // for administrators and servers; "" = none is known
	// RetryAfter is when it may be mended, a second at least.
	RetryAfter time.Duration
}

// Error implements error.
func (e *NotReady) Error() string {
	text := e.class().Error()
	if e.Reason != "" {
		text += ": " + strings.TrimSuffix(e.Reason, ".")
	}
	return text
}

// Is makes it an ErrNotReady, and the token's or a ticket's.
func (e *NotReady) Is(target error) bool {
	return target == ErrNotReady || target == e.class()
}

func (e *NotReady) class() error {
	if e.Kind == KindAccessToken {
		return ErrTokenNotReady
	}
	return ErrTicketNotReady
}

// Current is the live value of a kind.
type Current struct {
	Value     secret.Secret
	Version   int64     // +1 per publish, the same on every replica
	PublishID string    // the identity of this publish, the same on every replica
	ExpiresAt time.Time // by the database's clock, in UTC

	deadline time.Time // ExpiresAt on this machine's monotonic clock
}

// ExpiresIn is the life that is left, in whole seconds, at least 1: to several
// caches 0 means "for ever" or is an error.
func (c Current) ExpiresIn() int64 { return max(1, int64(time.Until(c.deadline)/time.Second)) }

// SHA256 is that of the value, 64 lower-case hex digits. It is computed at each
// call: nearly all who read a value have no use for it.
func (c Current) SHA256() string { return c.Value.Hash() }

// Current returns the live value of an account's kind from memory: no lock, no
// database. It fails with ErrAccountUnknown, ErrAccountDisabled, ErrKindUnknown
// or *NotReady.
func (k *Keeper) Current(appID, kind string) (Current, error) {
	_, c, err := k.current(appID, kind)
	return c, err
}

// Await is Current for a caller who knows a value already: it returns as soon
// as there is a live one that differs. It is woken by each change of the
// account, whichever replica made it. When ctx ends, or this process is about
// to, it fails with ErrUnchanged, or with *NotReady where nothing lives then.
func (k *Keeper) Await(ctx context.Context, appID, kind string, differs func(Current) bool) (Current, error) {
	for {
		view, c, err := k.current(appID, kind)
		if err == nil && differs(c) || err != nil && !errors.Is(err, ErrNotReady) || view == nil {
			return c, err
		}
		select {
		case <-view.Replaced():
			continue
		case <-ctx.Done():
		case <-k.working.Done():
		}
		// It may have expired meanwhile, or been replaced at this very moment.
		c, err = k.Current(appID, kind)
		if err == nil && !differs(c) {
			err = ErrUnchanged
		}
		return c, err
	}
}

// current also returns the view that it looked at, nil where there is none.
func (k *Keeper) current(appID, kind string) (*snapshot.View, Current, error) {
	view, found := k.table.Lookup(appID)
	switch {
	case !found && !k.loaded.Load():
		// While the database is away at the start, nobody is "unknown".
		return nil, Current{}, &NotReady{Kind: kind, Reason: "wxsign is starting", RetryAfter: retryWhileStarting}
	case !found:
		return nil, Current{}, ErrAccountUnknown
	case !view.Account.Enabled:
		return view, Current{}, ErrAccountDisabled
	case !view.Keeps(kind):
		return view, Current{}, fmt.Errorf("%w: %s", ErrKindUnknown, kind)
	}
	now := time.Now()
	held, found := view.Credential(kind)
	if !found || !held.Live(now) {
		return view, Current{}, notReady(view, kind, now)
	}
	return view, Current{
		Value: held.Value, Version: held.Version, PublishID: held.PublishID,
		ExpiresAt: time.UnixMilli(held.ExpiresAt).UTC(), deadline: held.Deadline,
	}, nil
}

// retryWhileStarting is when to ask again: a start with a database takes less.
const retryWhileStarting = 2 * time.Second

// notReady says why: a ticket also waits for its token, if that does not live.
func notReady(view *snapshot.View, kind string, now time.Time) error {
	e := &NotReady{Kind: kind, RetryAfter: time.Second}
	for _, needed := range []string{tokenKind, kind} {
		if held, found := view.Credential(needed); found && held.Live(now) {
			continue
		}
		if trouble := view.Trouble(needed); trouble.Failing > 0 {
			e.RetryAfter = max(e.RetryAfter, trouble.NextTry.Sub(now))
			e.Reason = trouble.Text
		}
	}
	return e
}

// Agents are the ids of a corp's accounts, in order: <corp_id>:<agent_id>.
func (k *Keeper) Agents(corpID string) []string {
	var agents []string
	for view := range k.table.All() {
		if strings.HasPrefix(view.Account.AppID, corpID+":") {
			agents = append(agents, view.Account.AppID)
		}
	}
	slices.Sort(agents)
	return agents
}

// Holds reports whether this process itself has served the access_token with
// this SHA-256 within the last 4 hours: then Issued needs no database.
func (k *Keeper) Holds(sha256Hex string) bool {
	_, known := k.issuedHere(sha256Hex)
	return known
}

// UntilNewBudget is the time from now to the next day of force refreshes.
func UntilNewBudget(now time.Time) time.Duration { return untilBeijingMidnight(now.UnixMilli()) }
