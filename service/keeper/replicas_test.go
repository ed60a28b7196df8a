package keeper_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// mostSpread is how late the last replica may serve a new value.
const mostSpread = 2 * time.Second

// Several replicas on one database make one call per period together, and all
// serve each new value at once.
func TestReplicasShareTheCalls(t *testing.T) {
	t.Parallel()
	for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: mode, accounts: 5})
				seen := &sightings{first: map[string]time.Time{}, last: map[string]time.Time{}, times: map[string]int{}}
				var replicas []*replica
				for i := range 3 {
					r := w.start(fmt.Sprintf("replica-%d", i), nil)
					seen.follow(t, r)
					replicas = append(replicas, r)
				}
				time.Sleep(3 * time.Second)
				w.watch(130*time.Minute, 10*time.Second, replicas...)
				for _, r := range replicas {
					r.stop()
				}
				w.checkLedger()
				seen.check(t, len(replicas))
			})
		})
	}
}

// sightings are the instants at which replicas began to serve a publish.
type sightings struct {
	mu          sync.Mutex
	first, last map[string]time.Time
	times       map[string]int
}

// follow notes what a replica serves until the test ends.
func (s *sightings) follow(t *testing.T, r *replica) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	for _, id := range r.w.accounts {
		done.Go(func() {
			known := map[string]bool{}
			for ctx.Err() == nil {
				view, _ := r.table.Lookup(id)
				for _, kind := range r.w.kinds() {
					if c, found := view.Credential(kind); found && !known[c.PublishID] {
						known[c.PublishID] = true
						s.note(c)
					}
				}
				select {
				case <-view.Replaced():
				case <-ctx.Done():
				}
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		done.Wait()
	})
}

func (s *sightings) note(c snapshot.Credential) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.first[c.PublishID].IsZero() {
		s.first[c.PublishID] = now
	}
	s.last[c.PublishID] = now
	s.times[c.PublishID]++
}

func (s *sightings) check(t *testing.T, replicas int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.first) < 20 {
		t.Errorf("only %d publishes were seen", len(s.first))
	}
	for id := range s.first {
		if spread := s.last[id].Sub(s.first[id]); spread > mostSpread || s.times[id] != replicas {
			t.Errorf("publish %s was served by %d of %d replicas, the last %s after the first", id, s.times[id], replicas, spread)
		}
	}
}

// A thousand accounts that are due at once keep to the limit of calls in
// flight; a process that starts among live values asks WeChat nothing.
func TestThousandAccounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{accounts: 1000})
		w.fault(map[string]any{"path": stablePath, "mode": "slow", "delay": "1s", "count": -1})
		first := w.start("first", nil)
		time.Sleep(2 * time.Minute)
		first.stop()
		before := w.calls()
		if peak := w.peak(); peak != 10 {
			t.Errorf("%d calls in flight, want 10", peak)
		}
		for _, id := range w.accounts {
			if c := w.credential(id, snapshot.KindJSAPI); c.Version != 1 {
				t.Fatalf("account %s has ticket version %d after two minutes", id, c.Version)
			}
		}
		again := []*replica{w.start("a", nil), w.start("b", nil), w.start("c", nil)}
		for _, r := range again {
			if err := r.signNow(w.accounts[999]); err != nil {
				t.Errorf("replica %s cannot sign right after its start: %v", r.name, err)
			}
		}
		time.Sleep(time.Minute)
		for _, r := range again {
			r.stop()
		}
		after := w.calls()
		if after[stablePath] != before[stablePath] || after[ticketPath] != before[ticketPath] {
			t.Errorf("the restart cost calls: %v before, %v after", before, after)
		}
	})
}

// The database's clock is the one that counts: a server whose own clock is an
// hour off does the same as one whose clock is right.
func TestAppClockDoesNotMatter(t *testing.T) {
	t.Parallel()
	for name, nowMS := range map[string]string{
		"an hour behind": "(bubble_now_ms()+3600000)", "an hour ahead": "(bubble_now_ms()-3600000)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{nowMS: nowMS, mode: wechat.Classic, follow: 10 * time.Second})
				r := w.start("one", nil)
				time.Sleep(3 * time.Second)
				w.watch(5*time.Hour, 10*time.Second, r)
				r.stop()
				w.checkLedger()
				if calls := w.tokenCalls(); calls != 3 { // as with the right clock
					t.Errorf("%d token calls in 5 hours, want 3", calls)
				}
				if row := w.credential(appID, snapshot.KindJSAPI); row.FailCount > 0 {
					t.Errorf("failing: %s", row.FailText)
				}
			})
		})
	}
}

// One account's answers that bring out a fault of ours do not end the others.
func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWorld(t, setup{accounts: 2, tune: func(o *keeper.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }})
		f := &faulty{plan: func(op string, n int) fate {
			if op == "Claim" && n == 1 {
				panic("a value of ours")
			}
			return pass
		}}
		r := w.start("one", through(f))
		time.Sleep(20 * time.Second)
		w.watch(time.Minute, time.Second, r)
		w.checkLedger()
		r.stop()
		if text := log.String(); !strings.Contains(text, `err="panic: string" stack=`) || strings.Contains(text, "a value of ours") {
			t.Errorf("the log does not tell of the panic, or of what it carried:\n%s", text)
		}
	})
}
