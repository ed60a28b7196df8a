package chaos_test

import (
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
// of replicas, and all of them serve a new value at once.
func TestCalm(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: size.replicas, stable: 6, classic: 2, wechat: eager()})
	c.start()
	started := time.Now()
	p := probe(t, c.truth, c.targets(), c.appIDs, 12, 40*time.Millisecond)
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
	p.holdValid(t)
	total := c.holdBooks(10*time.Second, 0)
	if total.calls != total.versions || total.failed != 0 || total.attempts != total.versions {
		t.Errorf("without faults: %s; want as many calls as versions", total)
	}
	for _, row := range c.mustRows() {
		if row.Version < int64(rounds)+1 || row.Fence != row.Version {
			t.Errorf("%s %s: version %d by %d claims", row.AppID, row.Kind, row.Version, row.Fence)
		}
	}
	spreads := p.spreads(started)
	t.Logf("spread of %d new tickets: p50 %s, p99 %s, most %s", len(spreads), percentile(spreads, 50), percentile(spreads, 99), percentile(spreads, 100))
	if percentile(spreads, 99) > 2*time.Second || percentile(spreads, 100) > 5*time.Second {
		t.Error("the spread is too wide; want p99 2 s, most 5 s")
	}
	if want := (size.replicas - 1) * len(c.appIDs) * rounds; len(spreads) < want {
		t.Errorf("%d spreads, want %d", len(spreads), want)
	}
	c.holdNothingStuck()
	c.holdQuiet()
}

// renewAll makes every credential due and waits until each has a new version.
func (c *cluster) renewAll() {
	c.t.Helper()
	before := c.mustRows()
	c.nudgeAll()
	done := waitFor(15*time.Second, func() bool {
		for i, now := range c.mustRows() {
			if now.Version == before[i].Version {
				return false
			}
		}
		return true
	})
	if !done {
		c.t.Error("not everything was renewed within 15 s")
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
