package chaos_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/wxsign/wxsign/model/modeltest"
)

// One of three replicas runs with other margins, another lease and another
// concurrency, as after a configuration that was rolled out to some only. The
// calls are shared as ever, and the list of replicas shows the odd one.
func TestDifferentSettings(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	odd := []string{
		"WXSIGN_REFRESH_CONCURRENCY=1", "WXSIGN_REFRESH_STABLE_MARGIN=100s", "WXSIGN_REFRESH_CLASSIC_MARGIN=30s",
		"WXSIGN_REFRESH_TICKET_MARGIN=20s", "WXSIGN_REFRESH_LEASE=40s", "WXSIGN_REFRESH_JITTER=0s", "WXSIGN_REFRESH_SCAN=@every 2s",
	}
	c := newCluster(t, plan{
		nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: 4, classic: 2, wechat: eager(),
		own: [][]string{nil, nil, odd}, oneDoor: true,
	})
	c.start()
	var like []int
	if !waitFor(startTime, func() bool { like = slices.Sorted(maps.Values(c.configs())); return slices.Equal(like, []int{1, 2}) }) {
		t.Errorf("replicas of equal configuration, as they tell each other: %v; want one that stands out", like)
	}
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	rounds := 3
	if size.full {
		rounds = 20
	}
	for range rounds {
		c.nextPeriod()
	}
	probes.end()
	probes.holdServed(t)
	c.holdOneCallEach(int64(rounds) + 1)
}

// configs count the replicas by what tells their configuration from others'.
func (c *cluster) configs() map[string]int {
	c.t.Helper()
	found, err := c.db.QueryContext(c.t.Context(), "SELECT config, COUNT(*) FROM replica GROUP BY config")
	if err != nil {
		c.t.Fatal(err)
	}
	defer found.Close()
	all := map[string]int{}
	for found.Next() {
		var config string
		var replicas int
		if err := found.Scan(&config, &replicas); err != nil {
			c.t.Fatal(err)
		}
		all[config] = replicas
	}
	if err := found.Err(); err != nil {
		c.t.Fatal(err)
	}
	return all
}
