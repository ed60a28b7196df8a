package keeper_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
)

// witness keeps what it is told, each thing once.
type witness struct {
	mu   sync.Mutex
	told []string
}

func (w *witness) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(w.told, text) {
		w.told = append(w.told, text)
	}
}

func (w *witness) Claimed(kind string, won bool) { w.note("claimed %s %t", kind, won) }

func (w *witness) Called(kind string, errcode int, took time.Duration) {
	w.note("called %s %d, it took %s", kind, errcode, took)
}

func (w *witness) Ended(kind, outcome string, errcode int) {
	w.note("ended %s %s %d", kind, outcome, errcode)
}

func TestObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &witness{}
		w := newWorld(t, setup{tune: func(o *keeper.Options) { o.Observer = seen }})
		w.fault(map[string]any{"path": stablePath, "mode": "slow", "delay": "2s"})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.fault(map[string]any{"path": ticketPath, "errcode": 45009})
		w.makeDue(appID, snapshot.KindJSAPI)
		time.Sleep(6 * time.Second)
		w.fault(map[string]any{"path": probePath, "mode": "cut"})
		_, _ = r.report(snapshot.KindAccessToken, r.hash(snapshot.KindAccessToken)) // not proved
		want := []string{
			"claimed access_token true", "called access_token 0, it took 2s", "ended access_token renewed 0",
			"claimed jsapi true", "called jsapi 0, it took 0s", "ended jsapi renewed 0",
			"called jsapi 45009, it took 0s", "ended jsapi failed 45009",
			fmt.Sprintf("called %s %d, it took 0s", keeper.KindProbe, keeper.NoAnswer),
		}
		seen.mu.Lock()
		defer seen.mu.Unlock()
		if diff := cmp.Diff(want, seen.told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
