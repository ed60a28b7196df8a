package model

import (
	"context"
	"errors"
	"maps"
)

// States of a delivery.
const (
	DeliveryPending = "pending" // to be carried, or being carried
	DeliverySent    = "sent"
	DeliveryFailed  = "failed" // given up
)

// Delivery is a row of table delivery: one event on its way along one channel.
// It never holds a value or a secret. Instants are Unix milliseconds by the
// database's clock.
type Delivery struct {
	ID        int64
	Channel   string
	EventID   string
	EventType string
	AtMs      int64 // when the event was
	Body      string
	State     string
	Attempts  int
	Fence     int64
	Holder    string
	NextMs    int64
	QueuedMs  int64 // when it was added, or asked for again
	CreatedMs int64
	DoneMs    int64
	LastError string
}

const deliveryColumns = `d.id, d.channel, d.event_id, d.event_type, d.at_ms, d.body, d.state, d.attempts, d.fence, d.holder,
  d.next_ms, d.queued_ms, d.created_ms, d.done_ms, d.last_error`

// AddDelivery writes a delivery that is due at once. False means that the
// channel has this event already: any replica may add it, and it stands once.
func (s *Store) AddDelivery(ctx context.Context, d Delivery) (bool, error) {
	_, err := s.exec(ctx, "add a delivery", `
INSERT INTO delivery (channel, event_id, event_type, at_ms, body, state, next_ms, queued_ms, created_ms)
VALUES (@Channel, @EventID, @EventType, @AtMs, @Body, '`+DeliveryPending+`', NOWMS, NOWMS, NOWMS)`, d)
	if errors.Is(err, ErrDuplicate) {
		return false, nil
	}
	return err == nil, err
}

// DueChannels lists those of the channels given that have a due delivery.
func (s *Store) DueChannels(ctx context.Context, channels []string) ([]string, error) {
	var due []string
	err := s.query(ctx, `
SELECT DISTINCT d.channel FROM delivery d
WHERE d.state = '`+DeliveryPending+`' AND d.channel IN ? AND d.next_ms <= NOWMS`, channels).Scan(&due).Error
	return due, wrap("look for due deliveries", err)
}

// DeliveryNow is a delivery with the database clock of its reading.
type DeliveryNow struct {
	Delivery `gorm:"embedded"`
	NowMs    int64
}

// DueDeliveries reads the due deliveries of a channel, the longest due first.
func (s *Store) DueDeliveries(ctx context.Context, channel string, limit int) ([]DeliveryNow, error) {
	var rows []DeliveryNow
	err := s.query(ctx, "SELECT "+deliveryColumns+`, NOWMS AS now_ms FROM delivery d
WHERE d.state = '`+DeliveryPending+`' AND d.channel = ? AND d.next_ms <= NOWMS
ORDER BY d.next_ms LIMIT ?`, channel, limit).Scan(&rows).Error
	return rows, wrap("read due deliveries", err)
}

// DeliveryGrant names one claim on one delivery. Every write of the holder is
// guarded by it.
type DeliveryGrant struct {
	ID     int64
	Fence  int64  // fence the row had when it was read; the claim makes it Fence+1
	Holder string // the replica
}

// ClaimDelivery tries to take a due delivery for leaseMs milliseconds of
// database time; when they are over it is due again. After an error the outcome
// is open: then let the lease end.
func (s *Store) ClaimDelivery(ctx context.Context, g DeliveryGrant, leaseMs int64) (bool, error) {
	n, err := s.exec(ctx, "claim a delivery", `
UPDATE delivery SET fence=fence+1, attempts=attempts+1, holder=@Holder, next_ms=NOWMS+@Lease
WHERE id=@ID AND fence=@Fence AND state='`+DeliveryPending+`' AND next_ms<=NOWMS`, g.args(map[string]any{"Lease": leaseMs}))
	return n == 1, err
}

// ReleaseDelivery gives a claim back unused: the delivery is due at once, and
// the attempt does not count.
func (s *Store) ReleaseDelivery(ctx context.Context, g DeliveryGrant) (bool, error) {
	n, err := s.exec(ctx, "release a delivery", `
UPDATE delivery SET attempts=attempts-1, holder='', next_ms=NOWMS
WHERE id=@ID AND fence=@Fence + 1 AND holder=@Holder AND state='`+DeliveryPending+`'`, g.args(nil))
	return n == 1, err
}

// DeliveryEnd is how an attempt ended.
type DeliveryEnd struct {
	State     string // DeliveryPending: try again after BackoffMs
	BackoffMs int64
	Error     string // for administrators; never with a secret in it
}

// EndDelivery ends a claim. False means that it is no longer ours.
func (s *Store) EndDelivery(ctx context.Context, g DeliveryGrant, end DeliveryEnd) (bool, error) {
	n, err := s.exec(ctx, "end a delivery", `
UPDATE delivery SET state=@State, holder='', next_ms=NOWMS+@Backoff, last_error=@Error,
  done_ms=CASE WHEN @Done THEN NOWMS ELSE 0 END
WHERE id=@ID AND fence=@Fence + 1 AND holder=@Holder AND state='`+DeliveryPending+`'`,
		g.args(map[string]any{
			"State": end.State, "Done": end.State != DeliveryPending, "Backoff": end.BackoffMs, "Error": cut(end.Error, maxText),
		}))
	return n == 1, err
}

// RequeueDelivery makes a delivery that was sent or given up due again, as a
// new one is. False means that there is none, or that it is on its way.
func (s *Store) RequeueDelivery(ctx context.Context, id int64) (bool, error) {
	n, err := s.exec(ctx, "deliver again", requeueDelivery+" WHERE id=? AND state<>'"+DeliveryPending+"'", id)
	return n == 1, err
}

const requeueDelivery = `
UPDATE delivery SET state='` + DeliveryPending + `', attempts=0, holder='', next_ms=NOWMS, queued_ms=NOWMS, done_ms=0, last_error=''`

// DeliveryCount is how many deliveries of a channel are in a state, and since
// when the oldest of them.
type DeliveryCount struct {
	Channel  string
	State    string
	Count    int64
	OldestMs int64
}

// DeliveryCounts counts what is not sent: pending and failed deliveries.
func (s *Store) DeliveryCounts(ctx context.Context) ([]DeliveryCount, error) {
	var rows []DeliveryCount
	err := s.query(ctx, `
SELECT d.channel, d.state, COUNT(*) AS count, MIN(d.queued_ms) AS oldest_ms FROM delivery d
WHERE d.state IN ('`+DeliveryPending+`', '`+DeliveryFailed+`') GROUP BY d.channel, d.state ORDER BY d.channel, d.state`).Scan(&rows).Error
	return rows, wrap("count deliveries", err)
}

// AbandonDeliveries gives up what was queued before beforeMs for a channel that
// is none of those known: it was taken out of the configuration.
func (s *Store) AbandonDeliveries(ctx context.Context, known []string, beforeMs int64, text string) (int64, error) {
	return s.exec(ctx, "give up deliveries", `
UPDATE delivery SET state='`+DeliveryFailed+`', done_ms=NOWMS, last_error=?
WHERE state='`+DeliveryPending+`' AND next_ms<=NOWMS AND queued_ms<? AND channel NOT IN ?`,
		cut(text, maxText), beforeMs, append([]string{""}, known...))
}

// PurgeDeliveries deletes at most one chunk of deliveries that came to the state
// before beforeMs and tells how many went; 0 means that it is done.
func (s *Store) PurgeDeliveries(ctx context.Context, state string, beforeMs int64) (int64, error) {
	var ids []int64
	err := s.query(ctx, "SELECT d.id FROM delivery d WHERE d.state = ? AND d.done_ms < ? ORDER BY d.done_ms LIMIT ?",
		state, beforeMs, purgeChunk).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return 0, wrap("list old deliveries", err)
	}
	return s.exec(ctx, "purge deliveries", "DELETE FROM delivery WHERE id IN ? AND state = ?", ids, state)
}

// args are the named parameters of a statement about this claim.
func (g DeliveryGrant) args(more map[string]any) map[string]any {
	args := map[string]any{"ID": g.ID, "Fence": g.Fence, "Holder": g.Holder}
	maps.Copy(args, more)
	return args
}
