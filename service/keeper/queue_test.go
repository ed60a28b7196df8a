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
