package metrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/metrics"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// database is a store whose clock is behind the test's by ahead.
type database struct {
	ahead, delay time.Duration
	broken       error
	unreadable   error                    // of the tables of alerts
	rows         map[model.Mark]time.Time // and when they moved
	forces       []model.ForceSpent
	days         []int // that budgets were asked for
	alerts       []model.Alert
	deliveries   []model.DeliveryCount
	replicas     []model.Replica
}

func (d *database) Now(context.Context) (int64, error) {
	time.Sleep(d.delay)
	return time.Now().Add(-d.ahead - d.delay/2).UnixMilli(), d.broken
}

func (d *database) Marks(_ context.Context, sinceMs int64) (marks []model.Mark, nowMs int64, err error) {
	for m, moved := range d.rows {
		if moved.Add(-d.ahead).UnixMilli() > sinceMs {
			marks = append(marks, m)
		}
	}
	return marks, time.Now().Add(-d.ahead).UnixMilli(), d.broken
}

func (d *database) ForcesSpent(_ context.Context, day, _ int) ([]model.ForceSpent, error) {
	d.days = append(d.days, day)
	return d.forces, d.broken
}

func (d *database) OpenAlerts(context.Context, int) ([]model.Alert, error) {
	return d.alerts, errors.Join(d.broken, d.unreadable)
}

func (d *database) DeliveryCounts(context.Context) ([]model.DeliveryCount, error) {
	return d.deliveries, d.broken
}

// Replicas are those that were seen in the last sinceMs.
func (d *database) Replicas(_ context.Context, sinceMs int64, _ int) (alive []model.Replica, nowMs int64, err error) {
	nowMs = time.Now().UnixMilli()
	for _, r := range d.replicas {
		if r.SeenMs > nowMs-sinceMs {
			alive = append(alive, r)
		}
	}
	return alive, nowMs, d.broken
}

func serving(version int64) *snapshot.Table {
	table := snapshot.NewTable()
	table.PutAccounts(snapshot.Account{AppID: "wxa", Enabled: true, Tickets: []string{snapshot.KindJSAPI}})
	put(table, version)
	return table
}

func put(table *snapshot.Table, version int64) {
	table.PutCredential("wxa", snapshot.Credential{
		Kind: snapshot.KindJSAPI, Value: secret.New("v"), Version: version, Deadline: time.Now().Add(time.Hour),
	})
}

func watched(t *testing.T, d *database, table *snapshot.Table) *metrics.Metrics {
	t.Helper()
	return newMetrics(t, table, func(o *metrics.Options) { o.Store = d })
}

func look(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	if err := m.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	return scrape(t, m)
}

func TestWatchTellsTheClocksDifference(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		database
		want []string
	}{
		"ahead":    {database{ahead: 90 * time.Second}, []string{"wxsign_clock_ahead_seconds 90", "wxsign_database_seconds 0"}},
		"behind":   {database{ahead: -7 * time.Second}, []string{"wxsign_clock_ahead_seconds -7"}},
		"slow way": {database{ahead: 2 * time.Second, delay: 400 * time.Millisecond}, []string{"wxsign_clock_ahead_seconds 2", "wxsign_database_seconds 0.4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				checkLines(t, look(t, watched(t, &tt.database, serving(1))), tt.want...)
			})
		})
	}
}

// A replica that stopped to follow serves what others have replaced: nothing
// else shows it.
func TestWatchTellsHowFarThisReplicaIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := serving(7)
		d := &database{rows: map[model.Mark]time.Time{}}
		m := watched(t, d, table)
		checkLines(t, look(t, m), "wxsign_follower_lag_seconds 0")
		time.Sleep(15 * time.Second)
		d.rows[model.Mark{AppID: "wxa", Kind: "jsapi", Version: 8}] = time.Now()
		d.rows[model.Mark{AppID: "wxnew", Kind: "jsapi", Version: 1}] = time.Now() // not loaded yet: another matter
		checkLines(t, look(t, m), "wxsign_follower_lag_seconds 0")
		time.Sleep(15 * time.Second)
		checkLines(t, look(t, m), "wxsign_follower_lag_seconds 15")
		time.Sleep(time.Hour) // the row has long left what is asked for
		checkLines(t, look(t, m), "wxsign_follower_lag_seconds 3615")
		put(table, 8)
		checkLines(t, look(t, m), "wxsign_follower_lag_seconds 0")
		d.rows[model.Mark{AppID: "wxa", Kind: "jsapi", Version: 9}] = time.Now()
		look(t, m)
		table.Remove("wxa")
		time.Sleep(15 * time.Second)
		checkLines(t, look(t, m), "wxsign_follower_lag_seconds 0")
	})
}

func TestWatchTellsTheBudgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // begins on 1 January 2000, 08:00 in Beijing
		d := &database{}
		m := watched(t, d, serving(1))
		checkLines(t, look(t, m), "wxsign_force_budget_least 20")
		d.forces = []model.ForceSpent{{AppID: "wxa", Count: 18}, {AppID: "wxb", Count: 25}}
		checkLines(t, look(t, m), "wxsign_force_budget_least 20") // asked once a minute
		time.Sleep(time.Minute)
		checkLines(t, look(t, m), "wxsign_force_budget_least 0",
			`wxsign_force_budget_left{account="wxa"} 2`, `wxsign_force_budget_left{account="wxb"} 0`)
		time.Sleep(16*time.Hour - time.Minute - 10*time.Second)
		look(t, m)
		time.Sleep(10 * time.Second) // midnight in Beijing: a new day, a new budget
		look(t, m)
		if n := len(d.days); n != 4 || d.days[n-2] != 20000101 || d.days[n-1] != 20000102 {
			t.Errorf("asked for the days %v", d.days)
		}
	})
}

// What an old look has found out is worse than nothing.
func TestWatchForgetsWhatItCannotSee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &database{ahead: 5 * time.Second}
		m := watched(t, d, serving(1))
		look(t, m)
		d.broken = errors.New("away")
		if err := m.Watch(t.Context()); !errors.Is(err, d.broken) {
			t.Errorf("Watch says %v", err)
		}
		for _, name := range []string{"wxsign_clock_ahead_seconds", "wxsign_follower_lag_seconds", "wxsign_force_budget_least"} {
			if strings.Contains(scrape(t, m), "\n"+name) {
				t.Errorf("%s is still there", name)
			}
		}
		d.broken = nil
		checkLines(t, look(t, m), "wxsign_clock_ahead_seconds 5")
	})
}

// Regression: where alerts could not be read, the clock, the lag and the budgets
// were missing too, and their rules silent.
func TestWatchTellsWhatItCanSee(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &database{ahead: 5 * time.Second, unreadable: errors.New("SELECT command denied")}
		m := watched(t, d, serving(1))
		for range 2 { // also without a first look that went well
			if err := m.Watch(t.Context()); !errors.Is(err, d.unreadable) {
				t.Errorf("Watch says %v", err)
			}
			text := scrape(t, m)
			checkLines(t, text, "wxsign_clock_ahead_seconds 5", "wxsign_follower_lag_seconds 0", "wxsign_force_budget_least 20")
			if strings.Contains(text, "\nwxsign_replicas") {
				t.Error("replicas are told that nobody counted")
			}
			time.Sleep(15 * time.Second)
		}
		d.unreadable = nil
		checkLines(t, look(t, m), "wxsign_clock_ahead_seconds 5", "wxsign_replicas 0")
		time.Sleep(time.Minute)
		d.unreadable = errors.New("away again")
		if err := m.Watch(t.Context()); err == nil || strings.Contains(scrape(t, m), "\nwxsign_replicas") {
			t.Errorf("an old count stays, beside %v", err)
		}
	})
}

func TestWatchWithoutDatabase(t *testing.T) {
	t.Parallel()
	if err := newMetrics(t, serving(1), nil).Watch(t.Context()); err != nil {
		t.Error(err)
	}
}
