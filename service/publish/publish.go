// Package publish copies the live value of every credential to Redis, for
// programs that read it there.
//
// The key holds the bare value and nothing else, because that is what such
// programs read. What is needed to keep an older value from replacing a newer
// one stands beside it, in the key {<key>}:version: its version, the instant it
// was issued, and the id of its publish. The braces keep both keys in one slot,
// so a script may use both in a Redis Cluster and behind a proxy for one.
//
// Values end by themselves: a key lives as long as WeChat lets its value live,
// by Redis's own clock, so that even a command which was held up on its way
// makes no life longer.
//
// A Publisher looks at the snapshot, on a goroutine and a connection of its own.
// Renewals do not know of it: a Redis that is slow or away costs them nothing.
// Every replica has one; what one has written the others leave alone.
package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wxsign/wxsign/service/panics"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// Table is what this replica serves: *snapshot.Table.
type Table interface {
	All() iter.Seq[*snapshot.View]
}

// Options of New. Zero fields mean: no user, no password, database 0, no TLS,
// Reconcile 30s, Look 250ms, Timeout 3s, Logger = slog.Default().
type Options struct {
	Table    Table
	Address  string // host:port
	Username string
	Password secret.Secret
	DB       int
	TLS      *tls.Config
	// TokenKey and TicketKey are templates of keys: {app_id} and {kind} are put
	// in.
	TokenKey  string
	TicketKey string

	Look      time.Duration // between two looks for what has changed
	Reconcile time.Duration // between two comparisons of everything
	Timeout   time.Duration // for one command
	// Dial makes connections; nil = TCP. It is for tests that control time.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Logger *slog.Logger
}

// Publisher is made by New; Start it once, Stop it once.
type Publisher struct {
	keys  keys
	table Table
	o     Options
	log   *slog.Logger

	working context.Context
	retire  context.CancelFunc
	done    sync.WaitGroup
	line    line

	// These belong to the one goroutine that writes.
	client   *redis.Client
	written  map[string]*snapshot.View // by AppID: what Redis was last told
	kinds    map[string][]string       // by AppID: what Redis may hold
	nextFull time.Time

	mu     sync.Mutex
	status Status
}

// Status is how the copy in Redis is.
type Status struct {
	LastSuccess  time.Time // zero = none yet
	Values       int       // live values that Redis held then
	Failing      int       // failures in a row; 0 = all is well
	FailingSince time.Time
	Error        string // the newest failure and its mend; never with a value or a password

	mend string
}

// New checks the options. It does not connect yet.
func New(o Options) (*Publisher, error) {
	if o.Table == nil || o.Address == "" {
		return nil, errors.New("publish: Table and Address must be set")
	}
	if !strings.Contains(o.TokenKey, "{app_id}") || !strings.Contains(o.TicketKey, "{app_id}") || !strings.Contains(o.TicketKey, "{kind}") {
		return nil, errors.New("publish: TokenKey must hold {app_id}, TicketKey must hold {app_id} and {kind}")
	}
	setDefault(&o.Look, 250*time.Millisecond)
	setDefault(&o.Reconcile, 30*time.Second)
	setDefault(&o.Timeout, 3*time.Second)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	quietLibrary()
	p := &Publisher{
		keys: keys{token: o.TokenKey, ticket: o.TicketKey}, table: o.Table, o: o, log: o.Logger,
		written: map[string]*snapshot.View{}, kinds: map[string][]string{},
	}
	p.working, p.retire = context.WithCancel(context.Background())
	p.client = p.newClient()
	return p, nil
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}

// Start begins to copy.
func (p *Publisher) Start() { p.done.Go(p.run) }

// run copies until Stop. A Redis that fails is asked less and less often.
func (p *Publisher) run() {
	failures := 0
	for p.working.Err() == nil {
		talked, err := p.guardedPass()
		switch {
		case p.working.Err() != nil:
			return // broken off, not failed
		case talked:
			p.note(err)
		}
		if err == nil || isWrongType(err) {
			failures = 0
		} else {
			failures++
			p.renew()
		}
		select {
		case <-time.After(p.pause(failures)):
		case <-p.working.Done():
		}
	}
}

// guardedPass makes of a panic a failure: this goroutine must not end wxsign.
func (p *Publisher) guardedPass() (talked bool, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			p.log.Error("writing to Redis panicked", "err", "panic: "+panics.Describe(fault), "stack", string(debug.Stack()))
			talked, err = true, errPanic
		}
	}()
	return p.pass(p.working)
}

var errPanic = errors.New("writing to Redis panicked; the log says where")

// mostPause is the longest time between two tries of a Redis that fails.
const mostPause = 30 * time.Second

func (p *Publisher) pause(failures int) time.Duration {
	if failures == 0 {
		return p.o.Look
	}
	wait := min(time.Second<<min(failures-1, 10), mostPause)
	return wait*4/5 + rand.N(wait*2/5+1) //nolint:gosec // spreads load, hides nothing
}

// note keeps and tells how a pass went; a state is told once, not at each pass.
func (p *Publisher) note(err error) {
	p.mu.Lock()
	before := p.status
	if err == nil {
		p.status.Failing, p.status.FailingSince, p.status.Error, p.status.mend = 0, time.Time{}, "", ""
	} else {
		p.status.Failing++
		p.status.Error, p.status.mend = p.describe(err)
		if before.Failing == 0 {
			p.status.FailingSince = time.Now()
		}
	}
	now := p.status
	p.mu.Unlock()
	switch {
	case now.mend != before.mend && now.mend != "": // the rest of the text has changing ports
		p.log.Warn("cannot write to Redis; it is tried again, and renewals go on", "address", p.o.Address, "err", now.Error)
	case before.Failing > 0 && now.Failing == 0:
		p.log.Info("writing to Redis again", "address", p.o.Address, "values", now.Values)
	}
}

// Status tells how the copy is.
func (p *Publisher) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// Stop ends the copying. What changed last is still written, unless Redis fails
// anyway or ctx ends first; what Redis holds then ends by itself.
func (p *Publisher) Stop(ctx context.Context) error {
	p.retire()
	cut := context.AfterFunc(ctx, p.line.cut)
	defer cut()
	p.done.Wait()
	var err error
	if p.Status().Failing == 0 {
		if _, err = p.pass(ctx); err != nil {
			text, _ := p.describe(err)
			err = fmt.Errorf("publish: the newest values are not in Redis: %s", text)
		}
	}
	return errors.Join(err, p.client.Close())
}
