package model

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// What is done one after the other, over all replicas; rows of table turn.
const (
	turnAudit  = "audit"
	turnPeople = "people"
)

// errNotNow rolls a transaction back whose condition did not hold; it never
// leaves this package.
var errNotNow = errors.New("the condition did not hold")

// together runs statements in one transaction, the only one of this package: for
// what people do, where two rows must agree. What renews credentials needs none.
func (s *Store) together(ctx context.Context, steps func(tx *gorm.DB) error) error {
	return s.write.WithContext(ctx).Transaction(steps)
}

// taking runs steps in one transaction that first takes its turn: whoever else
// wants the same waits, and then sees what was done. On a cluster both may be
// let in; then the row of the turn makes the later one fail with ErrNotApplied.
// A step that answers errNotNow undoes everything: false, without an error.
func (s *Store) taking(ctx context.Context, turn, what string, steps func(tx *gorm.DB) error) (bool, error) {
	return s.wholly(ctx, what, func(tx *gorm.DB) error {
		result := tx.Exec("UPDATE turn SET seq = seq + 1 WHERE name = ?", turn)
		if result.Error == nil && result.RowsAffected == 0 {
			return fmt.Errorf("table turn has no row %q", turn)
		}
		if result.Error != nil {
			return result.Error
		}
		return steps(tx)
	})
}

// wholly runs steps in one transaction, again where the database refused it as a
// conflict. A step that answers errNotNow undoes everything: false, without an error.
func (s *Store) wholly(ctx context.Context, what string, steps func(tx *gorm.DB) error) (bool, error) {
	const tries = 20
	for range tries {
		err := wrap(what, s.together(ctx, steps))
		switch {
		case errors.Is(err, errNotNow):
			return false, nil
		case errors.Is(err, ErrNotApplied) && ctx.Err() == nil:
			continue
		}
		return err == nil, err
	}
	return false, fmt.Errorf("%s: %w: too many at once", what, ErrNotApplied)
}

// change runs a statement that must change a row, else errNotNow.
func (s *Store) change(tx *gorm.DB, statement string, args ...any) error {
	result := tx.Exec(s.sql(statement), args...)
	if result.Error == nil && result.RowsAffected == 0 {
		return errNotNow
	}
	return result.Error
}
