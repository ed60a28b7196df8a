package keeper_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/snapshot"
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
