package chaos_test

import (
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// A holder that was stopped past the end of its lease wakes up with a value, and
// a publish that a network kept back arrives at last: neither may replace what
// another replica has published meanwhile.
func TestLateHolder(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	for name, lay := range map[string]func(c *cluster, appID string) *sleeper{
		"process stopped":   layStop,
		"publish kept back": layDelay,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, plan{nodes: []string{modeltest.MariaDB(t)}, replicas: 2, stable: 1, wechat: eager()})
			c.start()
			probes := probe(t, c.truth, c.targets(), c.appIDs, 2, 100*time.Millisecond)
			c.beLate(lay, size.late)
			probes.end()
			probes.holdValid(t)
			if total := c.holdBooks(bookTime, 0); total.failed != 1 || total.dropped != 1 {
				t.Errorf("%s; want one attempt that failed and its value in vain: did the holder sleep at all?", total)
			}
			c.holdNothingStuck()
			c.holdQuiet()
		})
	}
}

// sleeper is a holder that is out of the world until woken.
type sleeper struct {
	ambush
	wake func()
}

func (c *cluster) beLate(lay func(*cluster, string) *sleeper, late time.Duration) {
	c.t.Helper()
	appID, kind := c.appIDs[0], "jsapi"
	c.ripen(appID, kind)
	before := c.row(appID, kind)
	s := lay(c, appID)
	if err := c.nudge(appID, kind); err != nil {
		c.t.Fatal(err)
	}
	select {
	case <-s.struck:
	case <-time.After(takeOver):
		c.t.Fatal("nobody came to renew")
	}
	time.Sleep(late)
	taken := c.row(appID, kind)
	if !waitFor(takeOver, func() bool { taken = c.row(appID, kind); return taken.Version == before.Version+1 && taken.Owner == "" }) {
		c.t.Errorf("%s after the holder fell asleep: %+v; want it taken over", late+takeOver, taken)
	}
	s.wake()
	time.Sleep(8 * time.Second) // statements end within 5 s
	if now := c.row(appID, kind); now.Version != taken.Version || now.Hash != taken.Hash {
		c.t.Errorf("the sleeper has replaced what was published: %+v, then %+v", taken, now)
	}
	if !waitFor(startTime, func() bool { return c.servesAll(taken) }) {
		c.t.Errorf("not every replica serves what is stored, %.8s", taken.Hash)
	}
}

// layStop stops the process when WeChat has answered, before it can read that.
func layStop(c *cluster, _ string) *sleeper {
	s := &sleeper{ambush: ambush{struck: make(chan struct{})}}
	s.wake = func() { s.victim.Load().signal(syscall.SIGCONT) }
	for _, r := range c.replicas {
		r.door.add(&trap{
			match: func(path string) bool { return kindOf(path) == "jsapi" }, answered: true,
			spring: func() bool {
				if s.victim.CompareAndSwap(nil, r) {
					r.signal(syscall.SIGSTOP)
					close(s.struck)
				}
				return false
			},
		})
	}
	return s
}

// layDelay keeps the publish back, and with it all that the replica says to its
// database: to be asked about a query, the proxy stands still.
func layDelay(c *cluster, appID string) *sleeper {
	woken := make(chan struct{})
	s := &sleeper{ambush: ambush{struck: make(chan struct{})}, wake: sync.OnceFunc(func() { close(woken) })}
	c.t.Cleanup(s.wake) // or the proxy could not end
	for _, r := range c.replicas {
		r.db.CutNextQuery(func(q []byte) bool {
			if publishes.about(q, appID, "jsapi") && s.victim.CompareAndSwap(nil, r) {
				close(s.struck)
				<-woken
			}
			return false
		})
	}
	return s
}
