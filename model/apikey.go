package model

import (
	"context"
	"errors"
	"fmt"
)

// APIKey is a row of table api_key. The key itself is not in it.
type APIKey struct {
	ID          string // at most 10 bytes
	Name        string
	KeyHash     string // 64 hex digits
	Scopes      Strings
	Accounts    Strings
	CIDRs       Strings `gorm:"column:cidrs"`
	CreatedMs   int64
	CreatedBy   string
	ExpiresMs   int64 // 0 = does not
	RevokedMs   int64 // 0 = is not
	UsedMs      int64 // last, exact to a minute; 0 = never
	UsedAddress string
}

const apiKeyColumns = `id, name, key_hash, scopes, accounts, cidrs, created_ms, created_by,
  expires_ms, revoked_ms, used_ms, used_address`

// apiKeySlots are the places for live keys of one name: the one in use, and the
// one that replaces it.
const apiKeySlots = 2

// AddAPIKey stores a new key that ends lifeMs from now; 0 = it does not. It
// fails with ErrDuplicate where the name has two live keys already. Which slot
// is free is decided by a unique index, so two callers cannot take the same one.
func (s *Store) AddAPIKey(ctx context.Context, k APIKey, lifeMs int64) error {
	_, err := s.exec(ctx, "free the slots of expired API keys", `
UPDATE api_key SET slot=NULL WHERE name=? AND slot IS NOT NULL AND expires_ms>0 AND expires_ms<=NOWMS`, k.Name)
	for slot := 1; err == nil && slot <= apiKeySlots; slot++ {
		_, err = s.exec(ctx, "add an API key", `
INSERT INTO api_key (id, name, slot, key_hash, scopes, accounts, cidrs, rev, created_ms, created_by,
  expires_ms, revoked_ms, used_ms, used_address)
VALUES (@ID, @Name, @Slot, @Hash, @Scopes, @Accounts, @CIDRs, 1, NOWMS, @By,
  CASE WHEN @Life = 0 THEN 0 ELSE NOWMS + @Life END, 0, 0, '')`,
			map[string]any{
				"ID": k.ID, "Name": k.Name, "Slot": slot, "Hash": k.KeyHash, "Scopes": k.Scopes, "Accounts": k.Accounts,
				"CIDRs": k.CIDRs, "By": k.CreatedBy, "Life": lifeMs,
			})
		if err == nil {
			return nil
		}
		if errors.Is(err, ErrDuplicate) && slot < apiKeySlots {
			err = nil
		}
	}
	return err
}

// RevokeAPIKey ends a key for good. False: there is no such key, or it was
// revoked before.
func (s *Store) RevokeAPIKey(ctx context.Context, id string) (bool, error) {
	n, err := s.exec(ctx, "revoke an API key", `
UPDATE api_key SET revoked_ms=NOWMS, slot=NULL, rev=rev+1 WHERE id=? AND revoked_ms=0`, id)
	return n == 1, err
}

// APIKeys lists all keys there ever were by name, the newest of a name first,
// with the database clock.
func (s *Store) APIKeys(ctx context.Context) ([]APIKey, int64, error) {
	return s.apiKeys(ctx, "ORDER BY name, created_ms DESC, id")
}

// LiveAPIKeys lists the keys that may be used now, with the database clock.
func (s *Store) LiveAPIKeys(ctx context.Context) ([]APIKey, int64, error) {
	return s.apiKeys(ctx, "WHERE revoked_ms=0 AND (expires_ms=0 OR expires_ms>NOWMS)")
}

// LiveAPIKey reads a key that may be used now by its hash, with the database
// clock, or fails with ErrNotFound.
func (s *Store) LiveAPIKey(ctx context.Context, hash string) (APIKey, int64, error) {
	rows, nowMs, err := s.apiKeys(ctx, "WHERE key_hash=? AND revoked_ms=0 AND (expires_ms=0 OR expires_ms>NOWMS)", hash)
	if err == nil && len(rows) == 0 {
		err = fmt.Errorf("API key: %w", ErrNotFound)
	}
	if err != nil {
		return APIKey{}, nowMs, err
	}
	return rows[0], nowMs, nil
}

func (s *Store) apiKeys(ctx context.Context, tail string, args ...any) ([]APIKey, int64, error) {
	var rows []struct {
		APIKey `gorm:"embedded"`
		NowMs  int64
	}
	err := s.query(ctx, "SELECT "+apiKeyColumns+", NOWMS AS now_ms FROM api_key "+tail, args...).Scan(&rows).Error
	if err != nil {
		return nil, 0, wrap("read API keys", err)
	}
	keys, nowMs := make([]APIKey, 0, len(rows)), int64(0)
	for i := range rows {
		keys, nowMs = append(keys, rows[i].APIKey), rows[i].NowMs
	}
	return keys, nowMs, nil
}

// APIKeysMark changes with every key that is added or revoked, and never takes
// a value that it had before: rows are not deleted and revisions only grow.
func (s *Store) APIKeysMark(ctx context.Context) (int64, error) {
	var mark int64
	err := s.query(ctx, "SELECT COALESCE(SUM(rev), 0) FROM api_key").Scan(&mark).Error
	return mark, wrap("look for changed API keys", err)
}

// NoteAPIKeyUsed writes down that a key was used agoMs ago, unless a later use
// stands there already. It is not among the changes that APIKeysMark tells.
func (s *Store) NoteAPIKeyUsed(ctx context.Context, id, address string, agoMs int64) error {
	_, err := s.exec(ctx, "note the use of an API key", `
UPDATE api_key SET used_ms=NOWMS-@Ago, used_address=@Address WHERE id=@ID AND used_ms<NOWMS-@Ago`,
		map[string]any{"ID": id, "Address": cut(address, maxAddress), "Ago": agoMs})
	return err
}
