package keeper_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

const overwritePath = "/_sim/overwrite"

func (w *world) revoke(stillServed bool) {
	w.t.Helper()
	w.sim.Control(w.t, "POST", "/_sim/revoke", map[string]any{"app_id": appID, "what": "token", "still_served": stillServed}, nil)
}

// newest is the newest history row of a kind with an outcome.
func (w *world) newest(kind, outcome string) model.History {
	w.t.Helper()
	for _, h := range w.rows(appID) {
		if h.Kind == kind && h.Outcome == outcome {
			return h
		}
	}
	w.t.Fatalf("no %s row %q", kind, outcome)
	return model.History{}
}

// getticket says that the token is dead: one renewal of the token, then the
// ticket, in both modes.
func TestDeadTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: mode})
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(time.Minute) // the token is not brand-new any more
				w.revoke(false)
				before := w.tokenCalls()
				w.makeDue(appID, snapshot.KindJSAPI)
				w.watch(4*time.Minute, time.Second, one, two)
				if calls := w.tokenCalls() - before; calls != 1 {
					t.Errorf("%d token calls, want 1", calls)
				}
				if h := w.newest(snapshot.KindAccessToken, model.OutcomeRenewed); h.TriggerName != model.TriggerReport || h.Version != 2 {
					t.Errorf("renewed version %d by trigger %q, want 2 by report", h.Version, h.TriggerName)
				}
				failed := w.newest(snapshot.KindJSAPI, model.OutcomeFailed)
				if failed.Errcode != 40001 || w.credential(appID, snapshot.KindJSAPI).FailCount != 0 {
					t.Errorf("the ticket failed with %d and was not fetched again", failed.Errcode)
				}
			})
		})
	}
}

// WeChat goes on handing out the dead stable token: force, once.
func TestDeadTokenStillServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.revoke(true)
		w.makeDue(appID, snapshot.KindJSAPI)
		w.watch(2*time.Minute, time.Second, r)
		if forced := w.forced(); forced != 1 {
			t.Errorf("%d force refreshes, want 1", forced)
		}
		if row := w.credential(appID, snapshot.KindAccessToken); row.Version != 2 || row.Dead() || row.ForceCount != 1 {
			t.Errorf("token version %d, dead %t, force count %d", row.Version, row.Dead(), row.ForceCount)
		}
	})
}

// WeChat calls every token dead, all day: the machines' budget of 15 force
// refreshes is kept, 30 s apart, then attempts are refused and grow rare.
func TestForceBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// A bubble begins at 08:00 in Beijing; by the database's clock it is 21:00.
		w := newWorld(t, setup{
			simulator: simulator.Options{FreshTickets: true}, nowMS: "(bubble_now_ms()+13*3600000)", follow: 10 * time.Second,
		})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		killAll := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(time.Minute) {
				w.revoke(true)
				w.makeDue(appID, snapshot.KindJSAPI)
			}
		}
		killAll(178 * time.Minute)
		if forced := w.forced(); forced != 15 {
			t.Errorf("%d force refreshes in a day, want 15", forced)
		}
		refused := count(w.rows(appID), snapshot.KindAccessToken, model.OutcomeRefused)
		if refused < 5 || refused > 40 {
			t.Errorf("%d refused attempts, want a few that grow rare", refused)
		}
		if trouble := r.trouble(appID, snapshot.KindAccessToken); trouble.Failing == 0 || time.Until(trouble.NextTry) > 38*time.Minute {
			t.Errorf("trouble %+v", trouble)
		}
		killAll(time.Hour) // midnight passes
		if forced := w.forced(); forced <= 15 {
			t.Error("the new day brought no new budget")
		}
	})
}

func (w *world) forced() int {
	w.t.Helper()
	var ledger struct{ All struct{ Forced int } }
	w.sim.Control(w.t, "GET", "/_sim/ledger", nil, &ledger)
	return ledger.All.Forced
}

// Another program holds the AppSecret and refreshes the classic token all day:
// pages go on being signed, and the calls stay bounded.
func TestRivalInClassicMode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic, simulator: simulator.Options{FreshTickets: true}, follow: 10 * time.Second})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		for range 18 {
			w.sim.Control(t, "POST", overwritePath, map[string]string{"app_id": appID, "mode": "classic"}, nil)
			w.watch(20*time.Minute, 10*time.Second, r)
		}
		if calls := w.tokenCalls(); calls > 20 {
			t.Errorf("%d token calls in 6 hours", calls)
		}
	})
}
