package keeper_test

import (
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

// kept is what a replica would write into its file.
func (r *replica) kept() []snapshot.Kept {
	r.w.t.Helper()
	kept, current := r.keeper.Kept()
	if !current {
		r.w.t.Fatalf("replica %s cannot vouch for what it serves", r.name)
	}
	return kept
}

// A replica that begins without the database serves what the one before it
// left, to its true end, asks WeChat for nothing, and goes on by the rows.
func TestRestored(t *testing.T) {
	t.Parallel()
	for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: mode, accounts: 2})
				one := w.start("one", nil)
				time.Sleep(20 * time.Minute)
				kept := one.kept()
				one.stop()
				time.Sleep(time.Minute)
				before := w.calls()

				two := w.prepare("two", nil)
				if accounts, values := two.keeper.Restore(kept); accounts != 2 || values != 4 {
					t.Errorf("%d accounts and %d values are served", accounts, values)
				}
				s := two.keeper.Status()
				if want := []string{keeper.CodeDatabaseDown, keeper.CodeSnapshotFile}; !s.Ready || !s.Degraded || !slices.Equal(s.Codes, want) {
					t.Errorf("status %+v", s)
				}
				ends := time.UnixMilli(w.credential(appID, snapshot.KindJSAPI).ExpiresMs)
				w.watch(time.Until(ends)-time.Minute, time.Minute, two)
				if notReady := w.endure(10*time.Minute, 5*time.Second, two); notReady == 0 {
					t.Error("ready beyond the end of all: nothing was proved")
				}
				if s := two.keeper.Status(); s.Ready || !slices.Contains(s.Codes, keeper.CodeNothingCanBeSigned) {
					t.Errorf("with everything expired: %+v", s)
				}
				w.checkSpent(before, map[string]int{"token": 0, "/cgi-bin/ticket/getticket": 0})

				must(t, two.keeper.Start(t.Context()))
				two.cron.Start()
				time.Sleep(10 * time.Second)
				w.watch(20*time.Minute, time.Minute, two)
				if s := two.keeper.Status(); len(s.Codes) > 0 {
					t.Errorf("with the database back: %+v", s)
				}
				two.stop()
				w.checkLedger()
			})
		})
	}
}

// While this machine was down the others went on; then the database went away,
// and this one begins with its old file. In classic mode every renewal has ended
// the token of before. None of those is served.
func TestRestoredOldTokens(t *testing.T) {
	t.Parallel()
	for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{simulator: brisk, mode: mode, accounts: 4})
				one := w.start("one", nil)
				time.Sleep(10 * time.Second)
				kept, served := one.kept(), 0
				for begin := time.Now(); time.Since(begin) < 45*time.Minute; time.Sleep(time.Minute) {
					late := w.prepare("late", nil)
					_, values := late.keeper.Restore(kept)
					served += values
					for _, id := range w.accounts {
						w.checkToken(late, id)
						if err := late.signNow(id); err != nil && values == 8 {
							t.Errorf("after %s: %v", time.Since(begin), err)
						}
					}
					late.drop()
				}
				if served < 4*2*20 {
					t.Errorf("only %d values were served: this proves little", served)
				}
				one.stop()
			})
		})
	}
}

// The rows win, whatever the file said: edited and deleted accounts, values that
// another replica has renewed meanwhile, and ends.
func TestRowsReplaceTheRestored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{accounts: 3})
		one := w.start("one", nil)
		time.Sleep(10 * time.Second)
		kept := one.kept()
		edited, deleted := w.accounts[1], w.accounts[2]
		w.edit(edited, func(a *model.Account) { a.Enabled = false })
		w.rawSQL("DELETE FROM account WHERE app_id=?", deleted)
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(2 * time.Hour)
		one.stop()
		for i := range kept { // as if they lived on
			for j := range kept[i].Credentials {
				kept[i].Credentials[j].Deadline = time.Now().Add(time.Hour)
			}
		}
		two := w.prepare("two", nil)
		two.keeper.Restore(kept)
		must(t, two.keeper.Start(t.Context()))
		if _, found := two.table.Lookup(deleted); found {
			t.Error("a deleted account is served")
		}
		if view, found := two.table.Lookup(edited); !found || view.Account.Enabled {
			t.Error("a disabled account is served")
		}
		for _, kind := range w.kinds() {
			row, held := w.credential(appID, kind), two.credential(appID, kind)
			if held.PublishID != row.PublishID || held.Version != row.Version {
				t.Errorf("%s: version %d is served, the row has %d", kind, held.Version, row.Version)
			}
			if left := time.Until(held.Deadline) - time.Until(time.UnixMilli(row.ExpiresMs)); left > 0 {
				t.Errorf("%s is served %s beyond its row's end", kind, left)
			}
		}
		two.stop()
	})
}

// A file keeps only what its writer can vouch for.
func TestKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		w := newWorld(t, setup{accounts: 2, tune: func(o *keeper.Options) {
			o.Wall = func() time.Time { return time.Now().Round(0).Add(time.Duration(ahead.Load())) }
		}})
		f := &faulty{}
		r := w.prepare("one", through(f))
		if _, current := r.keeper.Kept(); current {
			t.Error("before the start")
		}
		must(t, r.keeper.Start(t.Context()))
		r.cron.Start()
		time.Sleep(10 * time.Second)
		if n := len(r.kept()); n != 2 {
			t.Errorf("%d accounts", n)
		}
		w.edit(w.accounts[1], func(a *model.Account) { a.Enabled = false })
		time.Sleep(3 * time.Second)
		for _, kept := range r.kept() {
			if got := len(kept.Credentials); kept.Account.Enabled && got != 2 || !kept.Account.Enabled && got != 0 {
				t.Errorf("account %s, enabled %t: %d values", kept.Account.AppID, kept.Account.Enabled, got)
			}
		}
		f.set(always(refuse))
		time.Sleep(3 * time.Second)
		if _, current := r.keeper.Kept(); current {
			t.Error("the database is away")
		}
		f.set(nil)
		time.Sleep(3 * time.Second)
		r.kept()
		ahead.Store(int64(time.Hour)) // the machine slept; nobody has looked yet
		if _, current := r.keeper.Kept(); current {
			t.Error("the machine has just slept")
		}
		time.Sleep(10 * time.Second)
		r.kept()
		time.Sleep(3 * time.Hour) // nothing expired is kept
		for _, kept := range r.kept() {
			for _, c := range kept.Credentials {
				if !c.Live(time.Now()) {
					t.Errorf("%s has expired", c.Kind)
				}
			}
		}
		r.stop()
	})
}

// The value that is served and not stored yet stays out: nobody else could find
// it, and its holder may still have to take it back.
func TestKeptWithoutTheUnpublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: brisk})
		f := &faulty{}
		r := w.start("one", through(f))
		time.Sleep(10 * time.Second)
		f.set(everyTime(refuse, "Publish"))
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(36 * time.Minute)
		row, held := w.credential(appID, snapshot.KindAccessToken), r.credential(appID, snapshot.KindAccessToken)
		if held.PublishID == row.PublishID {
			t.Fatal("nothing is unpublished: this tests nothing")
		}
		kept, current := r.keeper.Kept()
		if !current {
			t.Fatal("it cannot vouch for anything")
		}
		for _, c := range kept[0].Credentials {
			if c.PublishID == held.PublishID {
				t.Error("an unpublished value is kept")
			}
		}
		f.set(nil)
		time.Sleep(5 * time.Second)
		r.stop()
	})
}

// A file that comes late changes nothing.
func TestRestoreAfterStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(10 * time.Second)
		kept := r.kept()
		kept[0].Account.Enabled = false
		kept[0].Account.AppID = strings.Repeat("x", 18)
		if accounts, values := r.keeper.Restore(kept); accounts != 0 || values != 0 {
			t.Errorf("%d accounts, %d values", accounts, values)
		}
		if _, found := r.table.Lookup(kept[0].Account.AppID); found {
			t.Error("served")
		}
		r.stop()
	})
}

// The database went away in the middle of the start, between the accounts and
// their values: the file fills the gap.
func TestRestoreAfterHalfAStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{accounts: 2})
		one := w.start("one", nil)
		time.Sleep(10 * time.Second)
		kept := one.kept()
		one.stop()
		f := &faulty{plan: everyTime(refuse, "Credentials")}
		two := w.prepare("two", through(f))
		if err := two.keeper.Start(t.Context()); err == nil {
			t.Fatal("it started: this tests nothing")
		}
		if accounts, values := two.keeper.Restore(kept); accounts != 2 || values != 4 {
			t.Errorf("%d accounts, %d values", accounts, values)
		}
		w.watch(time.Minute, 10*time.Second, two)
		f.set(nil)
		must(t, two.keeper.Start(t.Context()))
		two.cron.Start()
		w.watch(time.Minute, 10*time.Second, two)
		two.stop()
		w.checkLedger()
	})
}
