package chaos_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// Each statement takes up to a second: renewals take their time and come, and
// pages do not feel it. With two seconds for each, the database counts as away
// and pages do not feel that either.
func TestSlowDatabase(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: 3, classic: 1, wechat: eager()})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	time.Sleep(2 * young)
	calm := probes.latencies()
	slow := func(least, most time.Duration) {
		for _, r := range c.replicas {
			r.db.Slow(least, most)
		}
	}
	slow(200*time.Millisecond, time.Second)
	rounds := 1
	if size.full {
		rounds = 10
	}
	for range rounds {
		before := c.mustRows()
		c.nudgeAll()
		c.waitNewer(before)
		time.Sleep(2 * young)
	}
	waded := probes.latencies()
	if total := c.holdBooks(bookTime, 0); total.calls != total.versions || total.dropped != 0 {
		t.Errorf("%s; want as many calls as versions, and every value published", total)
	}
	slow(2*time.Second, 2*time.Second)
	c.nudgeAll()
	time.Sleep(size.readOnly)
	stuck := probes.latencies()
	slow(0, 0)
	c.nextPeriod()
	probes.end()
	probes.holdServed(t)
	c.holdBooks(bookTime, 0)
	t.Logf("signing p99 %s before, %s with 0.2 to 1 s for each statement, %s with 2 s", percentile(calm, 99), percentile(waded, 99), percentile(stuck, 99))
	c.holdNothingStuck()
	c.holdQuiet()
}
