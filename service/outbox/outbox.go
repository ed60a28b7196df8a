// Package outbox carries messages to programs and people outside, by way of the
// database: a message that was added is delivered even if every process ends
// right after.
//
// Each message is a row, unique by channel and event, so any replica may add the
// same event and it goes out once. Every replica looks for due rows and claims
// one before it carries it; a claim ends by itself when its holder dies. So a
// delivery can happen twice only where a process ends, or the database goes
// away, between the receiver's answer and the note of it: receivers tell a
// repetition by the event's id.
//
// What fails is tried again with a growing pause for a day and then given up,
// for people to see and to send again. The order of messages is not kept.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/wxsign/wxsign/model"
)

var (
	// ErrUnknownChannel says that a message is for a channel that is not here.
	ErrUnknownChannel = errors.New("no such channel")
	// ErrRefused is wrapped by a channel whose receiver has understood the
	// message and does not want it: time rarely helps, so it is given up early.
	ErrRefused = errors.New("the receiver refuses the message")
)

// LaterError is a failure after which the receiver says when to come again.
type LaterError struct {
	After time.Duration
	Err   error
}

// Error implements error.
func (l *LaterError) Error() string { return l.Err.Error() }

// Unwrap is the failure itself.
func (l *LaterError) Unwrap() error { return l.Err }

// Message is one event for one channel.
type Message struct {
	EventID string // the same on every replica and at every repetition; at most 96 letters
	Channel string // the Name of a channel
	Type    string // credential.renewed, alert.raised, …
	At      time.Time
	Body    []byte // what is delivered, 60,000 bytes at most; never with a value or a secret
}

// Channel is a way out. Its name stays the same over restarts and is at most 96
// letters long.
type Channel interface {
	Name() string
	// Deliver carries one message. Its error is shown to administrators, so it
	// never holds a secret; ErrRefused and LaterError say what to do next.
	Deliver(ctx context.Context, m Message) error
}

// Store is what an outbox needs of the database.
type Store interface {
	AddDelivery(ctx context.Context, d model.Delivery) (bool, error)
	DueChannels(ctx context.Context, channels []string) ([]string, error)
	DueDeliveries(ctx context.Context, channel string, limit int) ([]model.DeliveryNow, error)
	ClaimDelivery(ctx context.Context, g model.DeliveryGrant, leaseMs int64) (bool, error)
	ReleaseDelivery(ctx context.Context, g model.DeliveryGrant) (bool, error)
	EndDelivery(ctx context.Context, g model.DeliveryGrant, end model.DeliveryEnd) (bool, error)
	RequeueDelivery(ctx context.Context, id int64) (bool, error)
	RequeueFailed(ctx context.Context, channel string, limit int) (int64, error)
	DeliveryPage(ctx context.Context, f model.DeliveryFilter, after model.DeliveryKey, limit int) ([]model.Delivery, *model.DeliveryKey, error)
	Delivery(ctx context.Context, id int64) (model.Delivery, error)
	DeliveryCounts(ctx context.Context) ([]model.DeliveryCount, error)
	AbandonDeliveries(ctx context.Context, known []string, beforeMs int64, text string) (int64, error)
	PurgeDeliveries(ctx context.Context, state string, beforeMs int64) (int64, error)
	Now(ctx context.Context) (int64, error)
}

// Options of New. Zero fields mean: Timeout 15s, Logger = slog.Default().
type Options struct {
	Store    Store
	Channels []Channel // none = nothing is ever carried
	Replica  string    // this process among the replicas
	Timeout  time.Duration
	Logger   *slog.Logger
}

// Outbox is safe for concurrent use. Scan and Purge are for the scheduler.
type Outbox struct {
	store    Store
	channels map[string]Channel
	names    []string
	replica  string
	timeout  time.Duration
	log      *slog.Logger

	working context.Context // nothing begins after its end
	retire  context.CancelFunc
	hard    context.Context // nothing goes on after its end
	abandon context.CancelFunc

	mu       sync.Mutex
	draining map[string]bool
	tasks    sync.WaitGroup // spawned under mu, and only while working
}

// dbTimeout bounds one statement.
const dbTimeout = 5 * time.Second

// The longest names and the largest body that the table takes.
const (
	mostName = 96
	mostType = 64
	mostBody = 60_000
)

// New checks the channels: each needs a name of its own.
func New(o Options) (*Outbox, error) {
	if o.Store == nil || o.Replica == "" {
		return nil, errors.New("outbox: Store and Replica must be set")
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	b := &Outbox{
		store: o.Store, channels: make(map[string]Channel, len(o.Channels)), replica: o.Replica, timeout: o.Timeout, log: o.Logger,
		draining: map[string]bool{},
	}
	for _, c := range o.Channels {
		name := c.Name()
		if name == "" || len(name) > mostName || b.channels[name] != nil {
			return nil, fmt.Errorf("outbox: a channel is named %q: a name is needed, of %d letters at most, and only once", name, mostName)
		}
		b.channels[name] = c
		b.names = append(b.names, name)
	}
	b.working, b.retire = context.WithCancel(context.Background())
	b.hard, b.abandon = context.WithCancel(context.Background())
	return b, nil
}

// Add puts a message on its way; it is carried soon after, by whichever replica
// is first. Adding the same event for the same channel again changes nothing.
func (b *Outbox) Add(ctx context.Context, m Message) error {
	switch {
	case b.channels[m.Channel] == nil:
		return fmt.Errorf("add event %s for %q: %w", m.EventID, m.Channel, ErrUnknownChannel)
	case m.EventID == "" || len(m.EventID) > mostName || m.Type == "" || len(m.Type) > mostType:
		return fmt.Errorf("add event %q of type %q: an id of 1 to %d and a type of 1 to %d letters are needed", m.EventID, m.Type, mostName, mostType)
	case len(m.Body) > mostBody:
		return fmt.Errorf("add event %s: its body of %d bytes is longer than %d", m.EventID, len(m.Body), mostBody)
	}
	_, err := b.store.AddDelivery(ctx, model.Delivery{
		Channel: m.Channel, EventID: m.EventID, EventType: m.Type, AtMs: m.At.UnixMilli(), Body: string(m.Body),
	})
	return err
}

// Stop begins nothing new and lets deliveries under way end. When ctx ends
// first they are broken off and given back, for another replica or the next
// start.
func (b *Outbox) Stop(ctx context.Context) error {
	b.mu.Lock()
	b.retire()
	b.mu.Unlock()
	drop := context.AfterFunc(ctx, b.abandon)
	defer drop()
	defer b.abandon()
	b.tasks.Wait()
	if b.hard.Err() != nil {
		return fmt.Errorf("outbox: deliveries were broken off; they are made by another replica or after the next start: %w", ctx.Err())
	}
	return nil
}
