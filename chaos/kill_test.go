package chaos_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// takeOver is how soon after a death others must have done the dead one's work.
const takeOver = 60 * time.Second

// A replica dies by kill -9 at each of eight points of a renewal; the others
// finish the work, and nothing is signed wrongly meanwhile.
func TestKill(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	for _, p := range points() {
		t.Run(p.slug(), func(t *testing.T) {
			t.Parallel()
			killAt(t, p, size)
		})
	}
}

func killAt(t *testing.T, p point, size size) {
	t.Helper()
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 2, stable: 1, wechat: eager()})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 2, 100*time.Millisecond)
	var took []time.Duration
	for n := range size.kills {
		kind := []string{"jsapi", "access_token"}[n%2]
		took = append(took, c.killOnce(p, kind))
	}
	probes.end()
	probes.holdValid(t)
	slices.Sort(took)
	t.Logf("%d kills at %q: take-over p50 %s, most %s", len(took), p.name, percentile(took, 50), percentile(took, 100))
	total := c.holdBooks(size.bookTime, size.missing(p))
	if most := total.versions + total.unchanged + size.kills; total.calls > most {
		t.Errorf("%s; want at most %d calls after %d kills", total, most, size.kills)
	}
	c.holdNothingStuck()
	c.holdQuiet()
}

// missing is how many history rows may be missing. A short run does not wait
// for the survivor, which looks once a minute for publishes that are 30 s old.
// A long one kills so often that the row of a publish can be overtaken by the
// next publish before anybody looks.
func (s size) missing(p point) int {
	if p.published || !s.full {
		return s.kills
	}
	return 0
}

// killOnce kills whoever renews the credential next and tells how long it took
// until the row had a new version, nobody's claim, and the survivor served it.
func (c *cluster) killOnce(p point, kind string) time.Duration {
	c.t.Helper()
	appID := c.appIDs[0]
	c.ripen(appID, kind)
	before := c.row(appID, kind)
	a := c.lay(p, appID, kind)
	if err := c.nudge(appID, kind); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-a.struck:
	case <-time.After(takeOver):
		c.t.Fatalf("nobody came to the point %q of %s within %s", p.name, kind, takeOver)
	}
	victim := a.victim.Load()
	victim.kill() // waits for its end
	done := waitFor(takeOver, func() bool {
		now := c.row(appID, kind)
		return now.Version > before.Version && now.Owner == "" && c.survivorsServe(victim, now)
	})
	took := time.Since(a.at)
	if !done {
		c.t.Errorf("no take-over within %s after a kill at %q: %+v", takeOver, p.name, c.row(appID, kind))
	}
	victim.start()
	if !waitFor(startTime, func() bool { return victim.base() != "" && c.signsAll(victim) }) {
		c.t.Fatalf("the victim does not come back:\n%s", victim.log.tail(20))
	}
	return took
}

// ripen waits until WeChat has a new value for whoever asks: see eager.
func (c *cluster) ripen(appID, kind string) {
	c.t.Helper()
	ripe := waitFor(30*time.Second, func() bool {
		r := c.row(appID, kind)
		return r.Owner == "" && r.NowMs > r.ExpiresMs-(credentialLife-2*young).Milliseconds()
	})
	if !ripe {
		c.t.Errorf("the %s is claimed and not renewed for 30 s: %+v", kind, c.row(appID, kind))
	}
}

// survivorsServe reports whether all but the victim sign with the stored ticket.
func (c *cluster) survivorsServe(victim *replica, now row) bool {
	if now.Kind != "jsapi" {
		return true
	}
	for _, r := range c.replicas {
		if r != victim && c.servedBy(r, now.AppID) != now.Hash {
			return false
		}
	}
	return true
}

// servedBy is the SHA-256 of the ticket that the replica signs with for the
// account, or why there is none.
func (c *cluster) servedBy(r *replica, appID string) string {
	p := probe(c.t, c.truth, []target{r}, c.appIDs, 0, 0)
	defer p.end()
	if base := r.base(); base != "" {
		p.once(c.t.Context(), r, base, appID, 0)
	}
	for sha256 := range p.seen {
		return sha256
	}
	return fmt.Sprint("none; ", p.summary())
}
