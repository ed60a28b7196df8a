package alert

import (
	"context"
	"slices"
	"strconv"
	"time"
)

const (
	// behindLong is how old a stored value may be that is not served yet; looked at
	// are those that are not older than behindReach.
	behindLong  = time.Minute
	behindReach = 10 * time.Minute
	// redisLong is how long the copy may fail.
	redisLong = 2 * time.Minute
	// slowestReading is how long the question for the clock may take: beyond that
	// the difference is not known.
	slowestReading = time.Second
)

// note is an own trouble that somebody has told of.
type note struct {
	since time.Time
	text  string
}

// Note tells of the outcome of a job of this replica; name is one of the
// conditions. An error is a trouble until nil is noted.
func (a *Alerts) Note(name string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		delete(a.noted, name)
		return
	}
	n := a.noted[name]
	if n.since.IsZero() {
		n.since = time.Now()
	}
	n.text = err.Error()
	a.noted[name] = n
}

// own are the troubles that only this replica sees.
func (a *Alerts) own(ctx context.Context, nowMs int64) ([]finding, error) {
	found, err := a.behind(ctx, nowMs)
	if err != nil {
		return nil, err
	}
	differs, err := a.clock(ctx)
	if err != nil {
		return nil, err
	}
	found = append(found, differs...)
	found = append(found, a.redis(nowMs)...)
	a.mu.Lock()
	defer a.mu.Unlock()
	for name, n := range a.noted {
		found = append(found, a.mine(name, Warning, nowMs-time.Since(n.since).Milliseconds(), facts{"text": n.text}))
	}
	return found, nil
}

func (a *Alerts) mine(name, severity string, sinceMs int64, f facts) finding {
	f["replica"] = a.options.Replica
	return finding{name: name, severity: severity, replica: a.options.Replica, sinceMs: sinceMs, facts: f}
}

// clock compares this machine's clock with the database's.
func (a *Alerts) clock(ctx context.Context) ([]finding, error) {
	before := time.Now()
	nowMs, err := a.options.Store.Now(ctx)
	took := time.Since(before)
	ahead := before.Round(0).Add(took / 2).Sub(time.UnixMilli(nowMs))
	if err != nil || took > slowestReading || ahead.Abs() < a.options.Limits.ClockDifference {
		return nil, err
	}
	f := facts{"difference_for": span(ahead.Abs())}
	if ahead < 0 {
		f[variant] = "late"
	}
	return []finding{a.mine(Clock, Warning, 0, f)}, nil
}

// behind looks for values that were stored a while ago and are not served here.
func (a *Alerts) behind(ctx context.Context, nowMs int64) ([]finding, error) {
	if a.options.Own.Served == nil {
		return nil, nil
	}
	marks, _, err := a.options.Store.Marks(ctx, nowMs-behindReach.Milliseconds())
	if err != nil {
		return nil, err
	}
	var late []string
	oldest := nowMs
	for i := range marks {
		m := &marks[i]
		served, kept := a.options.Own.Served(m.AppID, m.Kind)
		if kept && served < m.Version && nowMs-m.UpdatedMs > behindLong.Milliseconds() {
			late = append(late, m.AppID+" "+m.Kind)
			oldest = min(oldest, m.UpdatedMs)
		}
	}
	if len(late) == 0 {
		return nil, nil
	}
	slices.Sort(late)
	return []finding{a.mine(Behind, Warning, oldest, facts{
		"count": strconv.Itoa(len(late)), "account": late[0], "late_for": milliseconds(nowMs - oldest),
	})}, nil
}

// redis tells that the copy for other programs fails.
func (a *Alerts) redis(nowMs int64) []finding {
	if a.options.Own.Redis == nil {
		return nil
	}
	text, since := a.options.Own.Redis()
	age := time.Since(since)
	if text == "" || age < redisLong {
		return nil
	}
	return []finding{a.mine(Redis, Warning, nowMs-age.Milliseconds(), facts{"text": text})}
}
