package keeper_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

const probePath = "/cgi-bin/getcallbackip"

// The probe: one per interval for an account, whatever the number of replicas,
// and nothing else as long as the token lives.
func TestProbeIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const interval = 10 * time.Minute
		w := newWorld(t, setup{accounts: 3, tune: func(o *keeper.Options) { o.ProbeInterval = interval }})
		var replicas []*replica
		for _, name := range []string{"a", "b", "c"} {
			replicas = append(replicas, w.start(name, nil))
		}
		time.Sleep(3 * time.Second)
		w.watch(time.Hour, time.Minute, replicas...)
		for _, r := range replicas {
			r.stop()
		}
		// The first within an interval, the others a twentieth less or more apart.
		if probes := w.calls()[probePath]; probes < 3*5 || probes > 3*7 {
			t.Errorf("%d probes of 3 accounts in 6 intervals", probes)
		}
		w.checkLedger()
		for _, h := range w.rows(appID) {
			if h.TriggerName == model.TriggerProbe {
				t.Errorf("a probe of a live token left the row %+v", h)
			}
		}
	})
}

// The probe finds out that another program has refreshed: the token is renewed
// before anybody meets the dead one, and the evidence is kept.
func TestProbeFindsDeadToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{
			mode: wechat.Classic, simulator: simulator.Options{FreshTickets: true},
			tune: func(o *keeper.Options) { o.ProbeInterval = 5 * time.Minute },
		})
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(6 * time.Minute) // then no ticket is due for long
		w.sim.Control(t, "POST", overwritePath, map[string]string{"app_id": appID, "mode": "classic"}, nil)
		before := w.tokenCalls()
		w.watch(20*time.Minute, 5*time.Second, one, two)
		if calls := w.tokenCalls() - before; calls != 1 {
			t.Errorf("%d token calls, want 1", calls)
		}
		for _, outcome := range []string{model.OutcomeFailed, model.OutcomeRenewed} {
			h := w.newest(snapshot.KindAccessToken, outcome)
			if h.TriggerName != model.TriggerProbe || outcome == model.OutcomeFailed && h.Errcode != 40001 {
				t.Errorf("the %s row has trigger %q and errcode %d", outcome, h.TriggerName, h.Errcode)
			}
		}
		if n := count(w.rows(appID), snapshot.KindAccessToken, model.OutcomeFailed); n != 1 {
			t.Errorf("%d failed rows, want the evidence alone", n)
		}
		w.checkToken(one, appID)
		w.checkToken(two, appID)
	})
}

// A probe that fails otherwise proves nothing and troubles nobody.
func TestProbeThatProvesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{tune: func(o *keeper.Options) { o.ProbeInterval = 5 * time.Minute }})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.fault(map[string]any{"path": probePath, "errcode": 45009, "count": -1})
		w.watch(time.Hour, 10*time.Second, r)
		if probes := w.calls()[probePath]; probes < 8 || probes > 14 {
			t.Errorf("%d probes in 12 intervals", probes)
		}
		if s := r.keeper.Status(); s.Degraded {
			t.Errorf("status %+v", s)
		}
		w.checkLedger()
	})
}
