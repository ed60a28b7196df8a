package model

import (
	"context"
	"errors"
	"fmt"
)

// Throttle is a row of table sign_in_throttle: how often somebody at a network
// has tried a name without success.
type Throttle struct {
	NameHash string
	Network  string
	Tries    int
	UntilMs  int64 // no further try before
	ForgetMs int64 // as if the row were not there from then on
}

// Throttled reads the row with the database clock; where there is none, or one
// that is to be forgotten, Tries is 0.
func (s *Store) Throttled(ctx context.Context, nameHash, network string) (Throttle, int64, error) {
	// The left join gives one row with the clock even where nobody has tried.
	var row struct {
		Tries    *int
		UntilMs  int64
		ForgetMs int64
		NowMs    int64
	}
	err := s.query(ctx, `
SELECT n.now_ms, t.tries, COALESCE(t.until_ms, 0) AS until_ms, COALESCE(t.forget_ms, 0) AS forget_ms
FROM (SELECT NOWMS AS now_ms) n LEFT JOIN sign_in_throttle t ON t.name_hash = ? AND t.network = ?`, nameHash, network).Scan(&row).Error
	t := Throttle{NameHash: nameHash, Network: network, UntilMs: row.UntilMs, ForgetMs: row.ForgetMs}
	if row.Tries != nil {
		t.Tries = *row.Tries
	}
	return t, row.NowMs, wrap("read the sign-in throttle", err)
}

// CountTry replaces the row as it was read by the one after another try. False
// means that somebody else counted at the same time: read again.
func (s *Store) CountTry(ctx context.Context, was, is Throttle) (bool, error) {
	if was.Tries == 0 {
		_, err := s.exec(ctx, "count a sign-in", `
INSERT INTO sign_in_throttle (name_hash, network, tries, until_ms, forget_ms)
VALUES (@NameHash, @Network, @Tries, @UntilMs, @ForgetMs)`, is)
		if errors.Is(err, ErrDuplicate) {
			return false, nil
		}
		return err == nil, err
	}
	n, err := s.exec(ctx, "count a sign-in", `
UPDATE sign_in_throttle SET tries = ?, until_ms = ?, forget_ms = ?
WHERE name_hash = ? AND network = ? AND tries = ? AND until_ms = ? AND forget_ms = ?`,
		is.Tries, is.UntilMs, is.ForgetMs, is.NameHash, is.Network, was.Tries, was.UntilMs, was.ForgetMs)
	return n > 0, err
}

// ForgetTries drops the counts of a name: at one network, or at all of them
// where network is "".
func (s *Store) ForgetTries(ctx context.Context, nameHash, network string) error {
	_, err := s.exec(ctx, "forget sign-ins",
		"DELETE FROM sign_in_throttle WHERE name_hash = ? AND (? = '' OR network = ?)", nameHash, network, network)
	return err
}

// PurgeTries deletes at most one chunk of counts that no longer count and
// tells how many went; 0 means that it is done.
func (s *Store) PurgeTries(ctx context.Context) (int64, error) {
	var rows []Throttle
	err := s.query(ctx, `
SELECT name_hash, network FROM sign_in_throttle WHERE forget_ms <= NOWMS ORDER BY forget_ms LIMIT ?`, purgeChunk).Scan(&rows).Error
	if err != nil {
		return 0, wrap("list old sign-in counts", err)
	}
	for _, row := range rows {
		_, err := s.exec(ctx, "purge sign-in counts",
			"DELETE FROM sign_in_throttle WHERE name_hash = ? AND network = ? AND forget_ms <= NOWMS", row.NameHash, row.Network)
		if err != nil {
			return 0, fmt.Errorf("purge: %w", err)
		}
	}
	return int64(len(rows)), nil
}
