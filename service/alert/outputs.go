package alert

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	// forcePerDay is WeChat's limit (the page of getStableAccessToken).
	forcePerDay = 20
	// mostBudgets bounds the accounts that are looked at: those that spent most.
	mostBudgets = 100
	// waitsLong is how old the oldest message of a receiver may be.
	waitsLong = 10 * time.Minute
	// freshFailure is how long a message that was given up is a trouble; then it
	// is only a line of the list.
	freshFailure = 24 * time.Hour
	// replicaAlive is how long after its last word a replica counts as one.
	replicaAlive = 40 * time.Second
	// differLong is how long replicas may differ: an upgrade takes its time.
	differLong   = 10 * time.Minute
	mostReplicas = 100
)

// budgets looks for accounts with few force refreshes left for the day.
func (a *Alerts) budgets(ctx context.Context, nowMs int64) ([]finding, error) {
	spent, err := a.options.Store.ForcesSpent(ctx, beijingDay(nowMs), mostBudgets)
	var found []finding
	for _, s := range spent {
		left := max(0, forcePerDay-s.Count)
		if left > a.options.Limits.ForceBudgetLow || a.options.Limits.ForceBudgetLow == 0 && left > 0 {
			continue
		}
		f := finding{name: Budget, severity: Warning, appID: s.AppID, facts: facts{"account": s.AppID, "left": strconv.Itoa(left)}}
		if left == 0 {
			f.severity, f.facts[variant] = Critical, "spent"
		}
		found = append(found, f)
	}
	return found, err
}

// beijingDay is WeChat's day as yyyymmdd; China has had one time zone since 1991.
func beijingDay(ms int64) int {
	year, month, day := time.UnixMilli(ms).In(time.FixedZone("Asia/Shanghai", 8*60*60)).Date()
	return year*10000 + int(month)*100 + day
}

// deliveries looks for receivers whose messages do not arrive.
func (a *Alerts) deliveries(ctx context.Context, nowMs int64) ([]finding, error) {
	counts, err := a.options.Store.DeliveryCounts(ctx)
	byChannel := map[string]finding{}
	for _, c := range counts {
		age := nowMs - c.OldestMs
		waits := c.State == model.DeliveryPending && age > waitsLong.Milliseconds()
		gaveUp := c.State == model.DeliveryFailed && age < freshFailure.Milliseconds()
		if !waits && !gaveUp {
			continue
		}
		f := finding{name: Delivery, severity: Warning, kind: c.Channel, sinceMs: c.OldestMs, facts: facts{
			"channel": a.labelOf(c.Channel), "count": strconv.FormatInt(c.Count, 10), "waits_for": milliseconds(age),
		}}
		if gaveUp {
			f.facts[variant] = "failed"
		}
		if _, worse := byChannel[c.Channel]; !worse || gaveUp {
			byChannel[c.Channel] = f
		}
	}
	var found []finding
	for _, f := range byChannel {
		found = append(found, f)
	}
	slices.SortFunc(found, func(x, y finding) int { return strings.Compare(x.kind, y.kind) })
	return found, err
}

// labelOf is a receiver as people know it.
func (a *Alerts) labelOf(channel string) string {
	for _, r := range a.options.Receivers {
		if r.Name() == channel {
			return r.Label()
		}
	}
	return channel
}

// fleet is which replicas live, as the last look found them.
type fleet struct {
	alive map[string]bool
	known bool // the look succeeded
}

// replicas looks for living replicas whose configuration or keys are not this
// one's.
func (a *Alerts) replicas(ctx context.Context, _ int64) ([]finding, fleet, error) {
	rows, nowMs, err := a.options.Store.Replicas(ctx, replicaAlive.Milliseconds(), mostReplicas)
	if err != nil {
		return nil, fleet{}, err
	}
	f := fleet{alive: map[string]bool{a.options.Replica: true}, known: true}
	own := int64(0)
	for _, r := range rows {
		f.alive[r.Name] = true
		if r.Name == a.options.Replica {
			own = r.StartedMs
		}
	}
	var others []string
	since := int64(0)
	for _, r := range rows {
		start := max(r.StartedMs, own)
		if r.Config == a.options.Config || r.Name == a.options.Replica || nowMs-start < differLong.Milliseconds() {
			continue
		}
		others = append(others, r.Name)
		since = max(since, start)
	}
	if len(others) == 0 {
		return nil, f, nil
	}
	slices.Sort(others)
	return []finding{{name: Differ, severity: Warning, sinceMs: since, facts: facts{
		"replica": a.options.Replica, "others": strings.Join(others[:min(len(others), examples)], ", "), "count": strconv.Itoa(len(others)),
	}}}, f, nil
}
