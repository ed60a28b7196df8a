package chaos_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// The answer to a claim or to a publish is lost although it was done: the holder
// finds out, and WeChat is asked once.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	for name, s := range map[string]statement{"claim": claims, "publish": publishes} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loseReplies(t, s, size.cuts)
		})
	}
}

// atOnce is how many accounts lose a reply in one round.
const atOnce = 5

func loseReplies(t *testing.T, s statement, cuts int) {
	t.Helper()
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: atOnce, wechat: eager()})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 2, 100*time.Millisecond)
	rounds := (cuts + atOnce - 1) / atOnce
	var slowest time.Duration
	for n := range rounds {
		slowest = max(slowest, c.loseRound(s, []string{"jsapi", "access_token"}[n%2]))
	}
	probes.end()
	probes.holdValid(t)
	total := c.holdBooks(bookTime, 0)
	t.Logf("%d replies lost, the slowest renewal took %s", rounds*atOnce, slowest.Round(time.Millisecond))
	if total.calls != total.versions || total.failed != 0 || total.attempts != total.versions {
		t.Errorf("%s; want one call and one attempt for each version", total)
	}
	c.holdNothingStuck()
	c.holdQuiet()
}

// loseRound has every account lose one reply while it is renewed, and tells how
// long it took until all were renewed all the same.
func (c *cluster) loseRound(s statement, kind string) time.Duration {
	c.t.Helper()
	before := map[string]row{}
	var cut []*ambush
	for _, appID := range c.appIDs {
		c.ripen(appID, kind)
		before[appID] = c.row(appID, kind)
		cut = append(cut, c.layCut(s, appID, kind))
	}
	begin := time.Now()
	for _, appID := range c.appIDs {
		if err := c.nudge(appID, kind); err != nil {
			c.t.Fatal(err)
		}
	}
	for i, appID := range c.appIDs {
		select {
		case <-cut[i].struck:
		case <-time.After(30 * time.Second):
			c.t.Fatalf("no reply was cut for %s: %+v", appID, c.row(appID, kind))
		}
		if !waitFor(30*time.Second, func() bool { return c.row(appID, kind).Version > before[appID].Version }) {
			c.t.Errorf("not resolved within 30 s: %+v", c.row(appID, kind))
		}
	}
	return time.Since(begin)
}

// layCut cuts the reply to the first such statement, whichever replica sends it.
func (c *cluster) layCut(s statement, appID, kind string) *ambush {
	a := &ambush{struck: make(chan struct{})}
	for _, r := range c.replicas {
		cut := r.db.CutNextReply(func(q []byte) bool { return s.about(q, appID, kind) && a.victim.CompareAndSwap(nil, r) })
		go func() {
			select {
			case <-cut:
				a.at = time.Now()
				close(a.struck)
			case <-c.t.Context().Done():
			}
		}()
	}
	return a
}
