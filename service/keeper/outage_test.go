package keeper_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// The database goes for 10 minutes, at any phase of a period: pages do not
// notice while the ticket lives, nothing expired is served, and afterwards all
// is as before.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
		for _, phase := range []time.Duration{0, 20 * time.Minute, 25 * time.Minute, 29 * time.Minute} {
			t.Run(fmt.Sprintf("%s, %s into a period of 40m", mode, phase), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, setup{simulator: brisk, mode: mode})
					var away atomic.Bool
					plan := func(string, int) fate {
						if away.Load() {
							return refuse
						}
						return pass
					}
					one, two := w.start("one", through(&faulty{plan: plan})), w.start("two", through(&faulty{plan: plan}))
					time.Sleep(3 * time.Second)
					w.watch(phase, 5*time.Second, one, two)
					away.Store(true)
					time.Sleep(2 * time.Second)
					if s := one.keeper.Status(); !s.Ready || !s.Degraded || s.DatabaseDown == 0 {
						t.Errorf("status while the database is away: %+v", s)
					}
					if n := w.endure(10*time.Minute, 5*time.Second, one, two); n > 0 {
						t.Errorf("not ready %d times while the ticket lived", n)
					}
					away.Store(false)
					time.Sleep(2 * time.Second)
					if s := one.keeper.Status(); s.DatabaseDown != 0 {
						t.Errorf("status after the database came back: %+v", s)
					}
					w.watch(40*time.Minute, 5*time.Second, one, two)
					one.stop()
					two.stop()
					w.checkLedger()
				})
			})
		}
	}
}

// The database goes at the very moment at which WeChat has issued a classic
// token: the holder serves it, keeps it and publishes it as soon as it can.
func TestDatabaseAwayAfterIssue(t *testing.T) {
	t.Parallel()
	for _, outage := range []time.Duration{20 * time.Second, 4 * time.Minute} {
		t.Run(outage.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{simulator: brisk, mode: wechat.Classic})
				var away atomic.Bool
				end := make(chan time.Time, 1)
				var due atomic.Bool
				// Gone for all from the next try to publish anything.
				plan := func(op string, _ int) fate {
					if op == "Publish" && due.CompareAndSwap(true, false) {
						away.Store(true)
						end <- time.Now().Add(outage)
						time.AfterFunc(outage, func() { away.Store(false) })
					}
					if away.Load() {
						return refuse
					}
					return pass
				}
				one, two := w.start("one", through(&faulty{plan: plan})), w.start("two", through(&faulty{plan: plan}))
				time.Sleep(3 * time.Second)
				w.watch(20*time.Minute, 5*time.Second, one, two) // past the re-fetches of the first ticket's birth
				due.Store(true)
				w.endure(5*time.Minute, time.Second, one, two)
				if len(end) == 0 {
					t.Fatal("no second token")
				}
				w.watch(time.Until((<-end).Add(10*time.Minute)), time.Second, one, two)
				one.stop()
				two.stop()
				w.checkLedger() // not one call more than versions: the value was not thrown away
			})
		})
	}
}

// WeChat goes at the worst moment: when everything has just become due.
func TestWeChatAwayUnnoticed(t *testing.T) {
	t.Parallel()
	for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: mode, simulator: simulator.Options{FreshTickets: true}})
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(3 * time.Second)
				// A ticket of unknown birth is fetched again after 5 minutes: then it is known.
				w.watch(6*time.Minute, 5*time.Second, one, two)
				jsapi := w.credential(appID, snapshot.KindJSAPI)
				w.watch(time.Until(time.UnixMilli(jsapi.NextRefreshMs))-2*time.Minute, time.Minute, one, two)
				time.Sleep(time.Until(time.UnixMilli(jsapi.NextRefreshMs)) - time.Second)
				w.fault(map[string]any{"path": "*", "mode": "status", "count": -1})
				w.watch(4*time.Minute, time.Second, one, two)
				w.heal()
				w.watch(10*time.Minute, time.Second, one, two)
				rows := w.rows(appID)
				if failed := count(rows, snapshot.KindJSAPI, model.OutcomeFailed); failed < 4 || failed > 40 {
					t.Errorf("%d failed attempts at the ticket in 4 minutes", failed)
				}
			})
		})
	}
}

// WeChat stays away beyond the end of everything: served to the true end, then
// honestly not ready, never wrong; and back soon after WeChat is.
func TestWeChatAwayForHours(t *testing.T) {
	t.Parallel()
	for _, outage := range []time.Duration{time.Hour, 3 * time.Hour} {
		t.Run(outage.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{follow: 5 * time.Second})
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(10 * time.Second)
				w.watch(90*time.Minute, time.Minute, one, two)
				before := w.tokenCalls()
				w.fault(map[string]any{"path": "*", "mode": "hang", "count": -1})
				left := time.Until(time.UnixMilli(w.credential(appID, snapshot.KindJSAPI).ExpiresMs))
				w.watch(min(left, outage)-10*time.Second, 5*time.Second, one, two)
				notReady := w.endure(time.Until(time.UnixMilli(epoch2000).Add(90*time.Minute+outage)), 5*time.Second, one, two)
				if notReady == 0 {
					t.Error("ready all the time: the outage was too short to prove anything")
				}
				if s := one.keeper.Status(); s.Ready || !s.Degraded || s.Failing != 1 {
					t.Errorf("status with nothing to sign with: %+v", s)
				}
				// A try every 30 s on average at worst, each with a time-out of 8 s.
				if calls := w.tokenCalls() - before; calls < int(outage.Minutes())-60 || calls > 4*int(outage.Minutes()) {
					t.Errorf("%d token calls in %s", calls, outage)
				}
				w.heal()
				time.Sleep(70 * time.Second) // the longest back-off, and a scan
				w.watch(10*time.Minute, 5*time.Second, one, two)
				if trouble := one.trouble(appID, snapshot.KindAccessToken); trouble.Failing != 0 {
					t.Errorf("trouble goes on: %+v", trouble)
				}
			})
		})
	}
}

// epoch2000 is when time begins in a bubble, in Unix milliseconds.
const epoch2000 = int64(946_684_800_000)
