package keeper_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// leaveUnwritten has a replica publish a token and die before its history row. It
// returns the publish's id.
func (w *world) leaveUnwritten() (publishID string) {
	w.t.Helper()
	f := &faulty{}
	doomed := w.start("doomed", through(f))
	time.Sleep(3 * time.Second)
	f.set(everyTime(refuse, "AddHistory"))
	w.makeDue(appID, snapshot.KindAccessToken)
	time.Sleep(6 * time.Second)
	f.set(always(refuse))
	doomed.drop()
	row := w.credential(appID, snapshot.KindAccessToken)
	if row.Version != 2 || w.rowOf(row.PublishID) != nil {
		w.t.Fatalf("version %d, row %+v; want it published and not written", row.Version, w.rowOf(row.PublishID))
	}
	return row.PublishID
}

// rowOf is the history row of a publish, nil where there is none.
func (w *world) rowOf(publishID string) *model.History {
	w.t.Helper()
	for _, h := range w.rows(appID) {
		if h.PublishID != nil && *h.PublishID == publishID {
			return &h
		}
	}
	return nil
}

// slowHistory takes six seconds for each statement.
type slowHistory struct{ keeper.Store }

func (s slowHistory) AddHistory(ctx context.Context, h model.History) error {
	time.Sleep(6 * time.Second)
	return s.Store.AddHistory(context.WithoutCancel(ctx), h)
}

func (s slowHistory) AddHistories(ctx context.Context, rows []model.History) error {
	time.Sleep(6 * time.Second)
	return s.Store.AddHistories(context.WithoutCancel(ctx), rows)
}

// The newest publish of a holder that died gets its row from a survivor, whatever
// happens to the credential meanwhile, however much the survivor has to write, and
// though its look at the rows fails once.
//
// Regression: a row that went on moving looked as if it had just been published, a
// survivor with a row of its own to write did not look, and one whose look failed
// waited for a minute.
func TestUnwrittenRowIsWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		heir   func(keeper.Store) keeper.Store
		second func(w *world) // done every second
		within time.Duration
	}{
		"a row that moves": {
			nil,
			func(w *world) { w.rawSQL("UPDATE credential SET updated_ms=bubble_now_ms() WHERE kind='access_token'") },
			35 * time.Second,
		},
		"a survivor that always writes": {
			func(s keeper.Store) keeper.Store { return slowHistory{s} },
			func(w *world) { w.makeDue(appID, snapshot.KindJSAPI) },
			2 * time.Minute,
		},
		"a look that fails": {
			through(&faulty{plan: func(op string, n int) fate {
				if op == "AppIDs" && n == 1 {
					return refuse
				}
				return pass
			}}),
			func(*world) {},
			50 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: wechat.Classic})
				publishID := w.leaveUnwritten()
				w.start("heir", c.heir)
				for begin := time.Now(); w.rowOf(publishID) == nil; time.Sleep(time.Second) {
					if time.Since(begin) > c.within {
						t.Fatalf("no row after %s", c.within)
					}
					c.second(w)
				}
				if h := w.rowOf(publishID); h.TriggerName != model.TriggerRecovery || h.Actor != "doomed" || h.Version != 2 {
					t.Errorf("the row is %+v", h)
				}
			})
		})
	}
}

// A holder that lives and is only late with its row writes it itself.
func TestLateRowIsTheHoldersOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic})
		f := &faulty{}
		w.start("late", through(f))
		time.Sleep(3 * time.Second)
		f.set(everyTime(refuse, "AddHistory"))
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(6 * time.Second)
		w.start("other", nil) // which looks at once
		time.Sleep(10 * time.Second)
		f.set(nil)
		time.Sleep(2 * time.Minute)
		h := w.rowOf(w.credential(appID, snapshot.KindAccessToken).PublishID)
		if h == nil || h.Version != 2 || h.Actor != "late" || h.TriggerName != model.TriggerSchedule {
			t.Errorf("the row is %+v", h)
		}
	})
}
