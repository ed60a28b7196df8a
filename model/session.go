package model

import (
	"context"
	"fmt"
)

// Session is a row of table session with the person it belongs to.
type Session struct {
	TokenHash string
	PersonID  int64
	Epoch     int64
	Address   string
	UserAgent string
	CreatedMs int64
	SeenMs    int64
	IdleMs    int64  // ends then, unless it is used before
	EndsMs    int64  // ends then, whatever happens
	Person    Person `gorm:"-"`
	NowMs     int64  `gorm:"-"`
}

// AddSession stores a session that ends idleMs from now unless it is used, and
// lifeMs from now in any case. It never overwrites one: a session that ended
// meanwhile must not come back.
func (s *Store) AddSession(ctx context.Context, row Session, idleMs, lifeMs int64) error {
	_, err := s.exec(ctx, "add a session", `
INSERT INTO session (token_hash, person_id, epoch, address, user_agent, created_ms, seen_ms, idle_ms, ends_ms)
VALUES (@Hash, @Person, @Epoch, @Address, @Agent, NOWMS, NOWMS, NOWMS + @Idle, NOWMS + @Life)`,
		map[string]any{
			"Hash": row.TokenHash, "Person": row.PersonID, "Epoch": row.Epoch,
			"Address": cut(row.Address, maxAddress), "Agent": cut(row.UserAgent, maxUserAgent),
			"Idle": min(idleMs, lifeMs), "Life": lifeMs,
		})
	return err
}

// Lengths of columns, in characters.
const (
	maxAddress   = 64
	maxUserAgent = 255
)

// LiveSession reads a session that may be used now, with its person and the
// database clock. It is ErrNotFound where the session has ended for whatever
// reason: idle, too old, signed out, password or role changed, person disabled.
func (s *Store) LiveSession(ctx context.Context, tokenHash string) (Session, error) {
	var rows []struct {
		Session `gorm:"embedded"`
		Person  Person `gorm:"embedded;embeddedPrefix:person_"`
		NowMs   int64
	}
	err := s.query(ctx, `
SELECT s.token_hash, s.person_id, s.epoch, s.address, s.user_agent, s.created_ms, s.seen_ms, s.idle_ms, s.ends_ms, NOWMS AS now_ms,
  p.name AS person_name, p.role AS person_role, p.password_hash AS person_password_hash, p.must_change AS person_must_change
FROM session s JOIN person p ON p.id = s.person_id
WHERE s.token_hash = ? AND s.idle_ms > NOWMS AND s.ends_ms > NOWMS AND p.epoch = s.epoch AND p.enabled = 1`, tokenHash).Scan(&rows).Error
	if err != nil {
		return Session{}, wrap("read a session", err)
	}
	if len(rows) == 0 {
		return Session{}, fmt.Errorf("session: %w", ErrNotFound)
	}
	session, person := rows[0].Session, rows[0].Person
	person.ID, person.Epoch, person.Enabled = session.PersonID, session.Epoch, true
	session.Person, session.NowMs = person, rows[0].NowMs
	return session, nil
}

// TouchSession notes that a live session was used, at most once in everyMs.
// Unlike AddSession it cannot bring back one that has ended.
func (s *Store) TouchSession(ctx context.Context, tokenHash string, idleMs, everyMs int64) error {
	_, err := s.exec(ctx, "touch a session", `
UPDATE session SET seen_ms = NOWMS, idle_ms = CASE WHEN NOWMS + @Idle < ends_ms THEN NOWMS + @Idle ELSE ends_ms END
WHERE token_hash = @Hash AND idle_ms > NOWMS AND seen_ms <= NOWMS - @Every`,
		map[string]any{"Hash": tokenHash, "Idle": idleMs, "Every": everyMs})
	return err
}

// DeleteSession ends one session; that it is not there is no error.
func (s *Store) DeleteSession(ctx context.Context, tokenHash string) error {
	_, err := s.exec(ctx, "delete a session", "DELETE FROM session WHERE token_hash = ?", tokenHash)
	return err
}

// SessionsOf reads the sessions of a person that may be used now, the one used
// last first, and the database clock (0 where there are none).
func (s *Store) SessionsOf(ctx context.Context, name string) ([]Session, int64, error) {
	const most = 200
	var rows []struct {
		Session `gorm:"embedded"`
		NowMs   int64
	}
	err := s.query(ctx, `
SELECT s.token_hash, s.person_id, s.epoch, s.address, s.user_agent, s.created_ms, s.seen_ms, s.idle_ms, s.ends_ms, NOWMS AS now_ms
FROM person p JOIN session s ON s.person_id = p.id AND s.epoch = p.epoch
WHERE p.name = ? AND p.enabled = 1 AND s.idle_ms > NOWMS AND s.ends_ms > NOWMS ORDER BY s.seen_ms DESC, s.token_hash LIMIT ?`,
		name, most).Scan(&rows).Error
	sessions, now := make([]Session, 0, len(rows)), int64(0)
	for _, row := range rows {
		sessions, now = append(sessions, row.Session), row.NowMs
	}
	return sessions, now, wrap("list sessions", err)
}

// PurgeSessions deletes at most one chunk of sessions that have ended by
// themselves and tells how many went; 0 means that it is done.
func (s *Store) PurgeSessions(ctx context.Context) (int64, error) {
	var hashes []string
	err := s.query(ctx, "SELECT token_hash FROM session WHERE idle_ms <= NOWMS ORDER BY idle_ms LIMIT ?", purgeChunk).Scan(&hashes).Error
	if err != nil || len(hashes) == 0 {
		return 0, wrap("list ended sessions", err)
	}
	return s.exec(ctx, "purge sessions", "DELETE FROM session WHERE token_hash IN ?", hashes)
}
