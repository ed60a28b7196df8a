package chaos_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// The database's clock is an hour behind those of all programs, which is the
// same as theirs being an hour ahead, and then it is set: nothing is called for
// it, nobody on a page notices, and all totals are as without.
func TestDatabaseClockSteps(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	clock := modeltest.NewClock(t, -time.Hour)
	server := modeltest.MariaDBServerBy(t, clock)
	c := newCluster(t, plan{nodes: []string{server.DSN()}, replicas: 3, stable: 3, classic: 1, wechat: eager()})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	c.nextPeriod()
	steps := []time.Duration{10 * time.Minute, 0}
	if size.full {
		steps = append(steps, -20*time.Second, time.Hour, -time.Hour,
			10*time.Minute, 20*time.Minute, 10*time.Minute, 9*time.Minute, 0, 12*time.Second, 0)
	}
	for _, ahead := range steps {
		clock.Set(ahead)
		c.waitPutRight()
		c.nextPeriod()
	}
	probes.end()
	probes.holdServed(t)
	c.holdOneCallEach(int64(len(steps)) + 2)
}

// waitPutRight waits until the rows are where the database's clock has gone: a
// value of which a replica knows when it ends gets that end back.
func (c *cluster) waitPutRight() {
	c.t.Helper()
	right := func(r row) bool {
		left := time.Duration(r.ExpiresMs-r.NowMs) * time.Millisecond
		return left > 0 && left < credentialLife+time.Second
	}
	done := waitFor(startTime, func() bool {
		for _, r := range c.mustRows() {
			if !right(r) {
				return false
			}
		}
		return true
	})
	if !done {
		c.t.Errorf("the rows do not follow the clock within %s: %+v", startTime, c.mustRows())
	}
}
