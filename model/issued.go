package model

import (
	"context"
	"errors"
	"strings"
)

// AddIssued remembers by its hash that an access_token was issued to an
// account. A repetition changes nothing.
func (s *Store) AddIssued(ctx context.Context, valueHash, appID string, issuedMs int64) error {
	_, err := s.exec(ctx, "remember an issued token", `
INSERT INTO issued_token (value_hash, app_id, issued_ms) VALUES (?, ?, ?)`, valueHash, appID, issuedMs)
	if errors.Is(err, ErrDuplicate) {
		return nil
	}
	return err
}

// addAllIssued remembers the tokens that rows of history brought, by one
// statement: all or none. It fails with ErrDuplicate where one is known.
func (s *Store) addAllIssued(ctx context.Context, rows []History) error {
	var places []string
	var args []any
	for i := range rows {
		if h := &rows[i]; h.ValueHash != "" {
			places = append(places, "(?, ?, ?)")
			args = append(args, h.ValueHash, h.AppID, h.IssuedMs)
		}
	}
	if len(places) == 0 {
		return nil
	}
	_, err := s.exec(ctx, "remember issued tokens", "INSERT INTO issued_token (value_hash, app_id, issued_ms) VALUES "+strings.Join(places, ", "), args...)
	return err
}

// IssuedTo reads the account that a token of this hash was issued to within the
// last withinMs milliseconds, or ErrNotFound.
func (s *Store) IssuedTo(ctx context.Context, valueHash string, withinMs int64) (appID string, err error) {
	var appIDs []string
	err = s.query(ctx, "SELECT app_id FROM issued_token WHERE value_hash=? AND issued_ms>NOWMS-?", valueHash, withinMs).Scan(&appIDs).Error
	if err != nil {
		return "", wrap("look for an issued token", err)
	}
	if len(appIDs) == 0 {
		return "", ErrNotFound
	}
	return appIDs[0], nil
}

// issuedKept is how long hashes of issued tokens are kept, in milliseconds:
// longer than anybody asks for, and than a clock may step.
const issuedKept = 24 * 3_600_000

// PurgeIssued deletes at most one chunk of hashes that nobody asks for any more
// and tells how many went; 0 means that it is done.
func (s *Store) PurgeIssued(ctx context.Context) (int64, error) {
	var hashes []string
	err := s.query(ctx, "SELECT value_hash FROM issued_token WHERE issued_ms < NOWMS - ? ORDER BY issued_ms LIMIT ?", issuedKept, purgeChunk).Scan(&hashes).Error
	if err != nil || len(hashes) == 0 {
		return 0, wrap("list old issued tokens", err)
	}
	return s.exec(ctx, "purge issued tokens", "DELETE FROM issued_token WHERE value_hash IN ?", hashes)
}
