// Package keeper keeps credentials fresh. Every replica runs one; together
// they make one upstream call per period, whatever their number.
//
// The stored row and the database's clock decide. A renewal is
//
//	read → claim (compare-and-swap with a fence) → call WeChat → publish,
//	guarded by the fence → snapshot
//
// and every other replica follows the row by polling. A value that lives is
// served to its true end whatever fails; an expired one never.
//
//	run.go       start, scan, stop; the goroutines
//	plan.go      pure: what is due, and when next
//	tend.go      one account: its due credentials, token first
//	claim.go     winning a row, and finding out after a lost answer
//	renew.go     one attempt: call and publish
//	force.go     a stable token that WeChat calls dead
//	probe.go     is the stored token still alive?
//	follow.go    what other replicas published and what people edited
//	adopt.go     a row becomes a served value
//	recorder.go  history rows, never in the way of a renewal
//	backoff.go   how long to wait after which failure
//	status.go    what /readyz and the panel ask
package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// Store is what the keeper needs of the database; *model.Store is one.
type Store interface {
	Now(ctx context.Context) (int64, error)
	Tended(ctx context.Context, appID string) (model.Tended, error)
	DueAccounts(ctx context.Context, withinMs, leaseMs int64, limit int) ([]string, error)

	Claim(ctx context.Context, g model.Grant, leaseMs int64) (bool, error)
	Holds(ctx context.Context, g model.Grant) (bool, error)
	Release(ctx context.Context, g model.Grant) (bool, error)
	Publish(ctx context.Context, g model.Grant, p model.Publication) (bool, error)
	Published(ctx context.Context, g model.Grant, publishID string) (bool, error)
	Unchanged(ctx context.Context, g model.Grant, expiresMs, nextRefreshMs int64) (bool, error)
	Fail(ctx context.Context, g model.Grant, f model.Failure) (bool, error)
	SpendForce(ctx context.Context, g model.Grant, b model.ForceBudget) (bool, error)
	MarkDead(ctx context.Context, appID, kind, valueHash string, minAgeMs int64) (bool, error)
	Heal(ctx context.Context, g model.Grant, p model.Publication) (bool, error)

	Accounts(ctx context.Context, after string, limit int) ([]model.Account, error)
	AccountsSince(ctx context.Context, sinceMs int64) ([]model.Account, error)
	Credentials(ctx context.Context, appIDs []string) ([]model.CredentialNow, error)
	Marks(ctx context.Context, sinceMs int64) ([]model.Mark, int64, error)

	DueProbes(ctx context.Context, minAgeMs int64, limit int) ([]model.DueProbe, error)
	ClaimProbe(ctx context.Context, p model.DueProbe, nextInMs int64) (bool, error)
	NoteProbedDead(ctx context.Context, appID, valueHash string) (bool, error)
	ProbedDead(ctx context.Context, appID, valueHash string) (bool, error)

	AddHistory(ctx context.Context, h model.History) error
	UnwrittenHistory(ctx context.Context, fromMs, toMs int64) ([]model.Credential, error)
}

// WeChat is what the keeper needs of WeChat; *wechat.Client is one.
type WeChat interface {
	Token(ctx context.Context, r wechat.TokenRequest) (wechat.Grant, error)
	Ticket(ctx context.Context, token secret.Secret, kind string) (wechat.Grant, error)
	Probe(ctx context.Context, token secret.Secret) error
}

// Options of New. Store, WeChat, Table, Keyring and Replica are required; zero
// fields mean: Timing as DefaultTiming, Concurrency 10, Lookahead 6 s,
// Logger = slog.Default().
type Options struct {
	Store       Store
	WeChat      WeChat
	Table       *snapshot.Table
	Keyring     *secret.Keyring
	Replica     string // unique per process; at most 150 bytes
	Timing      Timing
	Concurrency int           // upstream calls in flight
	Lookahead   time.Duration // longer than the time between two calls of Scan
	// ProbeInterval is the time between two probes of an account's token,
	// whatever the number of replicas; 0 = no probes.
	ProbeInterval time.Duration
	Logger        *slog.Logger
}

// Keeper is made by New, started by Start and ended by Stop.
type Keeper struct {
	store         Store
	wechat        WeChat
	table         *snapshot.Table
	keyring       *secret.Keyring
	replica       string
	planner       planner
	lookahead     time.Duration
	probeInterval time.Duration
	log           *slog.Logger

	slots    *semaphore.Weighted // upstream calls in flight
	recorder *recorder

	working context.Context // ends when no new work may begin
	retire  context.CancelFunc
	hard    context.Context // ends when work in progress must be dropped
	abandon context.CancelFunc
	tasks   sync.WaitGroup // every goroutine but the recorder's

	mu          sync.Mutex
	busy        map[string]bool  // accounts that a goroutine is tending
	unpublished map[place]string // publish ids of values that are served and not stored yet
	sealed      map[place]string // publish ids of stored values that do not open

	puts     sync.Mutex // orders "is mine newer?" and the put that follows
	stopping sync.Once

	health health
	loaded atomic.Bool
}

// New makes a Keeper that does nothing yet.
func New(o Options) (*Keeper, error) {
	if o.Store == nil || o.WeChat == nil || o.Table == nil || o.Keyring == nil {
		return nil, errors.New("keeper: Store, WeChat, Table and Keyring are required")
	}
	if o.Replica == "" || len(o.Replica) > maxReplica {
		return nil, errors.New("keeper: Replica must have 1 to 150 bytes")
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 10
	}
	if o.Lookahead <= 0 {
		o.Lookahead = 6 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Timing = o.Timing.withDefaults()
	if o.ProbeInterval != 0 && o.ProbeInterval < time.Second {
		return nil, errors.New("keeper: ProbeInterval must be 0 or at least a second")
	}
	if o.Timing.Lease < leastLease {
		return nil, fmt.Errorf("keeper: a lease of %s leaves no time for a call: at least %s", o.Timing.Lease, leastLease)
	}
	k := &Keeper{
		store: o.Store, wechat: o.WeChat, table: o.Table, keyring: o.Keyring, replica: o.Replica,
		planner: planner{timing: o.Timing}, lookahead: o.Lookahead, probeInterval: o.ProbeInterval, log: o.Logger,
		slots: semaphore.NewWeighted(int64(o.Concurrency)),
		busy:  make(map[string]bool), unpublished: make(map[place]string), sealed: make(map[place]string),
	}
	k.recorder = newRecorder(o.Store, o.Logger)
	k.working, k.retire = context.WithCancel(context.Background())
	k.hard, k.abandon = context.WithCancel(context.Background())
	return k, nil
}

// maxReplica leaves room for "/" and the attempt id in lease_owner.
const maxReplica = 150

// leastLease leaves a few seconds for the call when the margin of trust and the
// claim itself are taken off.
const leastLease = trustMargin + 5*time.Second

// dbTimeout bounds one database statement.
const dbTimeout = 3 * time.Second
