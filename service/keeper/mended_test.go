package keeper_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/snapshot"
)

// Whoever mends the cause while the value lives must not see it end in a pause
// that began before: no page is refused.
func TestMendedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		end := time.UnixMilli(w.credential(appID, snapshot.KindJSAPI).ExpiresMs)
		w.fault(map[string]any{"path": "*", "errcode": 40164, "count": -1})
		time.Sleep(time.Until(end) - time.Minute)
		w.heal()
		w.watch(10*time.Minute, time.Second, r)
	})
}

// Mended some minutes after the end, pages do not wait for half an hour because
// there were many tries before it.
func TestMendedAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		end := time.UnixMilli(w.credential(appID, snapshot.KindJSAPI).ExpiresMs)
		w.fault(map[string]any{"path": "*", "errcode": 40164, "count": -1})
		time.Sleep(time.Until(end) + 5*time.Minute)
		w.heal()
		if notReady := w.endure(12*time.Minute, time.Second, r); notReady > 7*60 {
			t.Errorf("not ready for %d s after the cause was mended", notReady)
		}
	})
}

// A person presses "Refresh now" for the token after mending the cause: the ticket
// that failed by the same errcode does not sit out its own pause.
func TestTicketIsWokenByItsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		w.start("one", nil)
		time.Sleep(time.Minute)
		w.fault(map[string]any{"path": "*", "errcode": 40164, "count": -1})
		w.makeDue(appID, snapshot.KindAccessToken)
		w.makeDue(appID, snapshot.KindJSAPI)
		time.Sleep(20 * time.Second)
		w.heal()
		ticket := w.credential(appID, snapshot.KindJSAPI)
		if ticket.FailErrcode != 40164 {
			t.Fatalf("the ticket has not failed: %+v", ticket)
		}
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(20 * time.Second)
		if now := w.credential(appID, snapshot.KindAccessToken); now.FailCount != 0 {
			t.Fatalf("the token still fails: %+v", now)
		}
		if now := w.credential(appID, snapshot.KindJSAPI); now.FailCount != 0 {
			t.Errorf("the ticket sits out its own pause: %+v, then %+v", ticket, now)
		}
	})
}
