package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
)

// What the audit log says.
const (
	ActionSendAgain    audit.Action = "send_again"     // one delivery
	ActionSendAllAgain audit.Action = "send_all_again" // what a receiver did not get
)

var (
	// ErrNoDelivery says that there is no delivery of this id any more.
	ErrNoDelivery = errors.New("there is no such delivery")
	// ErrOnItsWay says that a delivery goes out without being asked for.
	ErrOnItsWay = errors.New("this delivery is on its way")
)

// PageSize is how many deliveries a page of the desk has.
const PageSize = 50

// mostAgain is how many deliveries go out again at once: a receiver that has been
// away for a day is not drowned.
const mostAgain = 500

// Recorder writes the audit log; *audit.Log is one.
type Recorder interface {
	Record(ctx context.Context, e audit.Entry) error
}

// DeskOptions of NewDesk; all but Labels are needed.
type DeskOptions struct {
	Box   *Outbox
	Audit Recorder
	// Labels are the channels as people know them, by name. A channel without one
	// is shown by its name.
	Labels map[string]string
}

// Desk is what people do with deliveries. It is safe for concurrent use.
type Desk struct {
	box    *Outbox
	audit  Recorder
	labels map[string]string
}

// NewDesk checks the options.
func NewDesk(o DeskOptions) (*Desk, error) {
	if o.Box == nil || o.Audit == nil {
		return nil, errors.New("outbox: a desk needs Box and Audit")
	}
	return &Desk{box: o.Box, audit: o.Audit, labels: o.Labels}, nil
}

// Receiver is a channel as people see it.
type Receiver struct{ Name, Label string }

// Receivers lists those of the configuration, in its order.
func (d *Desk) Receivers() []Receiver {
	list := make([]Receiver, 0, len(d.box.names))
	for _, name := range d.box.names {
		list = append(list, Receiver{name, d.Label(name)})
	}
	return list
}

// Label is a channel as people know it, else its name: of one that the
// configuration has no more there is nothing else.
func (d *Desk) Label(channel string) string {
	if label := d.labels[channel]; label != "" {
		return label
	}
	return channel
}

// Carried reports whether this configuration has the channel: what is for
// another one waits in vain.
func (d *Desk) Carried(channel string) bool { return slices.Contains(d.box.names, channel) }

// Page reads a page of deliveries, as Outbox.List does.
func (d *Desk) Page(ctx context.Context, f Filter, place string) (Page, error) {
	return d.box.List(ctx, f, place, PageSize)
}

// Entry reads one delivery. It fails with ErrNoDelivery.
func (d *Desk) Entry(ctx context.Context, id int64) (Entry, error) {
	row, err := d.box.store.Delivery(ctx, id)
	if errors.Is(err, model.ErrNotFound) {
		return Entry{}, ErrNoDelivery
	}
	if err != nil {
		return Entry{}, err
	}
	return entryOf(&row), nil
}

// SendAgain makes a delivery that was sent or given up once more, with the same
// event id; by says who asks. It fails with ErrNoDelivery, ErrUnknownChannel and ErrOnItsWay, and
// where the audit log cannot be written.
func (d *Desk) SendAgain(ctx context.Context, id int64, by audit.Entry) error {
	entry, err := d.Entry(ctx, id)
	switch {
	case err != nil:
		return err
	case entry.State == Pending:
		return ErrOnItsWay
	case !d.Carried(entry.Channel):
		return ErrUnknownChannel
	}
	if err := d.record(ctx, by, ActionSendAgain, fmt.Sprintf("%d %s %s", id, entry.Type, d.Label(entry.Channel))); err != nil {
		return err
	}
	again, err := d.box.Again(ctx, id)
	if err == nil && !again {
		return ErrOnItsWay // somebody was faster
	}
	return err
}

// SendAllAgain makes what was given up for a receiver once more, the oldest
// first, and tells how many; more says that there may be others. It fails with
// ErrUnknownChannel, and where the audit log cannot be written.
func (d *Desk) SendAllAgain(ctx context.Context, channel string, by audit.Entry) (count int64, more bool, err error) {
	if !d.Carried(channel) {
		return 0, false, ErrUnknownChannel
	}
	if err := d.record(ctx, by, ActionSendAllAgain, d.Label(channel)); err != nil {
		return 0, false, err
	}
	count, err = d.box.store.RequeueFailed(ctx, channel, mostAgain)
	return count, count >= mostAgain, err
}

func (d *Desk) record(ctx context.Context, by audit.Entry, action audit.Action, target string) error {
	by.Action, by.Target = action, target
	return d.audit.Record(ctx, by)
}
