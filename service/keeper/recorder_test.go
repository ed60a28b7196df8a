package keeper_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
)

// failed is the history row of an attempt that published nothing.
func failed(i int) model.History {
	return model.History{
		AttemptID: fmt.Sprintf("attempt%d", i), AtMs: int64(i + 1), AppID: appID, Kind: snapshot.KindJSAPI,
		TriggerName: model.TriggerSchedule, Outcome: model.OutcomeFailed,
	}
}

// Rows that wait are written together, each once, whatever becomes of the
// statements.
func TestHistoryIsWrittenTogether(t *testing.T) {
	t.Parallel()
	const rows = 250
	for name, c := range map[string]struct {
		plan       func(string, int) fate
		statements int // at most
	}{
		"the database is well":  {nil, 3},
		"the answer is lost":    {func(_ string, n int) fate { return []fate{lose, pass}[min(n-1, 1)] }, 1 + 1 + 100 + 2},
		"every second conflict": {everyOther(conflict, "AddHistory"), 6},
		"not done three times":  {func(_ string, n int) fate { return []fate{refuse, refuse, refuse, pass}[min(n-1, 3)] }, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{})
				f := &faulty{plan: c.plan}
				r := keeper.NewRecorder(through(f)(w.store), slog.New(slog.DiscardHandler))
				for i := range rows {
					r.Add(failed(i))
				}
				r.Start(t.Context())
				time.Sleep(time.Minute)
				r.Stop()
				written := w.rows(appID)
				for i, h := range written {
					if want := int64(rows - i); h.AtMs != want || h.AttemptID != failed(int(want)-1).AttemptID {
						t.Fatalf("row %d is %+v", i, h)
					}
				}
				if n := f.times("AddHistory"); len(written) != rows || n > c.statements {
					t.Errorf("%d rows by %d statements, want %d by %d at most", len(written), n, rows, c.statements)
				}
			})
		})
	}
}

// A row that is there already costs those beside it nothing, and what somebody else
// was to write and has is not written again.
func TestHistoryBesideARowThatIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		must(t, w.store.AddHistory(t.Context(), failed(1)))
		own := failed(2)
		own.PublishID, own.Outcome = new("published"), model.OutcomeRenewed
		must(t, w.store.AddHistory(t.Context(), own))
		r := keeper.NewRecorder(w.store, slog.New(slog.DiscardHandler))
		r.Add(failed(0))
		r.Add(failed(1))
		for _, publishID := range []string{"published", "unwritten"} {
			r.Complete(&model.Credential{
				AppID: appID, Kind: snapshot.KindJSAPI, Version: 7, PublishID: publishID, PublishedBy: "doomed/1", IssuedMs: 9,
			})
		}
		r.Add(failed(3))
		r.Start(t.Context())
		r.Stop()
		var got []string
		for _, h := range w.rows(appID) { // the newest first
			got = append(got, h.AttemptID+" "+h.TriggerName)
		}
		if text := strings.Join(got, ", "); text != "unwritten recovery, attempt3 schedule, attempt2 schedule, attempt1 schedule, attempt0 schedule" {
			t.Error(text)
		}
	})
}

// Regression: each row that found no room was a line of its own, thousands within
// a minute, and said that the database was away while it was only slow.
func TestLostHistoryIsToldTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plan  func(string, int) fate
		rows  int
		lines []string
	}{
		"away": {always(refuse), 4196, []string{
			`WARN msg="cannot write history yet; what waits is kept and tried again" rows=4096 account=` + appID + ` kind=jsapi err=.*`,
			`ERROR msg="history rows are lost; the renewals themselves are safe" rows=500 why="the database has been away for too long"`,
			`ERROR msg="history rows are lost; the renewals themselves are safe" rows=100 why="the database has been away for too long"`,
		}},
		"slow": {nil, 4296, []string{
			`ERROR msg="history rows are lost; the renewals themselves are safe" rows=500 why="more come than the database takes"`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, log := newWorld(t, setup{}), &story{}
				f := &faulty{plan: c.plan}
				r := keeper.NewRecorder(through(f)(w.store), slog.New(slog.NewTextHandler(log, nil)))
				for i := range 4096 + 500 {
					r.Add(failed(i))
				}
				r.Start(t.Context())
				time.Sleep(10 * time.Second)
				for i := range 200 { // the writer holds a batch, which left room for 100
					r.Add(failed(5000 + i))
				}
				time.Sleep(5 * time.Minute)
				f.set(nil)
				r.Stop()
				want(t, log.since(), c.lines...)
				if n := len(w.rows(appID)); n != c.rows {
					t.Errorf("%d rows, want %d", n, c.rows)
				}
			})
		})
	}
}

// ruin has thousands of publishes whose holders died, on a slow database.
type ruin struct {
	keeper.Store
	publishes int
}

func (r ruin) UnwrittenHistory(context.Context, int64) ([]model.Credential, error) {
	rows := make([]model.Credential, r.publishes)
	for i := range rows {
		rows[i] = model.Credential{
			AppID: "gone", Kind: snapshot.KindJSAPI, Version: 1, PublishID: fmt.Sprintf("publish%d", i), PublishedBy: "doomed/1", IssuedMs: 1,
		}
	}
	return rows, nil
}

func (r ruin) AddHistories(ctx context.Context, rows []model.History) error {
	time.Sleep(time.Second)
	return r.Store.AddHistories(ctx, rows)
}

// Regression: the rows of others took all the room, and what happened meanwhile
// was lost.
func TestManyUnwrittenRowsLeaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const publishes = 6000
		log := &story{}
		w := newWorld(t, setup{tune: log.listen})
		r := w.start("heir", func(s keeper.Store) keeper.Store { return ruin{s, publishes} })
		time.Sleep(50 * time.Second) // all is looked at after the first second, and waits for 30
		w.makeDue(appID, snapshot.KindJSAPI)
		time.Sleep(2 * time.Minute)
		r.stop()
		for _, line := range log.since() {
			if strings.Contains(line, "history") {
				t.Error(line)
			}
		}
		if n := len(w.rows("gone")); n != publishes {
			t.Errorf("%d rows, want %d", n, publishes)
		}
		if n := count(w.rows(appID), snapshot.KindJSAPI, model.OutcomeRenewed, model.OutcomeUnchanged); n != 2 {
			t.Errorf("%d rows of its own ticket, want 2", n)
		}
	})
}
