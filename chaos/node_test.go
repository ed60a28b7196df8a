package chaos_test

import (
	"errors"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/wxsign/wxsign/model/modeltest"
)

// Three replicas, each on a node of its own of a Galera cluster. A node dies by
// kill -9, another loses the way to its group and answers error 1047, and at last
// two die at once and the third is alone. Whoever has a node renews; whoever has
// none signs from memory; and when the node is back, all is well.
func TestGaleraNodesLost(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	nodes := modeltest.Galera(t, 3)
	dsns := nodes.Engine().Empty(t)
	c := newCluster(t, plan{nodes: dsns, replicas: 3, stable: 3, classic: 1, wechat: eager()})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	c.nextPeriod()
	rounds := 1
	if size.full {
		rounds = 5
	}
	for range rounds {
		nodes.Kill(2)
		c.goOnWithout(2)
		nodes.Start(2)
		c.waitWell()

		nodes.Isolate(1, true)
		c.holdNoGroup(dsns[1])
		c.goOnWithout(1)
		nodes.Isolate(1, false)
		c.waitWell()
	}
	if size.full { // it takes a minute
		c.loseMajority(nodes, dsns[0])
	}
	c.nextPeriod()
	probes.end()
	probes.holdServed(t)
	total := c.holdBooks(size.bookTime, 0)
	if total.dropped != 0 {
		t.Errorf("%s; want every value published", total)
	}
	c.holdNothingStuck()
	c.holdQuiet()
}

// goOnWithout waits until a replica sees its node gone and the others have
// renewed everything all the same. They stand still until the group has agreed
// who is in it.
func (c *cluster) goOnWithout(gone int) {
	c.t.Helper()
	time.Sleep(2 * young)
	before := c.awaitRows()
	for _, r := range before {
		if !waitFor(startTime, func() bool { return c.nudge(r.AppID, r.Kind) == nil }) {
			c.t.Fatal("the nodes that are left take no writes")
		}
	}
	c.waitNewer(before)
	c.waitReadyzOf(c.replicas[gone], `"database_down"`)
	for i, r := range c.replicas {
		if i != gone {
			c.waitReadyzOf(r, `"status":"ok"`)
		}
	}
}

// waitWell waits until all replicas have their database and serve what is stored.
func (c *cluster) waitWell() {
	c.t.Helper()
	c.waitReadyz(`"status":"ok"`)
	if !waitFor(startTime, c.allServeStored) {
		c.t.Error("what was renewed meanwhile does not reach every replica")
	}
}

// awaitRows is mustRows of a database that is busy with itself.
func (c *cluster) awaitRows() (rows []row) {
	c.t.Helper()
	var err error
	if !waitFor(startTime, func() bool { rows, err = c.rows(); return err == nil }) {
		c.t.Fatal(err)
	}
	return rows
}

// holdNoGroup holds that a node refuses to work for want of its group.
func (c *cluster) holdNoGroup(dsn string) {
	c.t.Helper()
	db := open(c.t, dsn)
	var refusal *mysql.MySQLError
	refused := waitFor(startTime, func() bool {
		_, err := db.ExecContext(c.t.Context(), "SELECT app_id FROM credential LIMIT 1")
		return errors.As(err, &refusal) && refusal.Number == 1047
	})
	if !refused {
		c.t.Errorf("a node without its group does not answer error 1047; it said %v", refusal)
	}
}

// loseMajority has two nodes of three crash at once: nothing can be renewed, and
// nobody asks WeChat, until an operator says that the third is the cluster.
func (c *cluster) loseMajority(nodes *modeltest.GaleraCluster, left string) {
	c.t.Helper()
	time.Sleep(2 * young)
	for _, r := range c.mustRows() { // due when nothing can be written any more
		if err := c.nudgeIn(r.AppID, r.Kind, 20*time.Second); err != nil {
			c.t.Fatal(err)
		}
	}
	before, calls := c.mustRows(), len(c.calls())
	nodes.Kill(1)
	nodes.Kill(2)
	c.holdNoGroup(left)
	c.waitReadyz(`"database_down"`)
	time.Sleep(20 * time.Second)
	if made := len(c.calls()) - calls; made != 0 {
		c.t.Errorf("%d calls while nothing can be claimed", made)
	}
	nodes.Bootstrap(0)
	nodes.Start(1)
	nodes.Start(2)
	c.waitNewer(before)
	c.waitWell()
}
