package deadline

import (
	"errors"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// never is the moment of no deadline.
const never = math.MaxInt64

// direction is what is read, or what is written. Moments are nanoseconds since the
// connection began, by the clock that nobody sets; those before are past.
type direction struct {
	began   time.Time
	wanted  atomic.Int64 // what was asked for
	told    atomic.Int64 // what the connection below knows
	waiting atomic.Int32 // how many are in a call there
	telling sync.Mutex
	tell    func(time.Time) error
}

func (d *direction) init(began time.Time, tell func(time.Time) error) {
	d.began, d.tell = began, tell
	d.wanted.Store(never)
	d.told.Store(never)
}

// set notes a deadline; zero is none. Whoever waits and would wait longer is told.
func (d *direction) set(t time.Time) error {
	moment := int64(never)
	if !t.IsZero() {
		moment = int64(t.Sub(d.began))
	}
	d.wanted.Store(moment)
	// enter counts before it looks at wanted, and we store before we look who waits:
	// one of both sees the other. pass does the same with told.
	if d.waiting.Load() > 0 && moment < d.told.Load() {
		return d.pass()
	}
	return nil
}

// enter is called before one waits below. It is an error where the deadline is past
// on purpose, which is how net/http ends a read.
func (d *direction) enter() error {
	d.waiting.Add(1)
	wanted := d.wanted.Load()
	if wanted < 0 {
		d.waiting.Add(-1)
		return os.ErrDeadlineExceeded
	}
	if wanted < d.told.Load() {
		_ = d.pass() // fails on a closed connection, of which the call below says more
	}
	return nil
}

// leave is called with what the call below said. It reports whether that was woken
// too early and has to be made again.
func (d *direction) leave(err error) (again bool) {
	d.waiting.Add(-1)
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) || int64(time.Since(d.began)) >= d.wanted.Load() {
		return false
	}
	return d.pass() == nil
}

// pass tells the connection below what is wanted now. What is wanted sooner from then
// on is told by who wants it: set looks at told behind its wanted, and we look at
// wanted behind our told.
func (d *direction) pass() error {
	d.telling.Lock()
	defer d.telling.Unlock()
	wanted := d.wanted.Load()
	for d.told.Store(wanted); d.wanted.Load() < wanted; d.told.Store(wanted) {
		wanted = d.wanted.Load()
	}
	if wanted == never {
		return d.tell(time.Time{})
	}
	return d.tell(d.began.Add(time.Duration(wanted)))
}
