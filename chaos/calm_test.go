package chaos_test

import (
	"slices"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// eager is a WeChat that has a new value for whoever asks 3 s after the last:
// many periods fit into a test, and each of them has exactly one call.
func eager() simulator.Options {
	return simulator.Options{Overlap: credentialLife - young, TicketEarly: credentialLife - young}
}

// young is how long eager gives the same value again.
const young = 3 * time.Second

// Without faults, WeChat is called once for each version, whatever the number
// of replicas, and all of them serve a new value at once: on one MariaDB, on two
// nodes of a Galera cluster whose clocks are seconds apart and, in full size, on
// two with one clock.
func TestCalm(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		beCalm(t, size, []string{modeltest.MariaDB(t)})
	})
	t.Run("Galera with clocks apart", func(t *testing.T) {
		t.Parallel()
		nodes := modeltest.GaleraBy(t, nil, modeltest.NewClock(t, clocksApart))
		beCalm(t, size, nodes.Engine().Empty(t))
	})
	if !size.full {
		return
	}
	t.Run("Galera", func(t *testing.T) {
		t.Parallel()
		beCalm(t, size, modeltest.Galera(t, 2).Engine().Empty(t))
	})
}

// clocksApart is more than nodes that run ntp ever are, and less than the 10 s
// that leases allow for.
const clocksApart = 7 * time.Second

func beCalm(t *testing.T, size size, nodes []string) {
	t.Helper()
	c := newCluster(t, plan{nodes: nodes, replicas: size.replicas, stable: 6, classic: 2, wechat: eager()})
	c.start()
	started := time.Now()
	p := probe(t, c.truth, c.targets(), c.appIDs, 12, size.pause)
	rounds := 4
	if size.full {
		rounds = 40
	}
	for round := range rounds {
		time.Sleep(time.Until(started.Add(time.Duration(round+1) * 7 * time.Second)))
		c.renewAll()
	}
	time.Sleep(3 * time.Second) // for the others to follow
	p.end()
	p.holdServed(t)
	c.holdOneCallEach(int64(rounds) + 1)
	spreads := p.spreads(started)
	t.Logf("spread of %d new tickets: p50 %s, p99 %s, most %s", len(spreads), percentile(spreads, 50), percentile(spreads, 99), percentile(spreads, 100))
	wide := percentile(spreads, 99) > 2*time.Second || percentile(spreads, 100) > 5*time.Second
	if size.full && wide { // not where ten packages are tested at once
		t.Error("the spread is too wide; want p99 2 s, most 5 s")
	}
	if want := (size.replicas - 1) * len(c.appIDs) * rounds; len(spreads) < want {
		t.Errorf("%d spreads, want %d", len(spreads), want)
	}
}

// holdOneCallEach ends a test in which nothing went wrong: one call, one claim
// and one history row for each version, and of those at least so many.
func (c *cluster) holdOneCallEach(versions int64) {
	c.t.Helper()
	total := c.holdBooks(bookTime, 0)
	if total.calls != total.versions || total.failed != 0 || total.attempts != total.versions {
		c.t.Errorf("%s; want as many calls and attempts as versions", total)
	}
	for _, row := range c.mustRows() {
		if row.Version < versions || row.Fence != row.Version {
			c.t.Errorf("%s %s: version %d by %d claims; want at least %d", row.AppID, row.Kind, row.Version, row.Fence, versions)
		}
	}
	c.holdNothingStuck()
	c.holdQuiet()
}

// renewAll makes every credential due and waits until each has a new version.
func (c *cluster) renewAll() {
	c.t.Helper()
	before := c.mustRows()
	c.nudgeAll()
	c.waitNewer(before)
}

// waitNewer waits until every credential has another version than before.
func (c *cluster) waitNewer(before []row) {
	c.t.Helper()
	newer := func() bool {
		now := c.mustRows()
		return !slices.ContainsFunc(before, func(was row) bool {
			return slices.ContainsFunc(now, func(r row) bool { return r.AppID == was.AppID && r.Kind == was.Kind && r.Version == was.Version })
		})
	}
	if !waitFor(startTime, newer) {
		c.t.Errorf("not everything was renewed within %s: %+v", startTime, c.mustRows())
	}
}

func (c *cluster) mustRows() []row {
	c.t.Helper()
	rows, err := c.rows()
	if err != nil {
		c.t.Fatal(err)
	}
	return rows
}
