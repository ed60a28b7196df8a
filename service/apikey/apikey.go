// Package apikey lets business servers in: keys with scopes, accounts, networks
// and an end.
//
//	form.go    what a key looks like; a typo is told without asking anybody
//	caller.go  the holder of a key, and what it may do
//	set.go     the live keys in memory
//	follow.go  the set follows the database; last uses go the other way
//	manage.go  create, list, revoke
//	draft.go   what a key to be made must say
//
// Who may enter is decided in memory, so it is quick and goes on while the
// database is away. The set is compared with the database several times a
// second: a key revoked anywhere is refused everywhere within a second. A key
// that is not in the set is looked up at once, so a new one needs no waiting.
//
// At rest there is only the SHA-256 of a key. Nothing slower is needed: a key
// has 190 random bits, which nobody finds by trying, whatever the hash costs.
// And no HMAC with the master key: it would add nothing for the same reason,
// and rotating the master key would end all API keys.
package apikey

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
)

var (
	// ErrMissing says that a request carries no key.
	ErrMissing = errors.New("there is no API key in the request")
	// ErrInvalid says that there is no live key like this: mistyped, unknown,
	// revoked or expired. It does not say which.
	ErrInvalid = errors.New("the API key is not valid")
	// ErrUnchecked says that a key is not in memory and the database cannot be
	// asked at the moment: it may be valid.
	ErrUnchecked = errors.New("the API key cannot be checked at the moment")
	// ErrScopeMissing says that the key may not do this.
	ErrScopeMissing = errors.New("the API key lacks the scope")
	// ErrAccountNotAllowed says that the key is not for this account.
	ErrAccountNotAllowed = errors.New("the API key is not for this account")
	// ErrAddressNotAllowed says that the key may not be used from this address.
	ErrAddressNotAllowed = errors.New("the API key may not be used from this address")
)

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	AddAPIKey(ctx context.Context, k model.APIKey, lifeMs int64) error
	RevokeAPIKey(ctx context.Context, id string) (bool, error)
	APIKeys(ctx context.Context) ([]model.APIKey, int64, error)
	LiveAPIKeys(ctx context.Context) ([]model.APIKey, int64, error)
	LiveAPIKey(ctx context.Context, hash string) (model.APIKey, int64, error)
	APIKeysMark(ctx context.Context) (int64, error)
	NoteAPIKeyUsed(ctx context.Context, id, address string, agoMs int64) error
}

// Recorder writes down what is about to be done; *audit.Log is one.
type Recorder interface {
	Record(ctx context.Context, e audit.Entry) error
}

// Options of New. Store and Audit are required; zero fields mean: Logger =
// slog.Default().
type Options struct {
	Store  Store
	Audit  Recorder
	Logger *slog.Logger
}

// Keys are all API keys. It is safe for concurrent use.
type Keys struct {
	store Store
	audit Recorder
	log   *slog.Logger

	live    atomic.Pointer[set]
	reading chan struct{} // held by whoever reads keys and replaces the set
	waiting atomic.Int32  // lookups that wait for it
	absent  *lru.Cache[string, time.Time]

	stop context.CancelFunc // nil before Start
	done sync.WaitGroup
}

// New checks the options. Nothing is read before Load, Start or the first key.
func New(o Options) (*Keys, error) {
	if o.Store == nil || o.Audit == nil {
		return nil, errors.New("apikey: Store and Audit are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	absent, err := lru.New[string, time.Time](mostAbsent)
	if err != nil {
		return nil, err
	}
	k := &Keys{store: o.Store, audit: o.Audit, log: o.Logger, reading: make(chan struct{}, 1), absent: absent}
	k.live.Store(&set{})
	return k, nil
}

// Known is the holder of a key that is live in memory, nil where there is none:
// Authenticate for nearly all requests, without a word on why not.
func (k *Keys) Known(raw string) *Caller {
	if len(raw) != keyLength {
		return nil
	}
	hash := hashOf(raw)
	c, found := k.live.Load().find(hash[:]) // only well-formed keys are there
	if !found || c.ended() {
		return nil
	}
	return c
}

// Authenticate finds the holder of a key as it came with a request. It fails
// with ErrMissing, ErrInvalid or ErrUnchecked; none of them quotes the key.
func (k *Keys) Authenticate(ctx context.Context, raw string) (*Caller, error) {
	if raw == "" {
		return nil, ErrMissing
	}
	if !wellFormed(raw) {
		return nil, ErrInvalid
	}
	hash := hashOf(raw)
	c, found := k.live.Load().find(hash[:])
	if !found {
		var err error
		if c, err = k.lookUp(ctx, string(hash[:])); err != nil {
			return nil, err
		}
	}
	if c.ended() {
		return nil, ErrInvalid
	}
	return c, nil
}

// Knows reports whether Authenticate can decide about a key without asking the
// database. It does not say that the key is valid.
func (k *Keys) Knows(raw string) bool {
	if !wellFormed(raw) {
		return true
	}
	hash := hashOf(raw)
	_, found := k.live.Load().find(hash[:])
	return found
}
