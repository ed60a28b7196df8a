package keeper_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// A day of 2-hour credentials: every signature is right at every moment, the
// tokens cost one call per period, and every upstream call has its row.
func TestDayWithoutGap(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]setup{
		"stable, same ticket until its end":  {mode: wechat.Stable},
		"classic, same ticket until its end": {mode: wechat.Classic},
		"stable, new ticket each time":       {mode: wechat.Stable, simulator: simulator.Options{FreshTickets: true}},
		"classic, new ticket each time":      {mode: wechat.Classic, simulator: simulator.Options{FreshTickets: true}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				w := newWorld(t, s)
				r := w.start("one", nil)
				defer r.stop()
				time.Sleep(2 * time.Second)
				for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); time.Sleep(time.Second) {
					if err := r.sign(appID); err != nil {
						t.Fatalf("at %s: %v", time.Now().Format(time.TimeOnly), err)
					}
				}
				checkDay(t, w, s)
			})
		})
	}
}

// checkDay compares what WeChat counted with what the rows say.
func checkDay(t *testing.T, w *world, s setup) {
	t.Helper()
	rows := w.rows(appID)
	versions := w.credential(appID, snapshot.KindAccessToken).Version
	if got := w.tokenCalls(); int64(got) != versions {
		t.Errorf("%d token calls made %d versions, want one call per version", got, versions)
	}
	// 24 h of 7200 s less the margin, and the one of the start.
	least, most := int64(12), int64(13)
	if s.mode == wechat.Classic {
		least, most = 13, 15
	}
	if versions < least || versions > most {
		t.Errorf("%d token versions in a day, want %d to %d", versions, least, most)
	}
	tickets := w.credential(appID, snapshot.KindJSAPI).Version
	unchanged := count(rows, snapshot.KindJSAPI, model.OutcomeUnchanged)
	if got := w.calls()["/cgi-bin/ticket/getticket"]; int64(got) != tickets+int64(unchanged) {
		t.Errorf("%d ticket calls, want %d versions + %d unchanged", got, tickets, unchanged)
	}
	if tickets < 12 || tickets > 14 {
		t.Errorf("%d ticket versions in a day, want 12 to 14", tickets)
	}
	if failed := count(rows, snapshot.KindAccessToken, model.OutcomeFailed) + count(rows, snapshot.KindJSAPI, model.OutcomeFailed); failed > 0 {
		t.Errorf("%d failed attempts on a day without a fault", failed)
	}
}
