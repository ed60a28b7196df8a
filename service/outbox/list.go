package outbox

import (
	"context"
	"errors"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/purge"
)

// States of an Entry.
const (
	Pending = model.DeliveryPending // on its way
	Sent    = model.DeliverySent
	Failed  = model.DeliveryFailed // given up
)

// Entry is a delivery as the panel shows it.
type Entry struct {
	ID        int64
	Channel   string
	EventID   string
	Type      string
	At        time.Time // when the event was
	Body      string
	State     string
	Attempts  int
	NextTry   time.Time // zero unless it is on its way
	Added     time.Time
	Done      time.Time // sent or given up; zero before
	LastError string
}

// Filter says which entries are wanted; "" does not matter.
type Filter struct {
	Channel string
	State   string
}

// States lists all states, in the order in which a delivery comes to them.
func States() []string { return model.DeliveryStates() }

// ErrPlace says that a place to go on from is not one that a page gave out.
var ErrPlace = errors.New("there is no such place among the deliveries")

// Page is a part of the deliveries, newest first.
type Page struct {
	Entries []Entry
	Next    string // the place of the page after this one, "" at the end
}

// List reads at most limit deliveries from a place that another page named, or
// the newest where place is "". It fails with ErrPlace or the database's error.
func (b *Outbox) List(ctx context.Context, f Filter, place string, limit int) (Page, error) {
	after, err := parsePlace(place)
	if err != nil {
		return Page{}, err
	}
	rows, next, err := b.store.DeliveryPage(ctx, model.DeliveryFilter(f), after, limit)
	if err != nil {
		return Page{}, err
	}
	page := Page{Entries: make([]Entry, 0, len(rows))}
	for i := range rows {
		page.Entries = append(page.Entries, entryOf(&rows[i]))
	}
	if next != nil {
		page.Next = model.FormatPlace(next.CreatedMs, next.ID)
	}
	return page, nil
}

func parsePlace(text string) (model.DeliveryKey, error) {
	if text == "" {
		return model.DeliveryKey{}, nil
	}
	createdMs, id, ok := model.ParsePlace(text)
	if !ok {
		return model.DeliveryKey{}, ErrPlace
	}
	return model.DeliveryKey{CreatedMs: createdMs, ID: id}, nil
}

func entryOf(d *model.Delivery) Entry {
	e := Entry{
		ID: d.ID, Channel: d.Channel, EventID: d.EventID, Type: d.EventType, At: time.UnixMilli(d.AtMs), Body: d.Body,
		State: d.State, Attempts: d.Attempts, Added: time.UnixMilli(d.CreatedMs), LastError: d.LastError,
	}
	if d.State == model.DeliveryPending {
		e.NextTry = time.UnixMilli(d.NextMs)
	}
	if d.DoneMs != 0 {
		e.Done = time.UnixMilli(d.DoneMs)
	}
	return e
}

// Again makes a delivery that was sent or given up once more, with the same
// event id. False means that there is none such, or that it is on its way.
func (b *Outbox) Again(ctx context.Context, id int64) (bool, error) {
	return b.store.RequeueDelivery(ctx, id)
}

// Count is how many deliveries of a channel are not sent.
type Count struct {
	Channel string
	State   string // Pending or Failed
	Count   int64
	Oldest  time.Time // when the oldest of them was added, or asked for again
}

// Counts counts by channel and state what is not sent.
func (b *Outbox) Counts(ctx context.Context) ([]Count, error) {
	rows, err := b.store.DeliveryCounts(ctx)
	counts := make([]Count, 0, len(rows))
	for _, row := range rows {
		counts = append(counts, Count{Channel: row.Channel, State: row.State, Count: row.Count, Oldest: time.UnixMilli(row.OldestMs)})
	}
	return counts, err
}

const (
	// keepSent and keepFailed are how long people can look a delivery up. For
	// that long, too, an event that is found again is known to be one.
	keepSent   = 7 * 24 * time.Hour
	keepFailed = 30 * 24 * time.Hour
)

// Purge gives up what no channel carries any more and deletes what is old, in
// small steps. Cron calls it.
func (b *Outbox) Purge(ctx context.Context) {
	nowMs, err := b.store.Now(ctx)
	if err == nil {
		_, err = b.store.AbandonDeliveries(ctx, b.names, nowMs-giveUpAfter.Milliseconds(),
			"nobody carries it: this channel is not in the configuration any more")
	}
	for state, keep := range map[string]time.Duration{Sent: keepSent, Failed: keepFailed} {
		if err == nil {
			_, err = purge.All(ctx, func(ctx context.Context) (int64, error) {
				return b.store.PurgeDeliveries(ctx, state, nowMs-keep.Milliseconds())
			})
		}
	}
	if err != nil {
		b.log.Warn("cannot purge old deliveries; the next run goes on", "err", err)
	}
}
