package chaos_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

// The database is away while values live: every page is signed on as if nothing
// had happened, the replicas say that they are degraded, and soon after its
// return a renewal reaches all of them.
func TestDatabaseOutage(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	server := modeltest.MariaDBServer(t)
	c := newCluster(t, plan{
		nodes: []string{server.DSN()}, replicas: 3, stable: 4,
		wechat: simulator.Options{CredentialLife: simulator.DefaultCredentialLife, FreshTickets: true},
	})
	c.start()
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	time.Sleep(5 * time.Second)
	calm := probes.latencies()
	server.Kill()
	c.waitReadyz(`"database_down"`)
	probes.latencies()
	time.Sleep(size.outage)
	away := probes.latencies()
	if c.waitReadyz(`"degraded"`); probes.notReady.Load()+probes.unreached.Load() > 0 {
		t.Errorf("%s; want every request signed", probes.summary())
	}
	server.Start()
	back := time.Now()
	c.waitReadyz(`"status":"ok"`)
	t.Logf("database away for %s; all replicas well %s after its return; signing p99 %s before, %s while it was away",
		size.outage, time.Since(back).Round(time.Millisecond), percentile(calm, 99), percentile(away, 99))
	if took := time.Since(back); size.full && took > 5*time.Second { // not where ten packages are tested at once
		t.Errorf("the replicas were well %s after the database was; want 5 s", took)
	}
	for _, row := range c.mustRows() {
		if err := c.nudge(row.AppID, "jsapi"); err != nil {
			t.Fatal(err)
		}
	}
	if !waitFor(startTime, c.allServeStored) {
		t.Error("a new ticket does not reach every replica after the outage")
	}
	probes.end()
	probes.holdValid(t)
	c.holdBooks(bookTime, 0)
	c.holdQuiet()
}

// waitReadyz waits until /readyz of every replica says the word, with status 200.
func (c *cluster) waitReadyz(word string) {
	c.t.Helper()
	for _, r := range c.replicas {
		c.waitReadyzOf(r, word)
	}
}

func (c *cluster) waitReadyzOf(r *replica, word string) {
	c.t.Helper()
	var said string
	if !waitFor(startTime, func() bool { said = c.readyz(r); return strings.Contains(said, word) }) {
		c.t.Errorf("%s: /readyz says %q; want %s", r.name, said, word)
	}
}

// readyz is the body of /readyz where its status is 200.
func (c *cluster) readyz(r *replica) string {
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, r.base()+"/readyz", nil)
	if err != nil {
		return err.Error()
	}
	client := http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return "status " + response.Status
	}
	return string(body)
}

// allServeStored reports whether every replica signs with the second version of
// each ticket, or a later one.
func (c *cluster) allServeStored() bool {
	return !slices.ContainsFunc(c.mustRows(), func(r row) bool { return r.Kind == "jsapi" && (r.Version < 2 || !c.servesAll(r)) })
}
