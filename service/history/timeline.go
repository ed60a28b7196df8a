package history

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/wxsign/wxsign/model"
)

// Span is how far back a timeline looks.
type Span struct {
	Name string // as in addresses: 24h
	Long time.Duration
	step step // of the table beside the chart
}

// step is how the table beside a chart divides the time.
type step int

const (
	hourly step = iota
	daily
	weekly
)

const day = 24 * time.Hour

// Spans lists the spans, the shortest first.
func Spans() []Span {
	return []Span{{"24h", day, hourly}, {"7d", 7 * day, daily}, {"30d", 30 * day, daily}, {"90d", 90 * day, weekly}}
}

// SpanNamed finds a span, the first one where there is none of that name.
func SpanNamed(name string) Span {
	for _, s := range Spans() {
		if s.Name == name {
			return s
		}
	}
	return Spans()[0]
}

// What a timeline reads is bounded. 90 days of an account with a token and two
// tickets have 3,500 attempts. Where there are more, most of them are failures:
// then those that are alike and close together become one moment, and of very
// many the newest say the most.
const (
	mostMoments  = 4000
	mostAttempts = 12_000 // that are looked at
	// chartSteps parts a timeline of many attempts; each part has a few pixels.
	chartSteps = 150
	// longestStep hides no time without a value that is worth a word.
	longestStep = 30 * time.Minute
)

// longestLife is that of WeChat's credentials, with room: what was fetched
// longer before a timeline cannot be alive in it.
const longestLife = 2*time.Hour + 10*time.Minute

// Timeline is what happened to an account's credentials over a span.
type Timeline struct {
	From, To time.Time
	// Cut is where the timeline begins because there is too much before, zero
	// where all of the span is there.
	Cut time.Time
	// Step is how long a time is of which like attempts are one Moment, 0 where
	// each attempt is one.
	Step  time.Duration
	Lanes []Lane // one for each kind, the token first
	Slots []Slot // the same in numbers, the oldest first, without empty ones
}

// Lane is what happened to one kind.
type Lane struct {
	Kind    string
	Lives   []Stretch // while there was a live value; they do not touch
	Moments []Moment  // the oldest first
	Without time.Duration
	Longest time.Duration // the longest time without a live value
}

// Stretch is a time from one instant to another.
type Stretch struct{ From, To time.Time }

// Moment is an attempt, or several that are alike.
type Moment struct {
	At      time.Time // of the newest
	Count   int       // at least 1
	Version int64
	Trigger string
	Outcome string
	Errcode int
	Latency time.Duration
}

// Counts are attempts by how they ended.
type Counts struct {
	Renewed, Unchanged, Failed, Refused int
}

// Any reports whether there were attempts.
func (c Counts) Any() bool { return c != Counts{} }

// Slot is a part of a timeline in numbers.
type Slot struct {
	Stretch
	Counts
	Errcode int // of one of the failures, 0 where none had one
}

// Total counts all attempts.
func (t Timeline) Total() Counts {
	var total Counts
	for _, lane := range t.Lanes {
		for _, m := range lane.Moments {
			total = total.with(m)
		}
	}
	return total
}

// with counts those of a moment, too.
func (c Counts) with(m Moment) Counts {
	switch m.Outcome {
	case model.OutcomeRenewed:
		c.Renewed += m.Count
	case model.OutcomeUnchanged:
		c.Unchanged += m.Count
	case model.OutcomeFailed:
		c.Failed += m.Count
	case model.OutcomeRefused:
		c.Refused += m.Count
	}
	return c
}

// Timeline reads the timeline of an account up to now. kinds are those that the
// account keeps; others have a lane only if something happened to them. Days and
// hours of the table are those of the place.
func (d *Desk) Timeline(ctx context.Context, appID string, kinds []string, span Span, place *time.Location) (Timeline, error) {
	nowMs, err := d.store.Now(ctx)
	if err != nil {
		return Timeline{}, err
	}
	to := time.UnixMilli(nowMs)
	t := Timeline{From: to.Add(-span.Long), To: to}
	rows, err := d.moments(ctx, &t, appID)
	if err != nil {
		return Timeline{}, err
	}
	byKind := map[string][]model.Moment{}
	for _, row := range rows {
		byKind[row.Kind] = append(byKind[row.Kind], row)
	}
	for _, kind := range kinds {
		if byKind[kind] == nil {
			byKind[kind] = []model.Moment{}
		}
	}
	for kind, rows := range byKind {
		if lane := t.lane(kind, rows); len(lane.Moments) > 0 || slices.Contains(kinds, kind) {
			t.Lanes = append(t.Lanes, lane)
		}
	}
	slices.SortFunc(t.Lanes, func(a, b Lane) int {
		return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), cmp.Compare(a.Kind, b.Kind))
	})
	t.Slots = t.slots(span.step, place)
	return t, nil
}

// moments reads what happened, the oldest first, and notes in the timeline where
// that is not all.
func (d *Desk) moments(ctx context.Context, t *Timeline, appID string) ([]model.Moment, error) {
	q := model.TimelineQuery{
		AppID: appID, FromMs: t.From.Add(-longestLife).UnixMilli(), ToMs: t.To.UnixMilli() + 1, Limit: mostMoments,
	}
	many, err := d.store.AttemptBefore(ctx, appID, q.FromMs, mostMoments)
	if err != nil {
		return nil, err
	}
	if many > 0 {
		first, err := d.store.AttemptBefore(ctx, appID, q.FromMs, mostAttempts)
		if err != nil {
			return nil, err
		}
		q.FromMs = max(q.FromMs, first)
		t.Cut = t.cutAt(first)
		t.Step = min(t.To.Sub(t.begin())/chartSteps, longestStep).Truncate(time.Second)
		q.StepMs = max(time.Second, t.Step).Milliseconds()
	}
	rows, err := d.store.Timeline(ctx, q)
	if err != nil {
		return nil, err
	}
	if q.StepMs > 0 && len(rows) == mostMoments {
		t.Cut = t.cutAt(rows[len(rows)-1].AtMs)
	}
	slices.Reverse(rows)
	return rows, nil
}

// cutAt is where a timeline begins that has nothing before an instant.
func (t Timeline) cutAt(atMs int64) time.Time {
	if at := time.UnixMilli(atMs); at.After(t.From) {
		return at
	}
	return t.Cut
}

// begin is where the timeline has all that happened.
func (t Timeline) begin() time.Time {
	if t.Cut.After(t.From) {
		return t.Cut
	}
	return t.From
}

// lane follows one kind through time.
func (t Timeline) lane(kind string, rows []model.Moment) Lane {
	lane, newest := Lane{Kind: kind}, int64(0)
	for _, row := range rows {
		at := time.UnixMilli(row.AtMs)
		switch {
		case row.ExpiresMs > row.AtMs && (row.Outcome == model.OutcomeRenewed || row.Outcome == model.OutcomeUnchanged):
			lane.live(time.UnixMilli(row.FirstMs), time.UnixMilli(row.ExpiresMs))
			newest = max(newest, row.Version)
		case foundDead(row) && row.Version >= newest: // and not the value before, written late
			lane.dies(at)
		}
		if !at.Before(t.From) {
			lane.Moments = append(lane.Moments, Moment{
				At: at, Count: int(row.Count), Version: row.Version, Trigger: row.TriggerName, Outcome: row.Outcome, Errcode: row.Errcode,
				Latency: time.Duration(row.LatencyMs) * time.Millisecond,
			})
		}
	}
	lane.within(t.begin(), t.To)
	return lane
}

// foundDead reports whether a probe or a report found a token dead, or a renewal
// failed that this had brought about.
func foundDead(row model.Moment) bool {
	return row.Kind == tokenKind && row.Outcome == model.OutcomeFailed &&
		(row.TriggerName == model.TriggerProbe || row.TriggerName == model.TriggerReport)
}

// live adds a life, joined to the one before where they touch.
func (l *Lane) live(from, to time.Time) {
	if n := len(l.Lives); n > 0 && !from.After(l.Lives[n-1].To) {
		if to.After(l.Lives[n-1].To) {
			l.Lives[n-1].To = to
		}
		return
	}
	l.Lives = append(l.Lives, Stretch{from, to})
}

// dies ends the life that goes on at an instant.
func (l *Lane) dies(at time.Time) {
	if n := len(l.Lives); n > 0 && at.Before(l.Lives[n-1].To) {
		l.Lives[n-1].To = at
	}
}

// within cuts the lives to a time and measures what lies between them. Before
// the first life nothing is missed: the account may be younger.
func (l *Lane) within(from, to time.Time) {
	var lives []Stretch
	for _, life := range l.Lives {
		if life.To.After(from) && life.From.Before(to) {
			lives = append(lives, Stretch{later(life.From, from), earlier(life.To, to)})
		}
	}
	l.Lives = lives
	for i, life := range lives {
		next := to
		if i+1 < len(lives) {
			next = lives[i+1].From
		}
		gap := max(0, next.Sub(life.To))
		l.Without += gap
		l.Longest = max(l.Longest, gap)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// slots counts the moments by hours, days or weeks.
func (t Timeline) slots(by step, place *time.Location) []Slot {
	var slots []Slot
	for from := by.floor(t.begin().In(place)); from.Before(t.To); from = by.next(from) {
		slots = append(slots, Slot{Stretch: Stretch{from, earlier(by.next(from), t.To)}})
	}
	for _, lane := range t.Lanes {
		for _, m := range lane.Moments {
			i, found := slices.BinarySearchFunc(slots, m.At, func(s Slot, at time.Time) int { return s.From.Compare(at) })
			if !found {
				i--
			}
			if i < 0 {
				continue
			}
			slots[i].Counts = slots[i].with(m)
			if m.Errcode != 0 {
				slots[i].Errcode = m.Errcode
			}
		}
	}
	return slices.DeleteFunc(slots, func(s Slot) bool { return !s.Any() })
}

// floor is when the hour, day or week began that an instant lies in; weeks are
// counted back from it.
func (by step) floor(t time.Time) time.Time {
	if by == hourly {
		return t.Truncate(time.Hour)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}

func (by step) next(t time.Time) time.Time {
	switch by {
	case hourly:
		return t.Add(time.Hour)
	case weekly:
		return t.AddDate(0, 0, 7)
	case daily:
	}
	return t.AddDate(0, 0, 1)
}
