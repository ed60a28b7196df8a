package chaos_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// One replica after the other is stopped and started, as in an upgrade, while
// credentials are renewed: the others answer every page, no claim is left behind
// and no call is made twice.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: 4, wechat: eager()})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	rounds := 1
	if size.full {
		rounds = 10
	}
	for range rounds {
		for _, r := range c.replicas {
			time.Sleep(2 * young) // for new values to be had
			c.nudgeAll()
			if err := r.stop(); err != nil {
				t.Error(err)
			}
			r.start()
			if !waitFor(startTime, func() bool { return r.base() != "" && c.signsAll(r) }) {
				t.Fatalf("%s does not come back:\n%s", r.name, r.log.tail(20))
			}
		}
	}
	probes.end()
	probes.holdValid(t)
	total := c.holdBooks(bookTime, 0)
	if total.calls != total.versions || total.failed != 0 || total.attempts != total.versions {
		t.Errorf("%s; want as many calls and attempts as versions", total)
	}
	c.holdNothingStuck()
	c.holdQuiet()
}

func (c *cluster) nudgeAll() {
	c.t.Helper()
	for _, row := range c.mustRows() {
		if err := c.nudge(row.AppID, row.Kind); err != nil {
			c.t.Fatal(err)
		}
	}
}
