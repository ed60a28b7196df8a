// Package relay forwards calls of business servers to WeChat and puts the live
// access_token in, so that they neither keep one nor need an address on
// WeChat's IP list.
//
// A caller writes its API key where the access_token belongs. The relay puts
// the live value there, sends everything else on as it came, streams the answer
// back, and takes the trouble of a dead token off the caller: it is reported,
// and where that brought a new one the call is sent once more.
//
//	route.go    what is relayed, and what is refused for its path
//	query.go    the one parameter that is replaced
//	caller.go   who calls, for which account
//	call.go     one call from its admission to its line in the log
//	payload.go  the request's body: kept for a second time, or streamed
//	send.go     one attempt at one host
//	dead.go     an answer that says the token is dead
//	answer.go   the answer on its way back
//	header.go   which headers go through
//	idle.go     how long nothing may happen
//	refuse.go   errors in WeChat's shape
package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/wxsign/wxsign/service/secret"
)

// ErrNotRelayed says that a request is none of the relay's; nothing was written.
var ErrNotRelayed = errors.New("this address is not relayed")

// What Keys, Caller, Tokens and Accounts answer with. The texts of other errors
// never reach a caller.
var (
	ErrKey     = errors.New("no live API key")
	ErrScope   = errors.New("the API key lacks a scope")
	ErrAddress = errors.New("the API key may not be used from this address")
	// ErrAccount: the key does not cover the account, or nothing is served for it.
	ErrAccount = errors.New("not this account")
)

// The scopes that the relay asks for.
const (
	ScopeRelay   = "relay"
	ScopeRefresh = "refresh"
)

// Caller is the holder of an API key.
type Caller interface {
	// Name is the actor in the history.
	Name() string
	// OnlyAccount is the account that the key covers, if that is exactly one.
	OnlyAccount() (appID string, only bool)
	// Check answers nil, ErrScope, ErrAccount or ErrAddress.
	Check(scope, appID string, from netip.Addr) error
}

// Keys knows the API keys.
type Keys interface {
	// Authenticate answers ErrKey for a key that does not exist, was revoked or
	// has ended.
	Authenticate(ctx context.Context, key string) (Caller, error)
	// Knows reports whether Authenticate can tell without the database.
	Knows(key string) bool
	// RelayAllows reports whether a live key with the scope relay covers the
	// account and may be used from this address.
	RelayAllows(appID string, from netip.Addr) bool
}

// Token is an access_token that may be used now.
type Token struct {
	Value  secret.Secret
	SHA256 string // of the value, in lower-case hex
}

// Death is what is known of a token that WeChat called dead.
type Death struct {
	AppID   string
	SHA256  string
	Errcode int
	Actor   string
	Path    string // of the call whose answer said so
}

// Tokens keeps the accounts' access_tokens.
type Tokens interface {
	// Current answers the live token of an account, or why there is none.
	Current(appID string) (Token, error)
	// Report has a dead token replaced, once for all who report it, and returns
	// when that is decided. Current tells what came of it.
	Report(ctx context.Context, d Death) error
	// Issued finds the account of a token that we gave out in the last 4 hours.
	Issued(ctx context.Context, sha256Hex string) (appID string, found bool, err error)
	// Holds reports whether Issued can tell without the database.
	Holds(sha256Hex string) bool
}

// Accounts knows the accounts that are served.
type Accounts interface {
	// IsWeCom tells the platform of an account, or ErrAccount where there is
	// none of this id, or it is disabled.
	IsWeCom(appID string) (bool, error)
	// Secret opens the AppSecret of an account.
	Secret(ctx context.Context, appID string) (secret.Secret, error)
}

// Reset is a call that is about to reset quotas of an account.
type Reset struct {
	AppID string
	Path  string
	Actor string // the key's name
	From  From
}

// Defaults of Options.
const (
	DefaultMaxBody    = 100 << 20
	DefaultMaxKept    = 1 << 20
	DefaultKeptAtOnce = 64 << 20
	DefaultIdle       = 30 * time.Second
	DefaultConcurrent = 1024
	DefaultQueue      = 10 * time.Second
)

// Options of New. Keys, Tokens, Accounts, Audit, Transport and BaseURL are
// required; zero fields have the defaults above, Logger slog.Default().
type Options struct {
	Keys     Keys
	Tokens   Tokens
	Accounts Accounts
	// Audit writes a reset down; where it fails the call is not sent.
	Audit func(ctx context.Context, r Reset) error
	// Transport reaches WeChat. It must neither follow redirects nor unpack
	// answers.
	Transport http.RoundTripper
	// BaseURL is WeChat's API host, WeComBaseURL that of WeCom ("" = no WeCom).
	// FallbackURL is tried where BaseURL cannot be connected to; "" = none.
	BaseURL, FallbackURL, WeComBaseURL string
	// MaxBody is how many bytes a request may have, MaxKept how many of it are
	// kept for a second attempt, KeptAtOnce how many of all calls together.
	MaxBody, MaxKept, KeptAtOnce int64
	// Idle ends a call in which no byte has moved for so long, either way.
	Idle time.Duration
	// Concurrent calls may be under way; the next ones wait for at most Queue.
	Concurrent int
	Queue      time.Duration
	Logger     *slog.Logger
}

// Relay forwards calls. It is safe for concurrent use and starts no goroutine
// that outlives a call.
type Relay struct {
	o        Options
	official hosts
	wecom    hosts

	slots     *semaphore.Weighted // calls of our callers
	strangers *semaphore.Weighted // calls that carry a user's credential, not ours
	kept      atomic.Int64        // bytes kept for second attempts now
	buffers   sync.Pool           // *[]byte of copySize
}

// hosts are where calls of one platform go.
type hosts struct{ base, fallback *url.URL }

// strangersAtOnce bounds the calls of /sns/ that need no API key.
const strangersAtOnce = 64

// New checks the options and makes a Relay.
func New(o Options) (*Relay, error) {
	if o.Keys == nil || o.Tokens == nil || o.Accounts == nil || o.Audit == nil || o.Transport == nil || o.BaseURL == "" {
		return nil, errors.New("relay: Keys, Tokens, Accounts, Audit, Transport and BaseURL are required")
	}
	o = o.withDefaults()
	if o.MaxBody < 0 || o.MaxKept < 0 || o.KeptAtOnce < 0 || o.Idle < 0 || o.Concurrent < 0 || o.Queue < 0 {
		return nil, errors.New("relay: no limit may be negative")
	}
	y := &Relay{
		o: o, slots: semaphore.NewWeighted(int64(o.Concurrent)), strangers: semaphore.NewWeighted(strangersAtOnce),
		buffers: sync.Pool{New: func() any { b := make([]byte, copySize); return &b }},
	}
	for _, h := range []struct {
		raw  string
		into **url.URL
	}{{o.BaseURL, &y.official.base}, {o.FallbackURL, &y.official.fallback}, {o.WeComBaseURL, &y.wecom.base}} {
		var err error
		if *h.into, err = parseHost(h.raw); err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
	}
	return y, nil
}

func (o Options) withDefaults() Options {
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	o.MaxKept = cmp.Or(o.MaxKept, DefaultMaxKept)
	o.KeptAtOnce = cmp.Or(o.KeptAtOnce, DefaultKeptAtOnce)
	o.Idle = cmp.Or(o.Idle, DefaultIdle)
	o.Concurrent = cmp.Or(o.Concurrent, DefaultConcurrent)
	o.Queue = cmp.Or(o.Queue, DefaultQueue)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// parseHost checks an API address; a path is kept as a prefix. The address is
// not quoted: it may hold a password.
func parseHost(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, nil //nolint:nilnil // no such host is no error
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("a host must look like https://host")
	}
	return u, nil
}

// hosts of an account's platform. A platform without one is not served.
func (y *Relay) hosts(wecom bool) hosts {
	if wecom {
		return y.wecom
	}
	return y.official
}
