package keeper_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// punctual is how late a renewal may be: a scan, a claim, a call.
const punctual = 30 * time.Second

// One account of fifty is slow at WeChat: each of its calls takes 7 s, or hangs
// until the time-out, for hours. The other 49 are renewed on time all the while,
// even where only two calls may be in flight.
func TestOneSlowAccount(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"7 s for each call": {"path": "*", "mode": "slow", "delay": "7s", "count": -1},
		"no answer at all":  {"path": "*", "mode": "hang", "count": -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{
					mode: wechat.Classic, accounts: 50, follow: time.Minute, simulator: simulator.Options{FreshTickets: true},
					tune: func(o *keeper.Options) { o.Concurrency, o.ProbeInterval = 2, 30*time.Minute },
				})
				slow := w.accounts[17]
				r := w.start("one", nil)
				time.Sleep(20 * time.Second)
				fault["app_id"] = slow
				w.fault(fault)
				for range 125 { // minutes: everything is renewed once
					time.Sleep(time.Minute)
					for _, id := range w.accounts {
						if id != slow {
							w.checkPunctual(r, id)
						}
					}
				}
				if fault["mode"] == "hang" && r.trouble(slow, snapshot.KindAccessToken).Failing == 0 {
					t.Error("the slow account never failed: this tests nothing")
				}
				r.stop()
			})
		})
	}
}

// checkPunctual fails the test if a credential should have been renewed by now,
// or ends sooner than its margin allows.
func (w *world) checkPunctual(r *replica, id string) {
	w.t.Helper()
	t := keeper.DefaultTiming()
	margins := map[string]time.Duration{snapshot.KindAccessToken: t.ClassicMargin, snapshot.KindJSAPI: t.TicketMargin - latest}
	for kind, margin := range margins {
		if left := time.Until(r.credential(id, kind).Deadline); left < margin-punctual {
			w.t.Errorf("at %s the %s of %s ends in %s and is not renewed", time.Now().Format(time.TimeOnly), kind, id, left)
		}
	}
}

// latest is the most that a ticket is renewed after its margin, to spread the
// accounts.
const latest = 20 * time.Second
