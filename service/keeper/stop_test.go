package keeper_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// Stop lets a call in flight end and stores what it brings: a classic token
// that was thrown away would leave only the dying one.
func TestStopPublishesCallInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.fault(map[string]any{"path": tokenPath, "mode": "slow", "delay": "4s", "issue": true})
		w.makeDue(appID, snapshot.KindAccessToken)
		for w.tokenCalls() < 2 {
			time.Sleep(100 * time.Millisecond)
		}
		r.stop()
		row := w.credential(appID, snapshot.KindAccessToken)
		if row.Version != 2 || row.LeaseOwner != "" {
			t.Errorf("version %d, holder %q after the stop", row.Version, row.LeaseOwner)
		}
		w.checkLedger()
	})
}

// What waits for a slot when Stop comes is neither asked nor left claimed.
func TestStopBeginsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{accounts: 30, tune: func(o *keeper.Options) { o.Concurrency = 3 }})
		w.fault(map[string]any{"path": "*", "mode": "slow", "delay": "2s", "count": -1})
		r := w.start("one", nil)
		time.Sleep(time.Second)
		r.stop()
		if calls := w.tokenCalls(); calls != 3 {
			t.Errorf("%d calls, want the 3 that were in flight", calls)
		}
		for _, id := range w.accounts {
			if row := w.credential(id, snapshot.KindAccessToken); row.LeaseOwner != "" || row.FailCount != 0 {
				t.Errorf("account %s: holder %q, %d failures", id, row.LeaseOwner, row.FailCount)
			}
		}
		w.checkLedger()
	})
}

// Stop comes between claim and call: the claim is given back at once.
func TestStopGivesTheClaimBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		f, stopped := &faulty{}, make(chan error, 1)
		var r *replica
		f.plan = func(op string, _ int) fate {
			if op == "Claim" {
				go func() { stopped <- r.keeper.Stop(context.Background()) }()
				time.Sleep(time.Second)
			}
			return pass
		}
		r = w.prepare("one", through(f))
		must(t, r.keeper.Start(t.Context()))
		must(t, <-stopped)
		if calls := w.tokenCalls(); calls != 0 {
			t.Errorf("%d calls after the stop", calls)
		}
		if row := w.credential(appID, snapshot.KindAccessToken); row.LeaseOwner != "" || row.Fence != 1 {
			t.Errorf("holder %q, fence %d", row.LeaseOwner, row.Fence)
		}
	})
}

// Stop whose time is over drops what is under way and returns; the claim ends
// by itself and another replica takes over.
func TestStopOutOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.fault(map[string]any{"path": tokenPath, "mode": "hang"})
		w.makeDue(appID, snapshot.KindAccessToken)
		for w.tokenCalls() < 2 {
			time.Sleep(100 * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := r.keeper.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop: %v", err)
		}
		if took := time.Since(began); took > 1100*time.Millisecond {
			t.Errorf("Stop took %s", took)
		}
		heir := w.start("heir", nil)
		time.Sleep(50 * time.Second)
		w.watch(time.Minute, time.Second, heir)
		if row := w.credential(appID, snapshot.KindAccessToken); row.Version != 2 {
			t.Errorf("version %d", row.Version)
		}
	})
}

// Stop may be called twice, before Start, and with jobs still coming.
func TestStopIsForgiving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.prepare("one", nil)
		must(t, r.keeper.Stop(t.Context()))
		must(t, r.keeper.Stop(t.Context()))
		r.keeper.Scan(t.Context())
		if calls := w.tokenCalls(); calls != 0 {
			t.Errorf("%d calls after the stop", calls)
		}
		if s := r.keeper.Status(); s.Ready {
			t.Errorf("ready after the stop: %+v", s)
		}
	})
}

// Start needs the database, and says so.
func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.prepare("one", through(&faulty{plan: always(refuse)}))
		if err := r.keeper.Start(t.Context()); !errors.Is(err, model.ErrUnreachable) {
			t.Errorf("Start: %v", err)
		}
		if s := r.keeper.Status(); s.Ready || s.Codes[0] != keeper.CodeStarting {
			t.Errorf("status %+v", s)
		}
	})
}

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		good := w.options("one", w.store)
		for name, spoil := range map[string]func(*keeper.Options){
			"no store":        func(o *keeper.Options) { o.Store = nil },
			"no replica":      func(o *keeper.Options) { o.Replica = "" },
			"long replica":    func(o *keeper.Options) { o.Replica = string(make([]byte, 151)) },
			"lease too short": func(o *keeper.Options) { o.Timing.Lease = 14 * time.Second },
			"probe too often": func(o *keeper.Options) { o.ProbeInterval = time.Millisecond },
		} {
			o := good
			spoil(&o)
			if _, err := keeper.New(o); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
	})
}

// The shortest lease that is taken leaves time for a call.
func TestShortestLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{tune: func(o *keeper.Options) { o.Timing.Lease = 15 * time.Second }})
		r := w.start("one", nil)
		time.Sleep(3 * time.Second)
		w.watch(time.Minute, time.Second, r)
		w.checkLedger()
	})
}

// Regression: after an outage the recorder was in its longest pause, and a stop
// waited for the end of it, or gave the row up.
func TestStopDoesNotSleepOnHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		f := &faulty{}
		r := w.prepare("one", through(f))
		f.set(everyTime(refuse, "AddHistory"))
		must(t, r.keeper.Start(t.Context()))
		r.cron.Start()
		time.Sleep(40 * time.Second) // the next try is 20 s away
		f.set(nil)
		begin := time.Now()
		r.stop()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("the stop took %s", took)
		}
		if n := len(w.rows(appID)); n != 2 {
			t.Errorf("%d history rows, want those of the token and the ticket", n)
		}
	})
}
