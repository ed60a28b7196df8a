package webhook

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
)

// Store is what a Collector needs of the database.
type Store interface {
	Cursors(ctx context.Context, channels []string) ([]model.Cursor, int64, error)
	BeginCursor(ctx context.Context, channel string, was model.Cursor, atMs int64) error
	MoveCursors(ctx context.Context, channels []string, atMs int64) error
	HistoryPage(ctx context.Context, f model.HistoryFilter, after model.HistoryKey, limit int) (model.HistoryPage, error)
	Credentials(ctx context.Context, appIDs []string) ([]model.CredentialNow, error)
}

// Table is what this replica serves: *snapshot.Table.
type Table interface {
	All() iter.Seq[*snapshot.View]
}

// CollectorOptions of NewCollector. Zero field: Logger = slog.Default().
type CollectorOptions struct {
	Store  Store
	Table  Table
	Hooks  *Hooks
	Logger *slog.Logger
}

// Collector finds out what happened to the credentials, by looking at the
// history and at the clock, and announces it. Every replica looks; the outbox
// keeps one message of each event.
//
// A receiver's events begin when it is first seen in the configuration, or seen
// again after reach: what was before is not sent.
type Collector struct {
	store Store
	table Table
	hooks *Hooks
	log   *slog.Logger

	// The rest belongs to Collect, which is never run twice at once.
	announced map[string]int64 // by event id: when the event was
	added     int              // events that this look announced
	lookedMs  int64            // database time of the last look; 0 = none was good
	nextFull  time.Time
	nextMove  time.Time
}

const (
	// overlap reaches back behind the last look: a row may be written later than
	// the instant that it tells.
	overlap = time.Minute
	// reach is how far back events are found that were written much later, after
	// the database was away. Older ones are news to nobody.
	reach = time.Hour
	// fullInterval is the time between two looks over all of reach.
	fullInterval = 5 * time.Minute
	// moveInterval is the time between two notes of how far was looked.
	moveInterval = 30 * time.Second
	// lookTimeout bounds a look; what is left then is found by the next one.
	lookTimeout = 30 * time.Second
	// beginTimeout bounds Begin, which others wait for.
	beginTimeout = 3 * time.Second
	// historyPage is how many rows are read at once.
	historyPage = 500
)

// NewCollector checks the options.
func NewCollector(o CollectorOptions) (*Collector, error) {
	if o.Store == nil || o.Table == nil || o.Hooks == nil {
		return nil, errors.New("webhook: Store, Table and Hooks must be set")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Collector{store: o.Store, table: o.Table, hooks: o.Hooks, log: o.Logger, announced: map[string]int64{}}, nil
}

// Collect announces what is new and tells how many events that were. Cron calls
// it; it must not be run twice at once. What could not be announced is found
// again by the next call.
func (c *Collector) Collect(ctx context.Context) int {
	channels := c.hooks.wanting()
	if len(channels) == 0 {
		return 0
	}
	c.added = 0
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if err := c.look(ctx, channels); err != nil {
		c.lookedMs = 0
		c.log.Warn("cannot look for events; the next look finds them", "err", err)
	}
	return c.added
}

// Begin lets the events of new receivers begin now: what happens from here on is
// theirs. Without it they begin with the first Collect.
func (c *Collector) Begin(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	if channels := c.hooks.wanting(); len(channels) > 0 {
		if _, _, err := c.begins(ctx, channels); err != nil {
			c.log.Warn("events of new receivers begin later", "err", err)
		}
	}
}

func (c *Collector) look(ctx context.Context, channels []string) error {
	begins, nowMs, err := c.begins(ctx, channels)
	if err != nil || len(begins) == 0 {
		return err
	}
	l := look{Collector: c, begins: begins, nowMs: nowMs}
	full := c.lookedMs == 0 || !time.Now().Before(c.nextFull)
	l.fromMs = nowMs - reach.Milliseconds()
	l.fromMs = max(l.fromMs, slices.Min(slices.Collect(maps.Values(begins))))
	if !full {
		l.fromMs = max(l.fromMs, c.lookedMs-overlap.Milliseconds())
	}
	if err := l.history(ctx); err != nil {
		return err
	}
	if err := l.expired(ctx); err != nil {
		return err
	}
	if full {
		c.nextFull = time.Now().Add(fullInterval)
		c.forget(nowMs)
	}
	c.lookedMs = nowMs
	return c.move(ctx, channels, nowMs)
}

// begins reads from when on each channel has events, and lets those begin now
// that were not here, or not for long. Then it returns none: the next look is
// one for all of them.
func (c *Collector) begins(ctx context.Context, channels []string) (map[string]int64, int64, error) {
	cursors, nowMs, err := c.store.Cursors(ctx, channels)
	if err != nil {
		return nil, 0, err
	}
	begins, began := make(map[string]int64, len(channels)), false
	for _, channel := range channels {
		var cursor model.Cursor
		if i := slices.IndexFunc(cursors, func(held model.Cursor) bool { return held.Channel == channel }); i >= 0 {
			cursor = cursors[i]
		}
		if cursor.AtMs >= nowMs-reach.Milliseconds() {
			begins[channel] = cursor.BeginMs
			continue
		}
		if err := c.store.BeginCursor(ctx, channel, cursor, nowMs); err != nil {
			return nil, 0, err
		}
		began = true
		c.log.Info("events are sent from now on", "channel", channel)
	}
	if began {
		c.lookedMs = 0
		return nil, 0, nil
	}
	return begins, nowMs, nil
}

// move notes, now and then, how far was looked: a channel that nobody looked for
// in a long time begins afresh.
func (c *Collector) move(ctx context.Context, channels []string, nowMs int64) error {
	if time.Now().Before(c.nextMove) {
		return nil
	}
	c.nextMove = time.Now().Add(moveInterval)
	return c.store.MoveCursors(ctx, channels, nowMs)
}

// forget drops the ids of events that no look finds any more.
func (c *Collector) forget(nowMs int64) {
	for id, atMs := range c.announced {
		if atMs < nowMs-2*reach.Milliseconds() {
			delete(c.announced, id)
		}
	}
}

// look is one look for events.
type look struct {
	*Collector
	begins map[string]int64 // by channel
	nowMs  int64
	fromMs int64
}

// announce announces an event once, to the channels that had begun by then.
func (l *look) announce(ctx context.Context, e Event) error {
	if _, done := l.announced[e.ID]; done {
		return nil
	}
	atMs := e.At.UnixMilli()
	err := l.hooks.announce(ctx, e, func(channel string) bool {
		begin, begun := l.begins[channel]
		return begun && atMs >= begin
	})
	if err != nil {
		return err
	}
	l.announced[e.ID] = atMs
	l.added++
	return nil
}
