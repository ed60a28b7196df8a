package keeper_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// A ticket whose first answer was lost is older than the answer that arrives
// says: WeChat gives it again, with 7200 s. It must not be signed with after its
// true end.
func TestLostTicketIsAsOldAsItIs(t *testing.T) {
	t.Parallel()
	// Not ready are, of two replicas in turns of a second: while answers are lost,
	// and as long again at the next end, which might be that much earlier.
	for name, c := range map[string]struct{ lost, notReady int }{"one answer": {1, 20}, "five answers": {5, 140}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{simulator: brisk})
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(3 * time.Second)
				end := time.UnixMilli(w.credential(appID, snapshot.KindJSAPI).ExpiresMs)
				time.Sleep(time.Until(end) - time.Second)
				w.fault(map[string]any{"path": "/cgi-bin/ticket/getticket", "mode": "cut", "issue": true, "count": c.lost})
				if notReady := w.endure(2*brisk.CredentialLife+5*time.Minute, time.Second, one, two); notReady > c.notReady {
					t.Errorf("not ready %d times", notReady)
				}
				one.stop()
				two.stop()
			})
		})
	}
}

// A ticket that may be older than its answer says by more than five minutes is
// served, fetched again every five minutes until it changes, and history and log
// say why. That is 24 calls at most for its two hours.
func TestTicketOfDoubtfulAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told story
		w := newWorld(t, setup{tune: told.listen, follow: 10 * time.Second})
		w.start("one", nil)
		time.Sleep(3 * time.Second)
		end := time.UnixMilli(w.credential(appID, snapshot.KindJSAPI).ExpiresMs)
		time.Sleep(time.Until(end) - time.Second)
		w.fault(map[string]any{"path": ticketPath, "mode": "cut", "issue": true, "count": 1})
		w.fault(map[string]any{"path": ticketPath, "mode": "status", "status": 502, "count": 40})
		row := w.awaitVersion(snapshot.KindJSAPI, 2)
		if doubt := time.UnixMilli(row.IssuedMs).Sub(end); doubt < 6*time.Minute || row.BirthKnown {
			t.Fatalf("got %s after the answer that was lost; birth known: %t", doubt, row.BirthKnown)
		}
		calls := w.calls()[ticketPath]
		next := w.awaitVersion(snapshot.KindJSAPI, 3)
		if n := w.calls()[ticketPath] - calls; n < 10 || n > 24 {
			t.Errorf("%d calls until it changed", n)
		}
		if late := time.UnixMilli(next.IssuedMs).Sub(end.Add(2 * time.Hour)); late > 5*time.Minute {
			t.Errorf("the next one was got %s after its end", late)
		}
		const why = "WeChat may have made this value up to "
		if h := w.rowOf(row.PublishID); h == nil || !strings.HasPrefix(h.Errmsg, why) {
			t.Errorf("history says %+v", h)
		}
		if h := w.rowOf(next.PublishID); h == nil || h.Errmsg != "" {
			t.Errorf("of the next one, history says %+v", h)
		}
		if lines := told.since(); !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, why) }) {
			t.Errorf("told:\n%s", strings.Join(lines, "\n"))
		}
	})
}

// awaitVersion waits until the credential has this version.
func (w *world) awaitVersion(kind string, version int64) model.Credential {
	w.t.Helper()
	for begin := time.Now(); ; time.Sleep(10 * time.Second) {
		row := w.credential(appID, kind)
		if row.Version == version {
			return row
		}
		if time.Since(begin) > 3*time.Hour {
			w.t.Fatalf("after 3 hours, %s has version %d", kind, row.Version)
		}
	}
}

// An answer was lost, and then that could not be noted either before the claim
// ended: when the claim is given back, the row still knows.
func TestLostAnswerIsNotForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic})
		f := &faulty{}
		w.start("one", through(f))
		time.Sleep(3 * time.Second)
		f.set(func(op string, _ int) fate {
			if op == "Fail" || op == "Claim" && f.seen["Fail"] > 0 {
				return refuse
			}
			return pass
		})
		w.fault(map[string]any{"path": tokenPath, "mode": "cut", "issue": true, "count": 1})
		from := time.Now().UnixMilli()
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(time.Minute)
		row := w.credential(appID, snapshot.KindAccessToken)
		if f.times("Release") == 0 || row.LeaseOwner != "" || row.AskedMs < from || row.Version != 1 {
			t.Errorf("given back %d times; owner %q, asked %d ms after the begin, version %d",
				f.times("Release"), row.LeaseOwner, row.AskedMs-from, row.Version)
		}
	})
}
