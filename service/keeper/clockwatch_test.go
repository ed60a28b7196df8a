package keeper_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// steppedNow is a database clock that w.step sets.
const steppedNow = `(bubble_now_ms() + (SELECT COALESCE(SUM(latency_ms), 0) FROM history WHERE app_id='step'))`

// step sets the database's clock.
func (w *world) step(by time.Duration) {
	w.t.Helper()
	must(w.t, w.store.AddHistory(w.t.Context(), model.History{AttemptID: keeper.NewID(), AppID: "step", LatencyMs: by.Milliseconds()}))
}

// The database's clock is set by an hour, forth or back, at any phase of a
// period: pages do not notice, and the calls are the same as without.
func TestDatabaseClockIsSet(t *testing.T) {
	t.Parallel()
	for by, phases := range map[time.Duration][]time.Duration{
		time.Hour:         {7 * time.Minute, 38 * time.Minute},
		-time.Hour:        {7 * time.Minute, 38 * time.Minute},
		10 * time.Minute:  {38 * time.Minute},
		-10 * time.Minute: {30 * time.Minute},
		20 * time.Second:  {39*time.Minute + 30*time.Second},
	} {
		for _, phase := range phases {
			t.Run(by.String()+" after "+phase.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, setup{simulator: brisk, mode: wechat.Classic, nowMS: steppedNow})
					one := w.start("one", nil)
					time.Sleep(3 * time.Second)
					w.watch(phase, 10*time.Second, one)
					w.step(by)
					w.watch(20*time.Second, time.Second, one)
					two := w.start("two", nil) // has only the rows
					w.watch(65*time.Minute-phase, 10*time.Second, one, two)
					for _, r := range []*replica{one, two} {
						w.checkToken(r, appID)
						r.stop()
					}
					w.checkLedger()
					// As with a steady clock: at 0, 23 to 25 and 46 to 50 minutes.
					if calls := w.tokenCalls(); calls != 3 {
						t.Errorf("%d token calls, want 3", calls)
					}
				})
			})
		}
	}
}

// The clock is set back while nobody runs: what the rows promise cannot be, and
// is renewed at once. WeChat is asked a few times more, not all the time.
func TestDatabaseClockIsSetBackWhileAllAreDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{nowMS: steppedNow, simulator: simulator.Options{FreshTickets: true}, follow: 5 * time.Second})
		first := w.start("first", nil)
		time.Sleep(time.Minute)
		first.stop()
		w.step(-3 * time.Hour)
		second := w.start("second", nil)
		time.Sleep(10 * time.Second)
		for _, kind := range w.kinds() {
			if row := w.credential(appID, kind); row.NextRefreshMs > time.Now().Add(-time.Hour).UnixMilli() {
				t.Errorf("%s is due %s from now by the new clock", kind, time.UnixMilli(row.NextRefreshMs).Sub(time.Now().Add(-3*time.Hour)))
			}
		}
		w.endure(time.Hour, 10*time.Second, second)
		w.watch(2*time.Hour, time.Minute, second)
		if calls := w.tokenCalls(); calls > 8 {
			t.Errorf("%d token calls in 3 hours", calls)
		}
	})
}

// The machine is suspended, so its monotonic clock stands still while WeChat's
// and the database's go on: nothing is served beyond its end afterwards, with
// the database or without.
func TestMachineSlept(t *testing.T) {
	t.Parallel()
	for name, databaseAway := range map[string]bool{"database there": false, "database away": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const nap = 115 * time.Minute
				var slept atomic.Int64
				w := newWorld(t, setup{nowMS: steppedNow, tune: func(o *keeper.Options) {
					o.Wall = func() time.Time { return time.Now().Round(0).Add(time.Duration(slept.Load())) }
				}})
				f := &faulty{}
				r := w.start("one", through(f))
				time.Sleep(10 * time.Minute)
				if databaseAway {
					f.set(always(refuse))
				}
				w.step(nap)
				slept.Store(int64(nap))
				w.sim.Control(t, "POST", "/_sim/clock", map[string]any{"advance": nap.String()}, nil)
				time.Sleep(1500 * time.Millisecond)
				w.checkToken(r, appID)
				w.endure(time.Minute, time.Second, r)
				if token := r.credential(appID, snapshot.KindAccessToken); databaseAway && token.Live(time.Now()) {
					t.Error("a token of before the sleep is served")
				}
				f.set(nil)
				time.Sleep(20 * time.Second)
				w.watch(time.Minute, time.Second, r)
				w.checkToken(r, appID)
			})
		})
	}
}

// The machine's own clock is set, and nothing else: nobody notices.
func TestWallClockIsSet(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var moved atomic.Int64
				w := newWorld(t, setup{follow: 5 * time.Second, tune: func(o *keeper.Options) {
					o.Wall = func() time.Time { return time.Now().Round(0).Add(time.Duration(moved.Load())) }
				}})
				r := w.start("one", nil)
				time.Sleep(10 * time.Minute)
				moved.Store(int64(by))
				w.watch(2*time.Hour, 10*time.Second, r)
				r.stop()
				w.checkLedger()
			})
		})
	}
}
