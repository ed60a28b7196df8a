// Package auth lets people into the panel: passwords, the throttle that makes
// guessing them hopeless, and sessions.
//
//	auth.go      the errors, and New
//	password.go  argon2id, bounded
//	throttle.go  how often a name may be tried from one network
//	signin.go    a name and a password become a session
//	session.go   sessions, on alexedwards/scs, kept in the database
//	change.go    a new password: chosen, or given by the operator
//	people.go    who may enter, and as what
//	devices.go   where somebody is signed in, and how that ends
//
// All that several replicas must agree on is in the database, and compared
// with its clock. A session belongs to its person's epoch: whoever raises the
// epoch ends all sessions of the person in the same statement.
package auth

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/alexedwards/scs/v2"
	"golang.org/x/sync/semaphore"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/purge"
)

var (
	// ErrWrong says that name and password do not fit together. It does not say
	// which of the two is wrong, nor does the time that it took.
	ErrWrong = errors.New("name or password is wrong")
	// ErrExpired says that the password was right and is a one-time password
	// whose time is over.
	ErrExpired = errors.New("this one-time password has expired")
	// ErrBusy says that too many passwords are being checked at this moment.
	ErrBusy = errors.New("too many people are signing in at this moment")
	// ErrNoSession says that there is no session, or that it has ended.
	ErrNoSession = errors.New("not signed in")
	// ErrUnreachable says that the database cannot be asked.
	ErrUnreachable = model.ErrUnreachable
	// ErrRefused says that the database refuses wxsign's user.
	ErrRefused = model.ErrAccess
	// ErrTooShort refuses a new password.
	ErrTooShort = errors.New("the new password has fewer than 12 characters")
	// ErrTooLong refuses one that would make hashing slow.
	ErrTooLong = errors.New("the new password is longer than 128 bytes")
	// ErrSame refuses a change that is none.
	ErrSame = errors.New("the new password is the old one")
	// ErrName refuses the name of a person to be made.
	ErrName = errors.New("a name has 1 to 64 of the characters a-z, 0-9, '.', '_' and '-', and begins with a letter or digit")
)

// ThrottledError says that this name was tried too often from this network.
type ThrottledError struct {
	After time.Duration // how long to wait
}

// Error implements error.
func (e *ThrottledError) Error() string { return "this name was tried too often" }

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	PersonNamed(ctx context.Context, name string) (model.Person, int64, error)
	AnyPerson(ctx context.Context) (exists, usable bool, err error)
	AddPerson(ctx context.Context, p model.Person, lifeMs int64) error
	SetPassword(ctx context.Context, p model.Person, hash string) (bool, error)
	ResetPassword(ctx context.Context, name, hash string, lifeMs int64) error
	GivePassword(ctx context.Context, name, hash string, lifeMs int64) (bool, error)
	People(ctx context.Context, after string, limit int) ([]model.Person, int64, error)
	SetRole(ctx context.Context, name, role string) (bool, error)
	SetEnabled(ctx context.Context, name string, enabled bool) (bool, error)
	RemovePerson(ctx context.Context, name string) (bool, error)

	AddSession(ctx context.Context, row model.Session, idleMs, lifeMs int64) error
	LiveSession(ctx context.Context, tokenHash string) (model.Session, error)
	TouchSession(ctx context.Context, tokenHash string, idleMs, everyMs int64) error
	DeleteSession(ctx context.Context, tokenHash string) error
	SessionsOf(ctx context.Context, name string) ([]model.Session, int64, error)
	EndSessions(ctx context.Context, name string) error
	PurgeSessions(ctx context.Context) (int64, error)

	Throttled(ctx context.Context, nameHash, network string) (model.Throttle, int64, error)
	CountTry(ctx context.Context, was, is model.Throttle) (bool, error)
	ForgetTries(ctx context.Context, nameHash, network string) error
	PurgeTries(ctx context.Context) (int64, error)
}

// Options of New. Store and Audit are required; zero fields mean: Idle 30
// minutes, Absolute 12 hours, Logger = slog.Default().
type Options struct {
	Store    Store
	Audit    *audit.Log
	Idle     time.Duration // ends a session that is not used
	Absolute time.Duration // ends every session
	Logger   *slog.Logger
}

// Auth is safe for concurrent use.
type Auth struct {
	store    Store
	audit    *audit.Log
	sessions *scs.SessionManager
	idle     time.Duration
	hashing  *semaphore.Weighted
	nobody   string // the hash that unknown names are compared with
	log      *slog.Logger
}

// New checks the options.
func New(o Options) (*Auth, error) {
	if o.Store == nil || o.Audit == nil {
		return nil, errors.New("auth: Store and Audit are required")
	}
	if o.Idle <= 0 {
		o.Idle = 30 * time.Minute
	}
	if o.Absolute <= 0 {
		o.Absolute = 12 * time.Hour
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	a := &Auth{
		store: o.Store, audit: o.Audit, idle: o.Idle, log: o.Logger,
		hashing: semaphore.NewWeighted(mostHashes),
		nobody:  hashPassword(newOneTimePassword()),
	}
	a.sessions = newSessions(o)
	return a, nil
}

// Purge deletes what has ended by itself: old sessions and old counts.
func (a *Auth) Purge(ctx context.Context) error {
	for _, step := range []func(context.Context) (int64, error){a.store.PurgeSessions, a.store.PurgeTries} {
		if _, err := purge.All(ctx, step); err != nil {
			return err
		}
	}
	return nil
}
