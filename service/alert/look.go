package alert

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/purge"
)

// Interval is how often Look is to be called.
const Interval = 30 * time.Second

const (
	// lookTimeout bounds a look.
	lookTimeout = 20 * time.Second
	// dutyLease is how long the others wait for a replica that died.
	dutyLease = 3 * Interval
	// firstCalm is for how long a trouble must not be seen to be over. It doubles
	// with each time that it came back within relapse, up to mostCalm.
	firstCalm = 5 * time.Minute
	mostCalm  = time.Hour
	relapse   = 6 * time.Hour
	// mostOpen bounds the open alerts that a look goes through.
	mostOpen = 1000
)

// Look looks for troubles, raises and clears alerts, and tells of them. Cron calls
// it; it must not be run twice at once.
func (a *Alerts) Look(ctx context.Context) {
	if a.databaseAway(ctx) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := a.look(ctx); err != nil {
		a.log.Warn("cannot look for troubles; the next look finds them", "err", err)
	}
	if err := a.tell(ctx); err != nil {
		a.log.Warn("cannot put alerts on their way; the next look does", "err", err)
	}
	a.count(ctx)
}

func (a *Alerts) count(ctx context.Context) {
	if counts, err := a.options.Store.CountAlerts(ctx); err == nil {
		a.counts.Store(&counts)
	}
}

// source finds the troubles of some conditions.
type source struct {
	names []string
	find  func(ctx context.Context, nowMs int64) ([]finding, error)
}

// look goes through everything that this replica is to look at.
func (a *Alerts) look(ctx context.Context) error {
	nowMs, err := a.options.Store.Now(ctx)
	if err != nil {
		return err
	}
	l := round{Alerts: a, nowMs: nowMs, sure: map[string]bool{}, seen: map[string]bool{}}
	own, err := a.own(ctx, nowMs)
	errs := []error{err}
	if err == nil {
		l.ownSure = true
		errs = append(errs, l.raise(ctx, own))
	}
	duty, err := a.options.Store.TakeAlertDuty(ctx, a.options.Replica, dutyLease.Milliseconds())
	if errs = append(errs, err); duty {
		errs = append(errs, l.everybodys(ctx)...)
	}
	return errors.Join(append(errs, l.clear(ctx, duty))...)
}

// round is one look.
type round struct {
	*Alerts
	nowMs   int64
	sure    map[string]bool // conditions that were looked at without a fault
	ownSure bool
	seen    map[string]bool // by key
	fleet   fleet
}

// everybodys looks at what all replicas would find alike.
func (l *round) everybodys(ctx context.Context) (errs []error) {
	differ := func(ctx context.Context, nowMs int64) (found []finding, err error) {
		found, l.fleet, err = l.replicas(ctx, nowMs)
		return found, err
	}
	for _, s := range []source{
		{[]string{Expiring, Refused, Quota, Sealed, Unchanged}, l.credentials},
		{[]string{Overwrite, Rival}, l.losses},
		{[]string{Budget}, l.budgets},
		{[]string{Delivery}, l.deliveries},
		{[]string{Differ}, differ},
	} {
		found, err := s.find(ctx, l.nowMs)
		if err == nil {
			err = l.raise(ctx, gathered(found))
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, name := range s.names {
			l.sure[name] = true
		}
	}
	return errs
}

// raise opens alerts for troubles that have none.
func (l *round) raise(ctx context.Context, found []finding) error {
	for i := range found {
		f := &found[i]
		l.seen[f.key()] = true
		row := f.row(l.nowMs)
		if noted, err := l.options.Store.AlertSeen(ctx, row); noted || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if err := l.open(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// open raises an alert; the log tells it too, for those who read nothing else.
func (a *Alerts) open(ctx context.Context, row model.Alert) error {
	again, err := a.options.Store.AlertsCleared(ctx, row.AlertKey, relapse.Milliseconds())
	if err != nil {
		return err
	}
	if row.EventID == "" {
		row.EventID = strings.ToLower(rand.Text())
	}
	row.CalmMs = min(firstCalm<<min(again, 10), mostCalm).Milliseconds()
	added, err := a.options.Store.AddAlert(ctx, row)
	if added {
		a.log.Warn("alert raised", "alert", row.Name, "severity", row.Severity, "account", row.AppID, "kind", row.Kind,
			"text", a.Words(row, English).What)
	}
	return err
}

func (f *finding) row(nowMs int64) model.Alert {
	since := f.sinceMs
	if since == 0 {
		since = nowMs
	}
	return model.Alert{
		AlertKey: f.key(), Name: f.name, Severity: f.severity, AppID: f.appID, Kind: f.kind, Replica: f.replica,
		Facts: f.facts.json(), SinceMs: since, Tell: model.TellRaised,
	}
}

// clear ends the alerts whose trouble is over.
func (l *round) clear(ctx context.Context, duty bool) error {
	open, err := l.options.Store.OpenAlerts(ctx, mostOpen)
	if err != nil {
		return err
	}
	for i := range open {
		if row := &open[i]; l.absent(row, duty) {
			cleared, err := l.options.Store.AlertAbsent(ctx, row.ID)
			if err != nil {
				return err
			}
			if cleared {
				l.log.Info("alert cleared", "alert", row.Name, "account", row.AppID, "kind", row.Kind)
			}
		}
	}
	return nil
}

// absent reports whether this look would have found the trouble of an alert, and
// did not. What a dead replica saw is over with it.
func (l *round) absent(row *model.Alert, duty bool) bool {
	switch {
	case l.seen[row.AlertKey]:
		return false
	case row.Replica == l.options.Replica:
		return l.ownSure
	case row.Replica != "":
		return duty && l.fleet.known && !l.fleet.alive[row.Replica]
	}
	return duty && l.sure[row.Name]
}

// keepCleared is how long cleared alerts can be looked up.
const keepCleared = 90 * 24 * time.Hour

// Tidy deletes old alerts. Cron calls it.
func (a *Alerts) Tidy(ctx context.Context) {
	_, err := purge.All(ctx, func(ctx context.Context) (int64, error) {
		return a.options.Store.PurgeAlerts(ctx, keepCleared.Milliseconds())
	})
	if err != nil {
		a.log.Warn("cannot purge old alerts; the next run goes on", "err", err)
	}
}
