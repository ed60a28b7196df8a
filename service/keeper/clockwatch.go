package keeper

import (
	"context"
	"sync"
	"time"

	"github.com/wxsign/wxsign/model"
)

// Three clocks should go alike: the database's, which decides; the monotonic
// one, by which this process knows when a value ends; and the machine's wall
// clock. Where they part, one of two things has happened.
//
// The machine was suspended: its monotonic clock stood still, the other two went
// on. Values live shorter than this process believes, and the rows are right.
//
// The database's clock was set, or another node answers whose clock differs: it
// alone jumps. The rows are wrong, and whoever served their values before knows
// by how much: see shiftRows.
const (
	// clockStep is the least jump of the database's clock that is acted on. It
	// equals what leases allow between the nodes of a database.
	clockStep = trustMargin
	// sleepStep is the least jump of the wall clock that counts as a sleep.
	sleepStep = 5 * time.Second
	// stepBack and stepAhead are how long the new time must hold. A machine that
	// a hypervisor froze sees a jump ahead of the database too, and its wall
	// clock is usually put right within seconds: then it was a sleep.
	stepBack  = time.Second
	stepAhead = 10 * time.Second
)

// clockwatch compares the clocks from one look at the database to the next.
type clockwatch struct {
	wall func() time.Time

	mu       sync.Mutex
	tick     time.Time // of the last comparison of the wall clock, monotonic
	tickWall time.Time
	seen     clock         // the last reading of the database's clock; none yet where nowMs is 0
	jumped   time.Duration // by which the database's clock stands apart since then
	since    time.Time     // when it last jumped
	settled  time.Time     // when the rows were last put right
}

// wallOf is the wall clock alone.
func wallOf() time.Time { return time.Now().Round(0) }

// slept is how long the machine was suspended since it was asked last, 0 where
// it was not.
func (w *clockwatch) slept() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, wall := time.Now(), w.wall()
	ahead := wall.Sub(w.tickWall) - now.Sub(w.tick)
	first := w.tick.IsZero()
	w.tick, w.tickWall = now, wall
	if first || ahead < sleepStep {
		return 0
	}
	return ahead
}

// asleep reports whether the machine has slept since slept was asked last.
func (w *clockwatch) asleep() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.tick.IsZero() && w.wall().Sub(w.tickWall)-time.Since(w.tick) >= sleepStep
}

// look notes a reading of the database's clock and reports whether a jump of it
// is confirmed; settle ends that.
func (w *clockwatch) look(clk clock) (stepped bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	by := w.apart(clk)
	w.seen = clk
	if by.Abs() >= clockStep/2 {
		w.jumped += by
		w.since = time.Now()
	}
	hold := stepAhead
	if w.jumped < 0 {
		hold = stepBack
	}
	if w.jumped.Abs() < clockStep {
		w.jumped = 0
	}
	return w.jumped != 0 && time.Since(w.since) >= hold
}

// apart is by how much, at least, the database's clock has moved more or less
// than ours since the last look; w.mu must be held. Each reading was made some
// time between the question and its answer, which may be long if this process
// was stopped.
func (w *clockwatch) apart(clk clock) time.Duration {
	if w.seen.nowMs == 0 {
		return 0
	}
	moved := time.Duration(clk.nowMs-w.seen.nowMs) * time.Millisecond
	return leastOf(moved-clk.after.Sub(w.seen.before), moved-clk.before.Sub(w.seen.after))
}

// leastOf is what is nearest to nothing between two bounds.
func leastOf(low, high time.Duration) time.Duration {
	return max(low, min(0, high))
}

// settle forgets a jump: the rows are right again.
func (w *clockwatch) settle(clk clock) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen, w.jumped, w.settled = clk, 0, time.Now()
}

// steppedLately reports whether rows of before the last jump may still come in:
// by a holder that was at work meanwhile.
func (w *clockwatch) steppedLately() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.settled.IsZero() && time.Since(w.settled) < 2*fullFollowInterval
}

// unsure reports whether a reading shows a jump that has not been dealt with
// yet: nothing may be judged due by it.
func (w *clockwatch) unsure(clk clock) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.jumped != 0 || w.apart(clk).Abs() >= clockStep
}

// unsurePause is when to look again at an account while the clocks are apart.
const unsurePause = time.Second

// shorten ends all values earlier by the time that this machine slept, if it did.
// The rows say more precisely when they end, but the database may not be there to
// ask. The lock is held from the look at the clocks on, or Kept could find values
// that are too long and nobody asleep.
func (k *Keeper) shorten() {
	k.puts.Lock()
	defer k.puts.Unlock()
	slept := k.clocks.slept()
	if slept == 0 {
		return
	}
	k.log.Warn("this machine stood still; all values are read anew", "for", slept.Round(time.Second).String())
	k.trustRows = true
	for view := range k.table.All() {
		for _, kind := range append([]string{tokenKind}, view.Account.Tickets...) {
			if c, found := view.Credential(kind); found {
				c.Deadline = c.Deadline.Add(-slept)
				k.table.PutCredential(view.Account.AppID, c)
			}
		}
	}
}

// readAnew takes all lives from the rows, if this machine has slept.
func (k *Keeper) readAnew(ctx context.Context, clk clock) error {
	k.puts.Lock()
	due := k.trustRows
	k.puts.Unlock()
	if !due {
		return nil
	}
	var appIDs []string
	for view := range k.table.All() {
		appIDs = append(appIDs, view.Account.AppID)
	}
	if err := k.takeCredentials(ctx, appIDs); err != nil {
		return err
	}
	k.clocks.settle(clk)
	k.puts.Lock()
	defer k.puts.Unlock()
	k.trustRows = false
	return nil
}

// putRight moves all rows to where the database's clock has gone.
func (k *Keeper) putRight() error {
	ctx, cancel := context.WithTimeout(k.hard, 2*dbTimeout)
	defer cancel()
	marks, clk, err := k.marks(ctx, 0)
	if err != nil {
		return err
	}
	k.shiftRows(marks, clk)
	marks, clk, err = k.marks(ctx, 0)
	if err != nil {
		return err
	}
	if err := k.takeCredentials(ctx, k.changedCredentials(marks)); err != nil {
		return err
	}
	k.clocks.settle(clk)
	return nil
}

// mendRows does the part of it that needs no jump to be seen, and what the jump
// has left.
func (k *Keeper) mendRows(marks []model.Mark, clk clock) {
	switch {
	case k.clocks.unsure(clk):
	case k.clocks.steppedLately():
		k.shiftRows(marks, clk)
	default:
		k.pullRows(marks, clk)
	}
}

// shiftRows puts rows right that the database's clock has moved away from: those
// whose value this replica serves and knows the end of. Several replicas may
// find the same row; one of them moves it. The others are pulled forward.
func (k *Keeper) shiftRows(marks []model.Mark, clk clock) {
	var others []model.Mark
	for i := range marks {
		m := &marks[i]
		held := k.held(&model.Credential{AppID: m.AppID, Kind: m.Kind})
		known := !held.Value.IsZero() && held.PublishID == m.PublishID && held.ExpiresAt == m.ExpiresMs && !m.Dead
		by := off(held.Deadline, m.ExpiresMs, clk)
		if !known || by.Abs() < clockStep {
			others = append(others, *m)
			continue
		}
		moved, err := k.try(func(ctx context.Context) (bool, error) {
			return k.store.Shift(ctx, model.Shift{
				AppID: m.AppID, Kind: m.Kind, PublishID: m.PublishID, ExpiresMs: m.ExpiresMs, ByMs: by.Milliseconds(),
			})
		})
		k.log.Warn("the database's clock was set; the row is moved to where it was", "account", m.AppID, "kind", m.Kind,
			"by", by.Round(time.Second).String(), "moved", moved, "err", err)
	}
	k.pullRows(others, clk)
}

// pullRows makes rows due that promise more than can be: the database's clock
// was set back after they were written, and nobody knows their value's end.
func (k *Keeper) pullRows(marks []model.Mark, clk clock) {
	for i := range marks {
		m := &marks[i]
		if !beyond(m, clk.nowMs) {
			continue
		}
		pulled, err := k.try(func(ctx context.Context) (bool, error) {
			return k.store.PullForward(ctx, m.AppID, m.Kind, m.NextRefreshMs)
		})
		k.log.Warn("a credential was due later than can be: the database's clock was set back; it is due now", "account", m.AppID, "kind", m.Kind,
			"pulled", pulled, "err", err)
	}
}

// off is by how much, at least, a row's end is too early (positive) or too late
// for the instant at which its value ends.
func off(end time.Time, expiresMs int64, clk clock) time.Duration {
	listed := time.Duration(expiresMs-clk.nowMs) * time.Millisecond
	return leastOf(end.Sub(clk.after)-listed, end.Sub(clk.before)-listed)
}

const (
	// longestBackoff is longer than any back-off: a day's quota and a little.
	longestBackoff = 25 * time.Hour
	// longestLife is the longest that WeChat gives any value.
	longestLife = 2 * time.Hour
)

// beyond reports whether a row is due later than anything that was written by
// the clock as it is now.
func beyond(m *model.Mark, nowMs int64) bool {
	slack := clockStep.Milliseconds()
	most := longestBackoff
	if m.FailCount == 0 {
		most = longestLife
	}
	return m.NextRefreshMs > nowMs+most.Milliseconds()+slack || m.UpdatedMs > nowMs+slack && m.NextRefreshMs > nowMs
}
