package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
)

// Store is what Watch asks of the database; *model.Store is one.
type Store interface {
	Now(ctx context.Context) (int64, error)
	Marks(ctx context.Context, sinceMs int64) ([]model.Mark, int64, error)
	ForcesSpent(ctx context.Context, day, limit int) ([]model.ForceSpent, error)
	OpenAlerts(ctx context.Context, limit int) ([]model.Alert, error)
	DeliveryCounts(ctx context.Context) ([]model.DeliveryCount, error)
	Replicas(ctx context.Context, sinceMs int64, limit int) ([]model.Replica, int64, error)
}

const (
	// lookTimeout bounds one Watch.
	lookTimeout = 5 * time.Second
	// lookOverlap reaches back behind the last look, because a row may be
	// committed later than the instant that stands in it.
	lookOverlap = 10 * time.Second
	// budgetInterval is the time between two looks at the force budgets, which
	// read the whole table.
	budgetInterval = time.Minute
	// forcePerDay is WeChat's limit (the page of getStableAccessToken).
	forcePerDay = 20
	// mostBudgets bounds the accounts that have a series for their budget.
	mostBudgets = 100
)

// watch keeps what the last look at the database brought.
type watch struct {
	store      Store
	table      *snapshot.Table
	conditions []string // of alerts

	mu        sync.Mutex
	known     bool // the last look at what concerns this replica succeeded
	ahead     time.Duration
	roundTrip time.Duration
	nowMs     int64          // database clock at the last look
	behind    map[place]lag  // rows that are newer than what is served
	budgets   map[string]int // left today, of accounts that spent some
	budgetDay int
	budgetAt  int64 // database clock
	standing  standing
}

type place struct{ appID, kind string }

// lag is a version that is stored and not served yet, and since when (database
// clock) it is seen to be.
type lag struct{ version, sinceMs int64 }

func newWatch(o Options) *watch {
	return &watch{store: o.Store, table: o.Table, conditions: o.Conditions, behind: map[place]lag{}}
}

// Watch looks at the database: call it every 15 s or so. After a failure the
// metrics that come from it are left out until it succeeds again, and only those:
// where what is known of all replicas cannot be read, this replica's clock, lag and
// budgets stay. It returns the error for a debug line, since the keeper reports a
// database that is away.
func (m *Metrics) Watch(ctx context.Context) error {
	if m.watch.store == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	nowMs, err := m.watch.look(ctx)
	if err != nil {
		m.watch.mu.Lock()
		m.watch.known = false
		m.watch.mu.Unlock()
		return err
	}
	return m.watch.lookAtStanding(ctx, nowMs)
}

// look publishes what concerns this replica, and returns the database's time.
func (w *watch) look(ctx context.Context) (int64, error) {
	// The first question may have to open a connection; the second one tells
	// how long the way is.
	if _, err := w.store.Now(ctx); err != nil {
		return 0, err
	}
	before := time.Now()
	nowMs, err := w.store.Now(ctx)
	if err != nil {
		return 0, err
	}
	roundTrip := time.Since(before)
	ahead := before.Add(roundTrip / 2).Sub(time.UnixMilli(nowMs))
	marks, marksMs, err := w.store.Marks(ctx, w.since(nowMs))
	if err != nil {
		return 0, err
	}
	if err := w.lookAtBudgets(ctx, nowMs); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead, w.roundTrip, w.nowMs, w.known = ahead, roundTrip, marksMs, true
	w.compare(marks, marksMs)
	return nowMs, nil
}

// since is the database time from which to look for newer rows. The first look
// has no past: the keeper has just loaded everything.
func (w *watch) since(nowMs int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nowMs == 0 {
		return nowMs - lookOverlap.Milliseconds()
	}
	return max(1, w.nowMs-lookOverlap.Milliseconds()) // 0 asks for all
}

// compare notes rows that are newer than what is served here, and forgets those
// that have been caught up with.
func (w *watch) compare(marks []model.Mark, nowMs int64) {
	for _, m := range marks {
		at := place{m.AppID, m.Kind}
		seen, noted := w.behind[at]
		if !noted {
			seen.sinceMs = nowMs
		}
		seen.version = m.Version
		w.behind[at] = seen
	}
	for at, seen := range w.behind {
		if !w.isBehind(at, seen.version) {
			delete(w.behind, at)
		}
	}
}

func (w *watch) isBehind(at place, version int64) bool {
	view, found := w.table.Lookup(at.appID)
	if !found || !view.Keeps(at.kind) {
		return false // no account of this replica (any more)
	}
	served, _ := view.Credential(at.kind)
	return served.Version < version
}

// lookAtBudgets asks how many force refreshes are left, once a minute.
func (w *watch) lookAtBudgets(ctx context.Context, nowMs int64) error {
	day := beijingDay(nowMs)
	w.mu.Lock()
	fresh := w.budgets != nil && w.budgetDay == day && nowMs-w.budgetAt < budgetInterval.Milliseconds() && nowMs >= w.budgetAt
	w.mu.Unlock()
	if fresh {
		return nil
	}
	spent, err := w.store.ForcesSpent(ctx, day, mostBudgets)
	if err != nil {
		return err
	}
	left := make(map[string]int, len(spent))
	for _, s := range spent {
		left[s.AppID] = max(0, forcePerDay-s.Count)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.budgets, w.budgetDay, w.budgetAt = left, day, nowMs
	return nil
}

// beijing is where WeChat's days begin.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// beijingDay is the day of a database time as yyyymmdd.
func beijingDay(ms int64) int {
	year, month, day := time.UnixMilli(ms).In(beijing).Date()
	return year*10000 + int(month)*100 + day
}

var (
	aheadDesc = prometheus.NewDesc("wxsign_clock_ahead_seconds",
		"This machine's clock before the database's, negative where it is behind; exact to half of wxsign_database_seconds.", nil, nil)
	roundTripDesc = prometheus.NewDesc("wxsign_database_seconds", "Time of the smallest question to the database.", nil, nil)
	lagDesc       = prometheus.NewDesc("wxsign_follower_lag_seconds",
		"For how long a stored credential has been newer than the one that is served here, 0 where none is.", nil, nil)
	budgetDesc = prometheus.NewDesc("wxsign_force_budget_left",
		"Force refreshes that the account has left today in Beijing, of 20; only accounts that spent one.", []string{"account"}, nil)
	leastBudgetDesc = prometheus.NewDesc("wxsign_force_budget_least",
		"Force refreshes left today of the account that has the least, of 20.", nil, nil)
)

// Describe implements prometheus.Collector.
func (w *watch) Describe(out chan<- *prometheus.Desc) {
	for _, d := range append(w.standing.describe(), aheadDesc, roundTripDesc, lagDesc, budgetDesc, leastBudgetDesc) {
		out <- d
	}
}

// Collect implements prometheus.Collector. An old look is worse than none: what
// was not found out is left out.
func (w *watch) Collect(out chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.known {
		return
	}
	out <- gauge(aheadDesc, w.ahead.Seconds())
	out <- gauge(roundTripDesc, w.roundTrip.Seconds())
	longest := int64(0)
	for _, seen := range w.behind {
		longest = max(longest, w.nowMs-seen.sinceMs)
	}
	out <- gauge(lagDesc, float64(longest)/1000)
	least := forcePerDay
	for appID, left := range w.budgets {
		least = min(least, left)
		out <- gauge(budgetDesc, float64(left), appID)
	}
	out <- gauge(leastBudgetDesc, float64(least))
	w.standing.collect(out, w.conditions, w.nowMs)
}
