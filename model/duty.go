package model

import (
	"context"
	"errors"
)

// What one replica does for all; rows of table alert_duty, whose first was that of
// the alerts.
const (
	dutyLook  = "look"  // for troubles
	dutyPurge = "purge" // old history
)

// TakePurgeDuty takes or keeps the duty to delete old history, for leaseMs
// milliseconds of database time. False means that another replica has it. The first
// one of all writes its row.
func (s *Store) TakePurgeDuty(ctx context.Context, holder string, leaseMs int64) (bool, error) {
	taken, err := s.takeDuty(ctx, dutyPurge, holder, leaseMs)
	if taken || err != nil {
		return taken, err
	}
	n, err := s.exec(ctx, "take the first duty "+dutyPurge, `
INSERT INTO alert_duty (name, holder, until_ms) SELECT @Duty, @Holder, NOWMS + @Lease FROM alert_duty
WHERE name = @Look AND NOT EXISTS (SELECT 1 FROM alert_duty WHERE name = @Duty)`,
		map[string]any{"Duty": dutyPurge, "Holder": holder, "Lease": leaseMs, "Look": dutyLook})
	if errors.Is(err, ErrDuplicate) {
		return false, nil
	}
	return n == 1, err
}

// LeavePurgeDuty gives the duty back, for another replica to take at once.
func (s *Store) LeavePurgeDuty(ctx context.Context, holder string) error {
	return s.leaveDuty(ctx, dutyPurge, holder)
}

// takeDuty takes or keeps a duty that has its row. A lease that ends far in the
// future is the trace of a clock that was set back.
func (s *Store) takeDuty(ctx context.Context, duty, holder string, leaseMs int64) (bool, error) {
	n, err := s.exec(ctx, "take the duty "+duty, `
UPDATE alert_duty SET holder=@Holder, until_ms=NOWMS+@Lease
WHERE name=@Duty AND (holder=@Holder OR until_ms<=NOWMS OR until_ms>NOWMS+2*@Lease)`,
		map[string]any{"Duty": duty, "Holder": holder, "Lease": leaseMs})
	return n == 1, err
}

func (s *Store) leaveDuty(ctx context.Context, duty, holder string) error {
	_, err := s.exec(ctx, "leave the duty "+duty, "UPDATE alert_duty SET until_ms=0 WHERE name=? AND holder=?", duty, holder)
	return err
}
