package metrics_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/metrics"
	"github.com/wxsign/wxsign/service/snapshot"
)

// The copy in Redis is there only where there is one, and says for how long it
// has been behind.
func TestScrapeShowsTheCopyInRedis(t *testing.T) {
	t.Parallel()
	m, err := metrics.New(metrics.Options{Table: snapshot.NewTable(), State: func() metrics.State { return metrics.State{} }})
	if err != nil {
		t.Fatal(err)
	}
	if text := scrape(t, m); strings.Contains(text, "wxsign_redis") {
		t.Error("a copy that is not kept")
	}
	copied := metrics.Copied{Values: 6, Behind: 90 * time.Second}
	if err := m.WatchRedis(func() metrics.Copied { return copied }); err != nil {
		t.Fatal(err)
	}
	text := scrape(t, m)
	for _, line := range []string{"wxsign_redis_values 6\n", "wxsign_redis_behind_seconds 90\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q", line)
		}
	}
}
