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
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s.follow = time.Minute
				w := newWorld(t, s)
				r := w.start("one", nil)
				time.Sleep(2 * time.Second)
				w.watch(24*time.Hour, 5*time.Second, r)
				checkDay(t, w, s)
			})
		})
	}
}

// checkDay compares what WeChat counted with what the rows say.
func checkDay(t *testing.T, w *world, s setup) {
	t.Helper()
	w.checkLedger()
	rows := w.rows(appID)
	// 24 h of 7200 s less the margin, and the one of the start.
	least, most := int64(12), int64(13)
	if s.mode == wechat.Classic {
		least, most = 13, 15
	}
	if versions := w.credential(appID, snapshot.KindAccessToken).Version; versions < least || versions > most {
		t.Errorf("%d token versions in a day, want %d to %d", versions, least, most)
	}
	if tickets := w.credential(appID, snapshot.KindJSAPI).Version; tickets < 12 || tickets > 14 {
		t.Errorf("%d ticket versions in a day, want 12 to 14", tickets)
	}
	for _, kind := range w.kinds() {
		if failed := count(rows, kind, model.OutcomeFailed); failed > 0 {
			t.Errorf("%d failed attempts at the %s on a day without a fault", failed, kind)
		}
	}
}
