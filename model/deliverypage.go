package model

import (
	"cmp"
	"context"
	"slices"
)

// DeliveryKey is a place in the list of deliveries, which is ordered by the time
// of their adding and then id. The zero key is the newest end.
type DeliveryKey struct {
	CreatedMs int64
	ID        int64
}

// DeliveryFilter says which deliveries are wanted; "" does not matter.
type DeliveryFilter struct {
	Channel string
	State   string
}

// DeliveryStates are all words of the column, in the order in which a delivery
// comes to them.
func DeliveryStates() []string { return []string{DeliveryPending, DeliverySent, DeliveryFailed} }

// DeliveryPage reads at most limit deliveries that come after the given place,
// newest first, and where to go on, nil at the end.
func (s *Store) DeliveryPage(ctx context.Context, f DeliveryFilter, after DeliveryKey, limit int) ([]Delivery, *DeliveryKey, error) {
	var rows []Delivery
	for _, part := range f.parts() {
		more, err := s.deliveryPart(ctx, part, after, limit+1)
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, more...)
	}
	slices.SortStableFunc(rows, func(a, b Delivery) int {
		return cmp.Or(cmp.Compare(b.CreatedMs, a.CreatedMs), cmp.Compare(b.ID, a.ID))
	})
	rows = slices.CompactFunc(rows, func(a, b Delivery) bool { return a.ID == b.ID })
	if len(rows) <= limit {
		return rows, nil, nil
	}
	rows = rows[:limit]
	return rows, &DeliveryKey{rows[limit-1].CreatedMs, rows[limit-1].ID}, nil
}

// parts are filters that an index answers each: a channel has one together with a
// state. A delivery that goes from one state to the next meanwhile is found
// twice at most, and never missed.
func (f DeliveryFilter) parts() []DeliveryFilter {
	if f.Channel == "" || f.State != "" {
		return []DeliveryFilter{f}
	}
	var parts []DeliveryFilter
	for _, state := range DeliveryStates() {
		parts = append(parts, DeliveryFilter{f.Channel, state})
	}
	return parts
}

func (s *Store) deliveryPart(ctx context.Context, f DeliveryFilter, after DeliveryKey, limit int) ([]Delivery, error) {
	index := "delivery_created"
	var where conditions
	if f.State != "" {
		index = "delivery_state"
		where.add([]string{"d.state = ?"}, f.State)
	}
	if f.Channel != "" {
		index = "delivery_channel"
		where.add([]string{"d.channel = ?"}, f.Channel)
	}
	if after != (DeliveryKey{}) {
		where.add([]string{"d.created_ms <= ?", "(d.created_ms < ? OR d.id < ?)"}, after.CreatedMs, after.CreatedMs, after.ID)
	}
	var rows []Delivery
	err := s.query(ctx, "SELECT "+deliveryColumns+" FROM delivery d "+s.along(index)+where.text()+
		" ORDER BY d.created_ms DESC, d.id DESC LIMIT ?", append(where.args, limit)...).Scan(&rows).Error
	return rows, wrap("read deliveries", err)
}

// Delivery reads one delivery. It fails with ErrNotFound.
func (s *Store) Delivery(ctx context.Context, id int64) (Delivery, error) {
	var rows []Delivery
	err := s.query(ctx, "SELECT "+deliveryColumns+" FROM delivery d WHERE d.id = ?", id).Scan(&rows).Error
	switch {
	case err != nil:
		return Delivery{}, wrap("read a delivery", err)
	case len(rows) == 0:
		return Delivery{}, ErrNotFound
	}
	return rows[0], nil
}

// RequeueFailed makes at most limit given-up deliveries of a channel due again,
// the oldest first, and tells how many.
func (s *Store) RequeueFailed(ctx context.Context, channel string, limit int) (int64, error) {
	var ids []int64
	err := s.query(ctx, "SELECT d.id FROM delivery d "+s.along("delivery_channel")+
		" WHERE d.channel = ? AND d.state = '"+DeliveryFailed+"' ORDER BY d.created_ms, d.id LIMIT ?", channel, limit).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return 0, wrap("list what was given up", err)
	}
	return s.exec(ctx, "deliver again", requeueDelivery+" WHERE id IN ? AND state = '"+DeliveryFailed+"'", ids)
}
