package keeper_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
)

// Hundreds of accounts that are due at once, and a slow WeChat: no goroutine waits for
// a slot but those that have had one, and a ticket does not wait for the tokens of all
// others. It runs alone, as it counts goroutines.
func TestManyDueAtOnce(t *testing.T) { //nolint:paralleltest // as above
	synctest.Test(t, func(t *testing.T) {
		const accounts = 120
		w := newWorld(t, setup{accounts: accounts, tune: func(o *keeper.Options) { o.Concurrency = 2 }})
		w.fault(map[string]any{"path": "*", "mode": "slow", "delay": "1s", "count": -1})
		before := runtime.NumGoroutine()
		r := w.start("one", nil)
		time.Sleep(20*time.Second + time.Second/2)
		if more := runtime.NumGoroutine() - before; more > accounts/3 {
			t.Errorf("%d goroutines for %d accounts and 2 slots", more, accounts)
		}
		tokens, tickets := 0, 0
		for _, id := range w.accounts {
			if r.credential(id, snapshot.KindAccessToken).Live(time.Now()) {
				tokens++
			}
			if r.credential(id, snapshot.KindJSAPI).Live(time.Now()) {
				tickets++
			}
		}
		if tokens < 15 || tokens > 30 || tickets < tokens/2 {
			t.Errorf("%d tokens and %d tickets after 20 s of 2 calls a second", tokens, tickets)
		}
		w.heal()
		time.Sleep(time.Minute)
		w.watch(time.Second, time.Second, r)
		r.stop()
	})
}

// Accounts that hang try again and again; whoever has not been tried yet comes before
// them, and whoever somebody waits for before all.
func TestHangingAccountsLetOthersPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const hanging, healthy = 30, 10
		w := newWorld(t, setup{accounts: hanging + healthy, tune: func(o *keeper.Options) { o.Concurrency = 2 }})
		for _, id := range w.accounts[:hanging] {
			w.fault(map[string]any{"path": "*", "app_id": id, "mode": "hang", "count": -1})
		}
		r := w.start("one", nil)
		began := time.Now()
		time.Sleep(31 * time.Second) // a new row counts as tried for 30
		asked := w.accounts[hanging+healthy-1]
		prompted := time.Now()
		result, err := r.keeper.Refresh(t.Context(), keeper.RefreshRequest{AppID: asked, Kind: snapshot.KindAccessToken, Actor: "admin"})
		if err != nil || result != keeper.ResultRenewed || time.Since(prompted) > 20*time.Second {
			t.Errorf("the account that somebody waits for: %s after %s, %v", result, time.Since(prompted), err)
		}
		for _, id := range w.accounts[hanging:] {
			// Each of the others has its first try: 30 of 8 s, two at a time.
			for !r.credential(id, snapshot.KindAccessToken).Live(time.Now()) {
				if time.Sleep(time.Second); time.Since(began) > 3*time.Minute {
					t.Fatalf("%s has no token after 3 minutes", id)
				}
			}
		}
		w.heal()
		time.Sleep(5 * time.Minute)
		r.stop()
	})
}
