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
//	queue.go     accounts that wait for a slot
//	plan.go      pure: what is due, and when next
//	tend.go      one account: its due credentials, token first
//	claim.go     winning a row, and finding out after a lost answer
//	renew.go     one attempt: call and publish
//	classic.go   lost answers in classic mode
//	wecom.go     what is different at WeCom
//	force.go     a stable token that WeChat calls dead
//	report.go    a caller says that a value is dead
//	doubt.go     is the reported token alive? asked once for all replicas
//	seen.go      a death that the relay saw with its own eyes
//	refresh.go   a person asks for a new value
//	request.go   waiting for what comes of either
//	budget.go    what is left of the force refreshes
//	probe.go     is the stored token still alive?
//	follow.go    what other replicas published and what people edited
//	adopt.go     a row becomes a served value
//	sealed.go    a stored value that does not open
//	clockwatch.go  a database clock that is set, a machine that slept
//	restore.go   the snapshot file: what goes into it, and back
//	recorder.go  history rows, never in the way of a renewal
//	issued.go    the tokens that were ours in the last hours
//	observer.go  who counts what happens
//	backoff.go   how long to wait after which failure
//	story.go     what the log tells of all this
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
	ReleaseUnused(ctx context.Context, g model.Grant) (bool, error)
	Publish(ctx context.Context, g model.Grant, p model.Publication) (bool, error)
	Published(ctx context.Context, g model.Grant, publishID string) (bool, error)
	Unchanged(ctx context.Context, g model.Grant, expiresMs, nextRefreshMs int64) (bool, error)
	Fail(ctx context.Context, g model.Grant, f model.Failure) (bool, error)
	SpendForce(ctx context.Context, g model.Grant, b model.ForceBudget) (bool, error)
	MarkDead(ctx context.Context, appID, kind, valueHash string, minAgeMs int64) (bool, error)
	Heal(ctx context.Context, g model.Grant, p model.Publication) (bool, error)

	Accounts(ctx context.Context, after string, limit int) ([]model.Account, error)
	AccountsSince(ctx context.Context, sinceMs int64) ([]model.Account, error)
	AppIDs(ctx context.Context) ([]string, error)
	Credentials(ctx context.Context, appIDs []string) ([]model.CredentialNow, error)
	Marks(ctx context.Context, sinceMs int64) ([]model.Mark, int64, error)
	Misaligned(ctx context.Context) ([]model.Account, error)
	AlignCredentials(ctx context.Context, a model.Account, kinds []string) error
	Shift(ctx context.Context, s model.Shift) (bool, error)
	PullForward(ctx context.Context, appID, kind string, nextRefreshMs int64) (bool, error)

	DueProbes(ctx context.Context, minAgeMs int64, limit int) ([]model.DueProbe, error)
	ClaimProbe(ctx context.Context, p model.DueProbe, nextInMs int64) (bool, error)
	NoteProbedDead(ctx context.Context, appID, valueHash string) (bool, error)
	ClaimReportProbe(ctx context.Context, p model.ReportProbe, gapMs int64) (bool, error)
	ReportProbe(ctx context.Context, appID string) (p model.ReportProbe, nowMs int64, err error)
	EndReportProbe(ctx context.Context, p model.ReportProbe) (bool, error)
	ProbedDead(ctx context.Context, appID, valueHash string) (bool, error)

	NoteRequest(ctx context.Context, r model.RefreshRequest) error
	RequestBefore(ctx context.Context, appID, kind string, fence int64) (model.RefreshRequest, error)
	MakeDue(ctx context.Context, d model.Due) (bool, error)
	IssuedTo(ctx context.Context, valueHash string, withinMs int64) (appID string, err error)
	PurgeIssued(ctx context.Context) (int64, error)

	AddHistory(ctx context.Context, h model.History) error
	AddHistories(ctx context.Context, rows []model.History) error
	WrittenHistory(ctx context.Context, publishIDs []string) (map[string]bool, error)
	UnwrittenHistory(ctx context.Context, fromMs int64) ([]model.Credential, error)
}

// WeChat is what the keeper needs of WeChat, and of WeCom; *wechat.Client is one,
// *wechat.WeCom another.
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
	WeCom       WeChat // nil = renewals of WeCom accounts fail
	Table       *snapshot.Table
	Keyring     *secret.Keyring
	Replica     string // unique per process; at most 150 bytes
	Timing      Timing
	Concurrency int           // upstream calls in flight
	Lookahead   time.Duration // longer than the time between two calls of Scan
	// FollowInterval is the time between two looks for what others published or
	// edited, give or take a fifth: most of what a new value takes to be served
	// everywhere. Default 1 s.
	FollowInterval time.Duration
	// ProbeInterval is the time between two probes of an account's token,
	// whatever the number of replicas; 0 = no probes.
	ProbeInterval time.Duration
	Observer      Observer // nil = nobody
	// Wall is the machine's wall clock, without a monotonic reading; nil = the
	// real one. It is for tests that control time.
	Wall   func() time.Time
	Logger *slog.Logger
}

// Keeper is made by New, started by Start and ended by Stop.
type Keeper struct {
	store          Store
	wechat         WeChat
	wecom          WeChat
	table          *snapshot.Table
	keyring        *secret.Keyring
	replica        string
	planner        planner
	lookahead      time.Duration
	probeInterval  time.Duration
	followInterval time.Duration
	observer       Observer
	log            *slog.Logger

	slots    *semaphore.Weighted // upstream calls in flight
	recorder *recorder

	working context.Context // ends when no new work may begin
	retire  context.CancelFunc
	hard    context.Context // ends when work in progress must be dropped
	abandon context.CancelFunc
	tasks   sync.WaitGroup // every goroutine but the recorder's

	mu          sync.Mutex
	busy        map[string]chan struct{} // accounts that a goroutine is tending or that wait for one, with what wakes it
	queue       queue
	unpublished map[place]string      // publish ids of values that are served and not stored yet
	sealed      map[place]string      // publish ids of stored values that do not open
	doubted     map[string]time.Time  // accounts with claims that may be in, until those end
	cases       map[caseKey]*waiting  // reports and requests that callers wait for
	blind       map[string]blindProbe // by AppID: made without the database
	issued      map[tokenHash]issuedToken
	forced      map[string]forced   // by AppID
	refuted     map[sight]time.Time // until when they are not believed

	puts      sync.Mutex // orders "is mine newer?" and the put that follows
	trustRows bool       // guarded by puts: the lives in memory are too long
	clocks    clockwatch

	stopping sync.Once

	health   health
	writes   writes
	loaded   atomic.Bool // the rows have been read
	restored atomic.Bool // until then, a file is served
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
	if o.FollowInterval <= 0 {
		o.FollowInterval = followInterval
	}
	if o.Wall == nil {
		o.Wall = wallOf
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.WeCom == nil {
		o.WeCom = noWeCom{}
	}
	o.Timing = o.Timing.withDefaults()
	if o.ProbeInterval != 0 && o.ProbeInterval < time.Second {
		return nil, errors.New("keeper: ProbeInterval must be 0 or at least a second")
	}
	if o.Timing.Lease < leastLease {
		return nil, fmt.Errorf("keeper: a lease of %s leaves no time for a call: at least %s", o.Timing.Lease, leastLease)
	}
	k := &Keeper{
		store: o.Store, wechat: o.WeChat, wecom: o.WeCom, table: o.Table, keyring: o.Keyring, replica: o.Replica,
		planner: planner{timing: o.Timing}, lookahead: o.Lookahead, probeInterval: o.ProbeInterval, log: o.Logger,
		slots:          semaphore.NewWeighted(int64(o.Concurrency)),
		followInterval: o.FollowInterval, observer: o.Observer, clocks: clockwatch{wall: o.Wall},
		busy: make(map[string]chan struct{}), unpublished: make(map[place]string), sealed: make(map[place]string),
		doubted: make(map[string]time.Time), cases: make(map[caseKey]*waiting), blind: make(map[string]blindProbe),
		issued: make(map[tokenHash]issuedToken), forced: make(map[string]forced), refuted: make(map[sight]time.Time),
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
