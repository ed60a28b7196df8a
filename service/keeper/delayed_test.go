package keeper_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
)

// delayed shows rows to a follower only some time after they were written: a
// commit that the engine held back, or a node that lags behind.
type delayed struct {
	keeper.Store
	by   time.Duration
	till atomic.Int64 // rows that were updated from here on are held back, Unix milliseconds; 0 = none
}

// Marks implements keeper.Store.
func (d *delayed) Marks(ctx context.Context, sinceMs int64) ([]model.Mark, int64, error) {
	marks, nowMs, err := d.Store.Marks(ctx, sinceMs)
	from := d.till.Load()
	return slices.DeleteFunc(marks, func(m model.Mark) bool {
		return from > 0 && m.UpdatedMs >= from && nowMs < m.UpdatedMs+d.by.Milliseconds()
	}), nowMs, err
}

// A row becomes visible long after the instant that is written in it, when the
// follower has looked past that instant many times: it is seen all the same, at
// once where the delay is one that engines have, within the minute where not.
func TestDelayedCommit(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ by, within time.Duration }{
		"not at all":  {0, mostSpread},
		"3 s":         {3 * time.Second, mostSpread},
		"8 s":         {8 * time.Second, mostSpread},
		"15 s":        {15 * time.Second, 62 * time.Second},
		"two minutes": {2 * time.Minute, 62 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{simulator: simulator.Options{FreshTickets: true}})
				d := &delayed{by: row.by}
				one := w.start("one", nil)
				two := w.start("two", func(s keeper.Store) keeper.Store { d.Store = s; return d })
				time.Sleep(time.Duration(17+13*len(name)) * time.Second) // at any phase of the full look
				d.till.Store(time.Now().UnixMilli())
				before := one.credential(appID, snapshot.KindJSAPI)
				w.makeDue(appID, snapshot.KindJSAPI)
				one.keeper.Scan(t.Context())
				published := time.Now()
				for one.credential(appID, snapshot.KindJSAPI).PublishID == before.PublishID {
					if time.Sleep(10 * time.Millisecond); time.Since(published) > time.Minute {
						t.Fatal("nothing was published")
					}
				}
				newest, visible := one.credential(appID, snapshot.KindJSAPI), time.Now().Add(row.by)
				for two.credential(appID, snapshot.KindJSAPI).PublishID != newest.PublishID {
					if time.Sleep(50 * time.Millisecond); time.Since(visible) > row.within {
						t.Fatalf("not seen %s after it could be", row.within)
					}
				}
				one.stop()
				two.stop()
			})
		})
	}
}
