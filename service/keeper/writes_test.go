package keeper_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// A primary turns read-only while credentials are due: reads work, so the database
// is not away; it is told all the same, and taken back with the first claim that
// is carried out. A single claim on a broken connection tells nothing.
func TestReadOnlyDatabaseIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: brisk, mode: wechat.Stable})
		var refused atomic.Int64 // claims still to be refused
		one := w.start("one", through(&faulty{plan: func(op string, _ int) fate {
			if op == "Claim" && refused.Add(-1) >= 0 {
				return refuse
			}
			return pass
		}}))
		defer one.stop()
		readOnly := func() bool { return slices.Contains(one.keeper.Status().Codes, keeper.CodeDatabaseReadOnly) }
		time.Sleep(3 * time.Second)
		refused.Store(1)
		for range 60 * 60 {
			if time.Sleep(time.Second); readOnly() {
				t.Fatal("one refused claim is taken for a read-only database")
			}
		}
		if refused.Load() >= 0 {
			t.Fatal("nothing was due")
		}
		refused.Store(1 << 40)
		for n := 0; !readOnly(); n++ {
			if time.Sleep(time.Second); n == 60*60 {
				t.Fatal("claims are refused and nobody tells")
			}
		}
		if s := one.keeper.Status(); !s.Ready || !s.Degraded || s.DatabaseDown != 0 {
			t.Errorf("a read-only database: %+v", s)
		}
		refused.Store(0)
		if time.Sleep(time.Minute); readOnly() {
			t.Error("the database takes writes again and nobody tells")
		}
	})
}

// stall has claims take longer than anybody waits while it is on; they are not
// carried out.
type stall struct {
	keeper.Store
	on atomic.Bool
}

func (s *stall) Claim(ctx context.Context, g model.Grant, leaseMs int64) (bool, error) {
	if !s.on.Load() {
		return s.Store.Claim(ctx, g, leaseMs)
	}
	<-ctx.Done()
	return false, fmt.Errorf("claim: %w: %w", model.ErrUnreachable, ctx.Err())
}

// A database that is slow for a moment is not taken for one that takes no writes;
// one that goes on so is, and the log says that it is slow.
func TestSlowWritesAreNotRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told story
		s := &stall{}
		w := newWorld(t, setup{mode: wechat.Classic, accounts: 2, tune: told.listen})
		one := w.start("one", func(store keeper.Store) keeper.Store { s.Store = store; return s })
		readOnly := func() bool { return slices.Contains(one.keeper.Status().Codes, keeper.CodeDatabaseReadOnly) }
		time.Sleep(3 * time.Second)
		told.since()
		s.on.Store(true)
		w.makeDue(w.accounts[0], snapshot.KindAccessToken)
		w.makeDue(w.accounts[1], snapshot.KindAccessToken)
		for range 15 {
			if time.Sleep(time.Second); readOnly() {
				t.Fatalf("slow for a moment, and told:\n%s", strings.Join(told.since(), "\n"))
			}
		}
		time.Sleep(30 * time.Second)
		if lines := strings.Join(told.since(), "\n"); !readOnly() || !strings.Contains(lines, "carries out no writes in time") {
			t.Errorf("nothing is renewed for 45 s, and told:\n%s", lines)
		}
		s.on.Store(false)
		if time.Sleep(time.Minute); readOnly() {
			t.Error("the database takes writes again and nobody tells")
		}
	})
}
