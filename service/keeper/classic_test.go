package keeper_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// deadLooks lets time pass and tells for how long, of all that the replicas
// served as a live token, WeChat did not take it.
func (w *world) deadLooks(d time.Duration, replicas ...*replica) (dead time.Duration) {
	w.t.Helper()
	const step = 100 * time.Millisecond
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(step) {
		for _, r := range replicas {
			if !w.tokenLives(r) {
				dead += step
			}
		}
	}
	return dead
}

func (w *world) tokenLives(r *replica) bool {
	w.t.Helper()
	token := r.credential(appID, snapshot.KindAccessToken)
	if !token.Live(time.Now()) {
		return true // and not served
	}
	var truth struct{ Alive bool }
	w.sim.Control(w.t, "POST", "/_sim/truth/check",
		map[string]string{"app_id": appID, "kind": snapshot.KindAccessToken, "sha256": token.Value.Hash()}, &truth)
	return truth.Alive
}

// WeChat issues classic tokens whose answers never arrive. One such loss costs
// what it takes the next token to reach all replicas, several in a row the
// back-off between them besides; and while nothing at all arrives, no call is
// made that could kill the token in use.
func TestLostAnswersInClassicMode(t *testing.T) {
	t.Parallel()
	cut := func(path string, count int) map[string]any {
		return map[string]any{"path": path, "mode": "cut", "count": count, "issue": true}
	}
	for name, c := range map[string]struct {
		fault  map[string]any
		outage time.Duration // 0 = the fault ends by itself
		most   time.Duration // that a dead token may be served, both replicas together
	}{
		"one":                  {cut(tokenPath, 1), 0, 2 * 1500 * time.Millisecond},
		"two in a row":         {cut(tokenPath, 2), 0, 2 * 6 * time.Second},
		"three in a row":       {cut(tokenPath, 3), 0, 2 * 18 * time.Second},
		"all, for 4 minutes":   {cut("*", -1), 4 * time.Minute, 2 * 1500 * time.Millisecond},
		"all hang, 4 minutes":  {map[string]any{"path": "*", "mode": "hang", "count": -1, "issue": true}, 4 * time.Minute, 2 * 1500 * time.Millisecond},
		"never issued, 4 more": {map[string]any{"path": "*", "mode": "status", "count": -1}, 4 * time.Minute, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: wechat.Classic})
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(20 * time.Minute)
				before := w.tokenCalls()
				w.fault(c.fault)
				w.makeDue(appID, snapshot.KindAccessToken)
				dead := w.deadLooks(max(c.outage, time.Minute), one, two)
				if c.outage > 0 {
					if dead > 0 {
						t.Errorf("while WeChat was away, a dead token was served for %s", dead)
					}
					if calls := w.tokenCalls() - before; calls != 1 {
						t.Errorf("%d token calls while WeChat was away, want 1: each could kill the token in use", calls)
					}
					w.heal()
					dead += w.deadLooks(2*time.Minute, one, two)
				}
				if dead > c.most {
					t.Errorf("a dead token was served for %s on two replicas, at most %s", dead, c.most)
				}
				row := w.credential(appID, snapshot.KindAccessToken)
				if row.Version != 2 || row.FailCount != 0 {
					t.Errorf("version %d, %d failures", row.Version, row.FailCount)
				}
				if failed := count(w.rows(appID), snapshot.KindAccessToken, model.OutcomeFailed); c.outage > 0 && failed != 1 {
					t.Errorf("%d failed attempts, want that of the first call; the others are refused", failed)
				}
				w.checkToken(one, appID)
				w.checkToken(two, appID)
			})
		})
	}
}
