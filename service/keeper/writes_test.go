package keeper_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/keeper"
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
