package model

import (
	"context"
	"errors"
)

// KeyCheck is a row of table master_key: a known text sealed with a master
// key, so that a wrong key is noticed at the start and not at the first use.
type KeyCheck struct {
	KeyID    string
	CheckEnc []byte
}

// KeyChecks reads all rows, the oldest first.
func (s *Store) KeyChecks(ctx context.Context) ([]KeyCheck, error) {
	var rows []KeyCheck
	err := s.query(ctx, "SELECT key_id, check_enc FROM master_key ORDER BY created_ms, key_id").Scan(&rows).Error
	return rows, wrap("read the key check", err)
}

// AddKeyCheck adds the row of a key; it changes nothing where it is there.
func (s *Store) AddKeyCheck(ctx context.Context, k KeyCheck) error {
	_, err := s.exec(ctx, "write the key check",
		"INSERT INTO master_key (key_id, check_enc, created_ms) VALUES (@KeyID, @CheckEnc, NOWMS)", k)
	if errors.Is(err, ErrDuplicate) {
		return nil
	}
	return err
}

// GiveUpKey ends the stored tokens and tickets that the key sealed, so that they
// are fetched anew, and deletes the row of the key. It is for a key that nobody
// has any more; no row is no error.
func (s *Store) GiveUpKey(ctx context.Context, keyID string) error {
	key := struct{ KeyID string }{keyID}
	if _, err := s.exec(ctx, "end what a lost key sealed", endValues+" WHERE key_id = @KeyID", key); err != nil {
		return err
	}
	_, err := s.exec(ctx, "delete the key check", "DELETE FROM master_key WHERE key_id = @KeyID", key)
	return err
}
