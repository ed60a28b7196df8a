package handler

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/wxsign/wxsign/service/keeper"
)

const (
	// sweepEvery is how long a connection may stay whose client has left.
	sweepEvery = 5 * time.Second
	// dueWithin is how much later than asked for a wait may end, so that ends
	// close to each other are one look.
	dueWithin = 100 * time.Millisecond
	// mostParked bounds the connections here. Further polls wait as any request
	// does, with a goroutine and buffers of their own.
	mostParked = 50_000
	// mostRequest is how many bytes of a request are kept here. Callers send a few
	// hundred, and the limit of the server is far above that.
	mostRequest = 4 << 10
	// mostResumed bounds the requests that are let go and not answered yet: all
	// connections at once would take the memory that parking them has saved.
	mostResumed = 256
)

// lot is where the connections of long polls wait. net/http keeps two goroutines,
// two buffers and the request for each request under way, about 20 KB; here a
// poll is a connection and a few hundred bytes, and one goroutine looks after all
// that wait for one value. When there is something to say the request goes back
// to its server, without its wait, as if it came at that moment: who may ask, what
// is answered and what is logged is decided in one place.
type lot struct {
	credentials Credentials

	mu     sync.Mutex
	rows   map[awaited]*row
	parked int
	closed bool
	tasks  sync.WaitGroup

	arriving sync.WaitGroup // those who are between enter and left
	resumed  sync.WaitGroup // those who are let go and not answered yet
	turns    chan struct{}  // one of each of them
}

// awaited is what polls wait for.
type awaited struct{ appID, kind string }

// row is the polls that wait for one value. Its fields are guarded by lot.mu.
type row struct {
	awaited
	polls []poll
	last  keeper.Current     // that was looked at
	kick  context.CancelFunc // ends the look that goes on
	until time.Time          // when that ends by itself
	swept time.Time          // when it was looked who has left
}

// poll is one connection that waits.
type poll struct {
	conn    *net.TCPConn
	request []byte // to be read again when the wait is over
	server  *http.Server
	known   known
	until   time.Time
}

func newLot(credentials Credentials) *lot {
	return &lot{credentials: credentials, rows: make(map[awaited]*row), turns: make(chan struct{}, mostResumed)}
}

// enter reports whether there is a place. If so, left is to be called when it is
// taken or not wanted any more.
func (l *lot) enter() (left func(), granted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.parked >= mostParked {
		return nil, false
	}
	l.arriving.Add(1)
	return l.arriving.Done, true
}

// park takes over the connection of one who has entered. seen is the value that
// its request found.
func (l *lot) park(a awaited, p poll, seen keeper.Current) {
	if !l.take(a, p, seen) {
		l.resume(p)
	}
}

// take refuses a poll that has missed something, and all behind close.
func (l *lot) take(a awaited, p poll, seen keeper.Current) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, found := l.rows[a]
	switch {
	case l.closed, found && l.missed(a, p.known):
		return false
	case found:
		r.polls = append(r.polls, p)
		if p.until.Add(dueWithin).Before(r.until) {
			r.kick()
		}
	default:
		r = &row{awaited: a, polls: []poll{p}, last: seen, kick: func() {}, swept: time.Now()}
		l.rows[a] = r
		l.tasks.Go(func() { l.tend(r) })
	}
	l.parked++
	return true
}

// missed reports whether there is news already, which the row may have told
// before the poll came. A value that has ended meanwhile is none.
func (l *lot) missed(a awaited, k known) bool {
	v, err := l.credentials.Current(a.appID, a.kind)
	return err == nil && k.outdated(v)
}

// tend looks after a row until it is empty.
func (l *lot) tend(r *row) {
	for {
		ctx, cancel, wanted := l.nextLook(r)
		if !wanted {
			return
		}
		last := r.last // only this goroutine writes it
		v, err := l.credentials.Await(ctx, r.appID, r.kind, func(c keeper.Current) bool { return c.PublishID != last.PublishID })
		timeUp := ctx.Err() != nil
		cancel()
		l.look(r, v, err, timeUp)
	}
}

// nextLook is how long to wait for news at most.
func (l *lot) nextLook(r *row) (ctx context.Context, cancel context.CancelFunc, wanted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(r.polls) == 0 {
		delete(l.rows, r.awaited)
		return nil, nil, false
	}
	now := time.Now()
	r.until = r.swept.Add(sweepEvery)
	for i := range r.polls {
		if r.polls[i].until.Before(r.until) {
			r.until = r.polls[i].until
		}
	}
	if soon := now.Add(dueWithin); r.until.Before(soon) {
		r.until = soon
	}
	ctx, cancel = context.WithDeadline(context.Background(), r.until)
	r.kick = cancel
	if l.closed {
		cancel()
	}
	return ctx, cancel, true
}

// look lets go of the polls that have something to be told, and of those whose
// client has left.
func (l *lot) look(r *row, v keeper.Current, err error, timeUp bool) {
	// An account that was removed, say, is news to all.
	all := err != nil && (!timeUp || !errors.Is(err, keeper.ErrUnchanged) && !errors.Is(err, keeper.ErrNotReady))
	for _, p := range l.takeOut(r, func(p poll, now time.Time) bool {
		return all || !now.Before(p.until) || err == nil && p.known.outdated(v)
	}, v) {
		l.resume(p)
	}
}

// takeOut takes the polls out that are over, and closes those that nobody waits
// for any more.
func (l *lot) takeOut(r *row, isOver func(poll, time.Time) bool, v keeper.Current) (over []poll) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v.PublishID != "" {
		r.last = v
	}
	now := time.Now()
	sweep := now.Sub(r.swept) >= sweepEvery
	if sweep {
		r.swept = now
	}
	rest := r.polls[:0]
	for _, p := range r.polls {
		switch {
		case l.closed, isOver(p, now):
			over = append(over, p)
		case sweep && hasLeft(p.conn):
			_ = p.conn.Close()
		default:
			rest = append(rest, p)
		}
	}
	l.parked -= len(r.polls) - len(rest)
	clear(r.polls[len(rest):]) // their bytes are not needed any more
	r.polls = rest
	return over
}

// resume gives a poll back to its server when it is its turn.
func (l *lot) resume(p poll) {
	l.resumed.Add(1)
	l.turns <- struct{}{}
	p.resume(sync.OnceFunc(func() {
		<-l.turns
		l.resumed.Done()
	}))
}

// close lets all go and takes nobody in any more. It returns when all have their
// answers, for a server that is shut down drops what it has not begun with, or
// when ctx ends.
func (l *lot) close(ctx context.Context) {
	l.mu.Lock()
	l.closed = true
	for _, r := range l.rows {
		r.kick()
	}
	l.mu.Unlock()
	empty := make(chan struct{})
	go func() {
		defer close(empty)
		l.arriving.Wait()
		l.tasks.Wait()
		l.resumed.Wait()
	}()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
