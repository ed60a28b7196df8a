package chaos_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// Many accounts begin at once: each credential costs one call and no more calls
// are in flight than refresh.concurrency allows. Then everything is killed and
// comes again: what is stored lives, so WeChat is not asked at all.
func TestColdStart(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	c := newCluster(t, plan{
		nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: size.accounts,
		wechat:   simulator.Options{CredentialLife: simulator.DefaultCredentialLife},
		settings: []string{"WXSIGN_REFRESH_CONCURRENCY=4"},
	})
	// Slow answers, or there would never be many calls at once.
	slow := map[string]any{"path": "*", "mode": "slow", "delay": "100ms", "count": -1}
	control(t, c.sim, http.MethodPost, "/_sim/fault", slow, nil)
	begin := time.Now()
	for _, r := range c.replicas {
		r.start()
	}
	if !waitFor(3*time.Minute, func() bool { return c.inFlight().Calls == 2*size.accounts }) {
		t.Fatalf("%+v; want 2 calls for each of %d accounts; the log:\n%s", c.inFlight(), size.accounts, c.replicas[0].log.tail(20))
	}
	warm := time.Since(begin)
	c.waitReady(startTime)
	// A value that its holder serves and has not yet published would die with it.
	if !waitFor(startTime, func() bool {
		return !slices.ContainsFunc(c.mustRows(), func(r row) bool { return r.Version == 0 || r.Owner != "" })
	}) {
		t.Fatal("not everything was published")
	}
	if peak := c.inFlight().InFlightPeak; peak > 3*4 || peak < 6 {
		t.Errorf("%d calls in flight; want at most 4 from each replica, and more than a few", peak)
	}
	for _, r := range c.replicas {
		r.kill()
	}
	begin = time.Now()
	for _, r := range c.replicas {
		r.start()
	}
	for _, r := range c.replicas {
		if !waitFor(startTime, func() bool { return r.base() != "" && c.servedBy(r, c.appIDs[len(c.appIDs)-1]) == c.storedTicket() }) {
			t.Fatalf("%s does not sign:\n%s", r.name, r.log.tail(20))
		}
	}
	t.Logf("%d accounts: first values in %s, at most %d calls in flight; ready again in %s",
		size.accounts, warm.Round(time.Millisecond), c.inFlight().InFlightPeak, time.Since(begin).Round(time.Millisecond))
	time.Sleep(3 * time.Second) // a scan comes every second
	if calls := c.inFlight().Calls; calls != 2*size.accounts {
		t.Errorf("%d calls after the restart, %d before; the newest: %+v", calls, 2*size.accounts, c.newestCall())
	}
	c.holdQuiet()
}

// storedTicket is the hash of the last account's ticket.
func (c *cluster) storedTicket() string { return c.row(c.appIDs[len(c.appIDs)-1], "jsapi").Hash }

// newestCall is the last one that was to get a value.
func (c *cluster) newestCall() (newest call) {
	c.t.Helper()
	for _, made := range c.calls() {
		if kindOf(made.Path) != "" {
			newest = made
		}
	}
	return newest
}

// tally is a total of the simulator's ledger.
type tally struct {
	Calls        int `json:"calls"`
	InFlightPeak int `json:"in_flight_peak"`
}

// inFlight is the total of all calls, and how many of them were to get a value.
// Probes are apart: the first of each account comes at any time within half an
// hour of its first token, so with many accounts some come here.
func (c *cluster) inFlight() tally {
	c.t.Helper()
	var l struct {
		All    tally            `json:"all"`
		Totals map[string]tally `json:"totals"`
	}
	control(c.t, c.sim, http.MethodGet, "/_sim/ledger?since=1000000000", nil, &l)
	l.All.Calls -= l.Totals[probePath].Calls
	return l.All
}
