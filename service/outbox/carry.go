package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/panics"
)

const (
	// batch is how many due deliveries are read at once.
	batch = 50
	// abreast is how many deliveries of one channel are under way at once, on
	// each replica.
	abreast = 4
	// leaseSlack is what a claim lasts beyond the time that a delivery may take:
	// time for the note of its end, even if the database is slow.
	leaseSlack = 45 * time.Second
	// firstPause doubles with each attempt up to mostPause, both give or take a
	// fifth.
	firstPause = 10 * time.Second
	mostPause  = time.Hour
	// giveUpAfter is how long a delivery is tried; refusedAfter is the same for
	// one that the receiver refuses. It is not nothing because receivers refuse
	// while they are being set up or deployed.
	giveUpAfter  = 24 * time.Hour
	refusedAfter = time.Hour
)

// Scan looks for due deliveries and begins to carry them. Cron calls it; it does
// not wait for them.
func (b *Outbox) Scan(ctx context.Context) {
	if len(b.names) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	due, err := b.store.DueChannels(ctx, b.names)
	if err != nil {
		b.log.Warn("cannot look for due deliveries; they wait", "err", err)
		return
	}
	for _, name := range due {
		b.wake(b.channels[name])
	}
}

// wake begins to drain a channel, unless that is going on or Stop was called.
func (b *Outbox) wake(c Channel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.draining[c.Name()] || b.working.Err() != nil {
		return
	}
	b.draining[c.Name()] = true
	b.tasks.Go(func() {
		b.drain(c)
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.draining, c.Name())
	})
}

// drain carries what is due until nothing is, or until a whole batch has failed:
// then the next scan goes on.
func (b *Outbox) drain(c Channel) {
	for b.working.Err() == nil {
		ctx, cancel := context.WithTimeout(b.hard, dbTimeout)
		rows, err := b.store.DueDeliveries(ctx, c.Name(), batch)
		cancel()
		if err != nil {
			b.log.Warn("cannot read due deliveries; they wait", "channel", c.Name(), "err", err)
			return
		}
		if b.carryAll(c, rows) == 0 {
			return
		}
	}
}

// carryAll carries the rows, a few at a time, and tells how many arrived.
func (b *Outbox) carryAll(c Channel, rows []model.DeliveryNow) (sent int64) {
	var arrived atomic.Int64
	var group sync.WaitGroup
	room := make(chan struct{}, abreast)
	for i := range rows {
		room <- struct{}{}
		if b.working.Err() != nil {
			break
		}
		group.Go(func() {
			defer func() { <-room }()
			if b.carry(c, &rows[i]) {
				arrived.Add(1)
			}
		})
	}
	group.Wait()
	return arrived.Load()
}

// carry claims one delivery, makes it and notes how that went.
func (b *Outbox) carry(c Channel, row *model.DeliveryNow) (sent bool) {
	grant := model.DeliveryGrant{ID: row.ID, Fence: row.Fence, Holder: b.replica}
	read := time.Now()
	ctx, cancel := context.WithTimeout(b.hard, dbTimeout)
	won, err := b.store.ClaimDelivery(ctx, grant, (b.timeout + leaseSlack).Milliseconds())
	cancel()
	if err != nil || !won {
		return false // another replica has it, or the next scan comes to it
	}
	err = b.deliver(c, &row.Delivery)
	if err != nil && b.hard.Err() != nil {
		b.giveBack(grant)
		return false
	}
	age := time.Duration(row.NowMs-row.QueuedMs)*time.Millisecond + time.Since(read)
	end := endOf(err, row.Attempts+1, age)
	b.report(row, end, err)
	b.note(grant, end)
	return err == nil
}

// deliver hands the message to its channel. A channel that panics has failed.
func (b *Outbox) deliver(c Channel, d *model.Delivery) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			b.log.Error("a channel panicked", "channel", d.Channel, "event", d.EventID,
				"err", "panic: "+panics.Describe(fault), "stack", string(debug.Stack()))
			err = errors.New("the channel panicked; the log says where")
		}
	}()
	ctx, cancel := context.WithTimeout(b.hard, b.timeout)
	defer cancel()
	return c.Deliver(ctx, Message{
		EventID: d.EventID, Channel: d.Channel, Type: d.EventType, At: time.UnixMilli(d.AtMs), Body: []byte(d.Body),
	})
}

// endOf decides what becomes of a delivery after so many attempts in such a time.
func endOf(err error, attempts int, age time.Duration) model.DeliveryEnd {
	patience := giveUpAfter
	if errors.Is(err, ErrRefused) {
		patience = refusedAfter
	}
	switch {
	case err == nil:
		return model.DeliveryEnd{State: model.DeliverySent}
	case age >= patience:
		return model.DeliveryEnd{State: model.DeliveryFailed, Error: err.Error()}
	}
	wait := pause(attempts)
	if later, ok := errors.AsType[*LaterError](err); ok {
		wait = max(wait, min(later.After, mostPause))
	}
	return model.DeliveryEnd{State: model.DeliveryPending, BackoffMs: wait.Milliseconds(), Error: err.Error()}
}

// pause is the time until the next attempt, give or take a fifth, so that what
// failed together does not come back together.
func pause(attempts int) time.Duration {
	doublings := min(max(attempts-1, 0), 10)
	wait := min(firstPause<<doublings, mostPause)
	return wait*4/5 + rand.N(wait*2/5+1) //nolint:gosec // spreads load, hides nothing
}

// report tells the first failure and the last; the row knows those between.
func (b *Outbox) report(row *model.DeliveryNow, end model.DeliveryEnd, err error) {
	switch {
	case end.State == model.DeliveryFailed:
		b.log.Error("a delivery is given up after its last try; mend the receiver, then what comes next arrives",
			"channel", row.Channel, "event", row.EventID, "type", row.EventType, "attempts", row.Attempts+1, "err", err)
	case err != nil && row.Attempts == 0:
		b.log.Warn("a delivery failed and is tried again", "channel", row.Channel, "event", row.EventID, "type", row.EventType, "err", err)
	}
}

// noteTries is how often the end of a delivery is written before its claim is
// left to end: then it is made a second time.
const noteTries = 3

func (b *Outbox) note(g model.DeliveryGrant, end model.DeliveryEnd) {
	var err error
	for try := range noteTries {
		if try > 0 {
			time.Sleep(time.Second)
		}
		// Not below hard: what has arrived must be noted even at the very end.
		ctx, cancel := context.WithTimeout(context.Background(), dbTimeout)
		_, err = b.store.EndDelivery(ctx, g, end)
		cancel()
		if err == nil {
			return
		}
		if b.hard.Err() != nil {
			break
		}
	}
	b.log.Warn("cannot note how a delivery ended; it may be made again", "delivery", g.ID, "state", end.State, "err", err)
}

// giveBack is for a delivery that was broken off.
func (b *Outbox) giveBack(g model.DeliveryGrant) {
	ctx, cancel := context.WithTimeout(context.Background(), dbTimeout)
	defer cancel()
	if _, err := b.store.ReleaseDelivery(ctx, g); err != nil {
		b.log.Warn("cannot give a delivery back; it is due again when its claim ends", "delivery", g.ID, "err", fmt.Errorf("give back: %w", err))
	}
}
