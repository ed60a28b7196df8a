package metrics

import (
	"context"
	"maps"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxsign/wxsign/model"
)

const (
	// standingInterval is the time between two looks at what changes slowly.
	standingInterval = time.Minute
	// replicaAlive is how long after its last note a replica counts as alive: it
	// notes itself every 10 s.
	replicaAlive = 35 * time.Second
	mostReplicas = 100
	// mostOpen bounds the alerts that are counted.
	mostOpen = 1000
)

// standing is what the database tells of all replicas together.
type standing struct {
	atMs       int64 // database clock; 0 = not known
	alerts     map[alertLabels]int
	deliveries map[string]int64 // by state
	oldestMs   int64            // when the oldest delivery that waits was queued; 0 = none waits
	replicas   int
	settings   int // different ones among the replicas
}

type alertLabels struct{ condition, severity string }

// fresh reports whether it is too early for another look.
func (s *standing) fresh(nowMs int64) bool {
	return s.atMs > 0 && nowMs >= s.atMs && nowMs-s.atMs < standingInterval.Milliseconds()
}

// lookAtStanding counts alerts, deliveries and replicas, once a minute. After a
// failure they are not known, and asked for again at the next look.
func (w *watch) lookAtStanding(ctx context.Context, nowMs int64) error {
	w.mu.Lock()
	fresh := w.standing.fresh(nowMs)
	w.mu.Unlock()
	if fresh {
		return nil
	}
	s, err := w.countStanding(ctx, nowMs)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.standing = s
	return err
}

// countStanding asks the database; beside an error it returns the zero standing.
func (w *watch) countStanding(ctx context.Context, nowMs int64) (standing, error) {
	s := standing{atMs: nowMs, alerts: map[alertLabels]int{}, deliveries: map[string]int64{}}
	open, err := w.store.OpenAlerts(ctx, mostOpen)
	if err != nil {
		return standing{}, err
	}
	for i := range open {
		s.alerts[w.labels(&open[i])]++
	}
	counts, err := w.store.DeliveryCounts(ctx)
	if err != nil {
		return standing{}, err
	}
	s.countDeliveries(counts)
	alive, _, err := w.store.Replicas(ctx, replicaAlive.Milliseconds(), mostReplicas)
	if err != nil {
		return standing{}, err
	}
	settings := map[string]bool{}
	for _, r := range alive {
		settings[r.Config] = true
	}
	s.replicas, s.settings = len(alive), len(settings)
	return s, nil
}

// labels keeps what a later version has stored from making series of its own.
func (w *watch) labels(row *model.Alert) alertLabels {
	for _, condition := range w.conditions {
		if row.Name == condition {
			return alertLabels{condition, row.Severity}
		}
	}
	return alertLabels{"other", row.Severity}
}

func (s *standing) countDeliveries(counts []model.DeliveryCount) {
	for _, c := range counts {
		s.deliveries[c.State] += c.Count
		if c.State == model.DeliveryPending && (s.oldestMs == 0 || c.OldestMs < s.oldestMs) {
			s.oldestMs = c.OldestMs
		}
	}
}

var (
	alertsDesc = prometheus.NewDesc("wxsign_alerts_open",
		"Alerts that are open, of all replicas together, by condition.", []string{"condition", "severity"}, nil)
	deliveriesDesc = prometheus.NewDesc("wxsign_deliveries",
		"Messages to other programs and people that were not sent: pending, or failed where they were given up.", []string{"state"}, nil)
	oldestDesc = prometheus.NewDesc("wxsign_delivery_oldest_seconds",
		"For how long the oldest pending message has waited, 0 where none does.", nil, nil)
	replicasDesc = prometheus.NewDesc("wxsign_replicas", "Replicas that live on this database.", nil, nil)
	settingsDesc = prometheus.NewDesc("wxsign_replica_settings",
		"Different settings or master keys among the replicas that live; 1 is as it should be.", nil, nil)
)

// describe are the descriptions of what collect sends.
func (*standing) describe() []*prometheus.Desc {
	return []*prometheus.Desc{alertsDesc, deliveriesDesc, oldestDesc, replicasDesc, settingsDesc}
}

// collect shows each condition, if only as 0: a rule must not depend on whether
// there was trouble before.
func (s *standing) collect(out chan<- prometheus.Metric, conditions []string, nowMs int64) {
	if s.atMs == 0 {
		return
	}
	all := map[alertLabels]int{}
	for _, condition := range conditions {
		for _, severity := range []string{model.SeverityWarning, model.SeverityCritical} {
			all[alertLabels{condition, severity}] = 0
		}
	}
	maps.Copy(all, s.alerts)
	for labels, n := range all {
		out <- gauge(alertsDesc, float64(n), labels.condition, labels.severity)
	}
	for _, state := range []string{model.DeliveryPending, model.DeliveryFailed} {
		out <- gauge(deliveriesDesc, float64(s.deliveries[state]), state)
	}
	waited := int64(0)
	if s.oldestMs > 0 {
		waited = max(0, nowMs-s.oldestMs)
	}
	out <- gauge(oldestDesc, float64(waited)/1000)
	out <- gauge(replicasDesc, float64(s.replicas))
	out <- gauge(settingsDesc, float64(s.settings))
}
