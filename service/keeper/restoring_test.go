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
)

// Regression: nobody watched for a sleep of the machine before the rows were read,
// so what came out of a file was served for as long again as it had slept.
func TestMachineSleptWhileAFileIsServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const nap = 115 * time.Minute
		var slept atomic.Int64
		w := newWorld(t, setup{tune: func(o *keeper.Options) {
			o.Wall = func() time.Time { return time.Now().Round(0).Add(time.Duration(slept.Load())) }
		}})
		one := w.start("one", nil)
		time.Sleep(10 * time.Minute)
		kept := one.kept()
		one.stop()
		two := w.prepare("two", nil)
		two.keeper.Restore(kept)
		time.Sleep(10 * time.Second)
		if err := two.signNow(appID); err != nil {
			t.Fatalf("before the sleep: %v", err)
		}
		slept.Store(int64(nap))
		time.Sleep(1500 * time.Millisecond)
		for _, kind := range w.kinds() {
			if c := two.credential(appID, kind); c.Live(time.Now()) {
				t.Errorf("the %s is served %s beyond its end", kind, time.Until(c.Deadline))
			}
		}
		two.stop()
	})
}

// The database is back and Start has not begun: a report finds the token dead, and
// still nothing is renewed before schema and master key have been looked at.
func TestReportWhileAFileIsServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		one := w.start("one", nil)
		time.Sleep(10 * time.Minute)
		kept := one.kept()
		one.stop()
		two := w.prepare("two", nil)
		two.keeper.Restore(kept)
		before := w.calls()
		w.revoke(false)
		if result, err := two.report(snapshot.KindAccessToken, two.hash(snapshot.KindAccessToken)); err == nil {
			t.Errorf("%q; want to be told to wait", result)
		}
		w.checkSpent(before, map[string]int{"token": 0})
		must(t, two.keeper.Start(t.Context()))
		time.Sleep(5 * time.Second)
		w.checkSpent(before, map[string]int{"token": 1})
		w.checkToken(two, appID)
		two.stop()
		w.checkLedger()
	})
}

// Regression: the token's row was damaged while its value was served, the ticket's
// time came first, and the ticket was parked for 5 minutes: longer than it lived.
func TestTicketBehindADamagedToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: simulator.Options{FreshTickets: true}})
		r := w.start("one", nil)
		time.Sleep(time.Hour)
		before := w.credential(appID, snapshot.KindJSAPI)
		w.rawSQL("UPDATE credential SET value_enc=(SELECT d.value_enc FROM credential d WHERE d.kind=?) WHERE kind=?",
			snapshot.KindJSAPI, snapshot.KindAccessToken)
		calls := w.calls()
		w.makeDue(appID, snapshot.KindJSAPI)
		time.Sleep(time.Minute)
		if now := w.credential(appID, snapshot.KindJSAPI); now.Version != before.Version+1 || now.FailCount != 0 {
			t.Errorf("version %d after %d, %d failures: %s", now.Version, before.Version, now.FailCount, now.FailText)
		}
		if n := count(w.rows(appID), snapshot.KindJSAPI, model.OutcomeFailed); n != 1 {
			t.Errorf("%d failures in history, want the one that found it", n)
		}
		w.checkSpent(calls, map[string]int{"token": 1, ticketPath: 1})
		w.checkToken(r, appID)
	})
}
