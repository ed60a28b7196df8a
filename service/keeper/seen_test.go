package keeper_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

const businessPath = "/cgi-bin/message/custom/send"

// seen tells a replica that its relay was answered 40001 for the value of a hash.
func (r *replica) seen(path, hash string) (string, error) {
	return r.keeper.Report(context.Background(), keeper.Report{
		AppID: appID, Kind: snapshot.KindAccessToken, SHA256: hash, Errcode: 40001, Actor: "shop", SeenAt: path,
	})
}

// seenStorm lets many calls of each replica see the same death at once.
func seenStorm(t *testing.T, hash string, callers int, replicas ...*replica) map[string]int {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]int{}
	var tasks sync.WaitGroup
	for _, r := range replicas {
		for i := range callers {
			tasks.Go(func() {
				result, err := r.seen(fmt.Sprintf("%s/%d", businessPath, i%4), hash)
				if err != nil {
					result = err.Error()
				}
				mu.Lock()
				defer mu.Unlock()
				answers[result]++
			})
		}
	}
	tasks.Wait()
	return answers
}

// Regression: WeChat's word that a token lives was good for 30 s, so a token that
// died within them was not replaced though the relay saw it happen.
func TestDeathSeenBehindAnAnswerThatSaidAlive(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode        wechat.Mode
		stillServed bool
		calls       int
	}{
		"stable":                           {wechat.Stable, false, 1},
		"stable, the dead one comes again": {wechat.Stable, true, 2},
		"classic":                          {wechat.Classic, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: c.mode})
				replicas := []*replica{w.start("one", nil), w.start("two", nil), w.start("three", nil)}
				time.Sleep(time.Minute)
				before, hash := w.calls(), replicas[0].hash(snapshot.KindAccessToken)
				if result, err := replicas[0].report(snapshot.KindAccessToken, hash); result != keeper.ResultAlive || err != nil {
					t.Fatalf("a living token: %q, %v", result, err)
				}
				time.Sleep(time.Second)
				w.revoke(c.stillServed)
				if result, err := replicas[1].report(snapshot.KindAccessToken, hash); result != keeper.ResultAlive || err != nil {
					t.Errorf("somebody's word within the 30 s: %q, %v", result, err)
				}
				began := time.Now()
				answers := seenStorm(t, hash, 300, replicas...)
				if answers[keeper.ResultRenewed]+answers[keeper.ResultCurrent] != 900 {
					t.Errorf("answers: %v", answers)
				}
				if took := time.Since(began); took > 6*time.Second {
					t.Errorf("the last answer came after %s", took)
				}
				w.checkSpent(before, map[string]int{probePath: 2, "token": c.calls})
				checkRow(t, w.newest(snapshot.KindAccessToken, model.OutcomeRenewed), model.TriggerReport, "shop", 0)
				w.checkToken(replicas[0], appID)
			})
		})
	}
}

// A call that always fails with 40001 for a reason of its own: it costs one probe,
// then its path is no better than any caller's word. Neither a renewal nor a
// force refresh is spent, and another path is believed as before.
func TestDeathSeenWhereThereWasNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		one := w.start("one", nil)
		time.Sleep(time.Minute)
		hash := one.hash(snapshot.KindAccessToken)
		alive := func(path string) {
			t.Helper()
			if result, err := one.seen(path, hash); result != keeper.ResultAlive || err != nil {
				t.Fatalf("%s: %q, %v", path, result, err)
			}
		}
		before := w.calls()
		alive("/wrong") // the first one: nobody had asked before
		for range 20 {
			alive("/wrong")
			time.Sleep(time.Second)
		}
		w.checkSpent(before, map[string]int{probePath: 1, "token": 0})
		for range 4*60/5 - 5 {
			alive("/wrong")
			time.Sleep(5 * time.Second)
		}
		w.checkSpent(before, map[string]int{probePath: 8, "token": 0}) // in 4 minutes, one in 30 s

		began := time.Now()
		for range 10 { // several wrong paths take turns, 3 s apart at least
			time.Sleep(100 * time.Millisecond)
			alive("/wrong/" + time.Now().String())
		}
		if took := time.Since(began); took < 27*time.Second {
			t.Errorf("ten probes in %s", took)
		}
		time.Sleep(100 * time.Millisecond)
		w.revoke(false)
		if result, err := one.seen(businessPath, hash); result != keeper.ResultRenewed || err != nil {
			t.Errorf("a path that was never wrong: %q, %v", result, err)
		}
		w.checkSpent(before, map[string]int{"token": 1})
		w.checkToken(one, appID)
	})
}

// Whoever may call any path cannot make this server remember all of them, nor ask
// WeChat for each.
func TestDeathsSeenAtVeryManyPaths(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		one := w.start("one", nil)
		time.Sleep(time.Minute)
		before, hash := w.calls(), one.hash(snapshot.KindAccessToken)
		for round := range 2 {
			var tasks sync.WaitGroup
			for i := range 1100 {
				tasks.Go(func() {
					if result, err := one.seen(fmt.Sprintf("/%d/%d", round, i), hash); result != keeper.ResultAlive || err != nil {
						t.Errorf("%q, %v", result, err)
					}
				})
			}
			tasks.Wait()
		}
		w.checkSpent(before, map[string]int{probePath: 1, "token": 0})

		// That is over some day: then a death is seen at once again.
		time.Sleep(5*time.Minute + time.Second)
		if result, err := one.report(snapshot.KindAccessToken, hash); result != keeper.ResultAlive || err != nil {
			t.Fatalf("%q, %v", result, err)
		}
		time.Sleep(time.Second)
		w.revoke(false)
		if result, err := one.seen(businessPath, hash); result != keeper.ResultRenewed || err != nil {
			t.Errorf("%q, %v", result, err)
		}
	})
}
