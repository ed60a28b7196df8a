package model

import (
	"context"
	"errors"
)

// Severities of an alert.
const (
	SeverityWarning  = "warning"
	SeverityCritical = "critical"
)

// What is to be told of an alert.
const (
	TellNothing = 0
	TellRaised  = 1
	TellCleared = 2
)

// Alert is a row of table alert: one trouble from when it was noticed to when it
// was over. Instants are Unix milliseconds by the database's clock.
type Alert struct {
	ID        int64
	EventID   string // 32 letters at most
	AlertKey  string // 191 letters at most
	Name      string
	Severity  string
	AppID     string
	Kind      string
	Replica   string // "" = no replica's in particular
	Facts     string // JSON
	SinceMs   int64
	RaisedMs  int64
	AbsentMs  int64 // 0 = it is still seen
	CalmMs    int64
	ClearedMs int64 // 0 = open
	AckedMs   int64 // 0 = nobody has it in hand
	AckedBy   string
	AckNote   string
	Tell      int
	ToldMs    int64
}

const alertColumns = `id, event_id, alert_key, name, severity, app_id, kind, replica, facts, since_ms, raised_ms,
  absent_ms, calm_ms, cleared_ms, acked_ms, acked_by, ack_note, tell, told_ms`

// AlertSeen notes that the trouble of an open alert is seen, with its newest
// facts. One that has become critical is to be told again, and nobody has it in
// hand. False means that no alert is open for it.
func (s *Store) AlertSeen(ctx context.Context, a Alert) (bool, error) {
	// severity last: MySQL assigns from left to right.
	n, err := s.exec(ctx, "note an alert again", `
UPDATE alert SET absent_ms=0, facts=@Facts,
  tell=CASE WHEN severity<>@Severity AND @Severity = '`+SeverityCritical+`' THEN 1 ELSE tell END,
  acked_ms=CASE WHEN severity<>@Severity AND @Severity = '`+SeverityCritical+`' THEN 0 ELSE acked_ms END,
  severity=CASE WHEN @Severity = '`+SeverityCritical+`' THEN @Severity ELSE severity END
WHERE open_key=@AlertKey`, a)
	return n == 1, err
}

// AddAlert opens an alert, to be told. False means that one is open for the same
// trouble already: whichever replica is first raises it, and no other.
func (s *Store) AddAlert(ctx context.Context, a Alert) (bool, error) {
	_, err := s.exec(ctx, "raise an alert", `
INSERT INTO alert (event_id, alert_key, open_key, name, severity, app_id, kind, replica, facts, since_ms, raised_ms, calm_ms, tell, told_ms)
VALUES (@EventID, @AlertKey, @AlertKey, @Name, @Severity, @AppID, @Kind, @Replica, @Facts, @SinceMs, NOWMS, @CalmMs, @Tell, @ToldMs)`, a)
	if errors.Is(err, ErrDuplicate) {
		return false, nil
	}
	return err == nil, err
}

// AlertsCleared counts the alerts of one trouble that were cleared in the last
// sinceMs.
func (s *Store) AlertsCleared(ctx context.Context, key string, sinceMs int64) (n int, err error) {
	err = s.query(ctx, "SELECT COUNT(*) FROM alert WHERE alert_key=? AND cleared_ms>NOWMS-?", key, sinceMs).Scan(&n).Error
	return n, wrap("count the alerts of a trouble", err)
}

// AlertAbsent notes that the trouble of an open alert is not seen, and clears it
// once that has been so for its calm time. True means that it is cleared now. An
// alert that was never told is not told to be over either.
func (s *Store) AlertAbsent(ctx context.Context, id int64) (bool, error) {
	_, err := s.exec(ctx, "note that a trouble is not seen", `
UPDATE alert SET absent_ms=NOWMS WHERE id=? AND open_key IS NOT NULL AND (absent_ms=0 OR absent_ms>NOWMS)`, id)
	if err != nil {
		return false, err
	}
	n, err := s.exec(ctx, "clear an alert", `
UPDATE alert SET open_key=NULL, cleared_ms=NOWMS, tell=CASE WHEN told_ms>0 THEN 2 ELSE 0 END
WHERE id=? AND open_key IS NOT NULL AND absent_ms>0 AND absent_ms<=NOWMS-calm_ms`, id)
	return n == 1, err
}

// AlertTold notes that what was to be told of an alert has been put on its way.
// False means that something else is to be told by now.
func (s *Store) AlertTold(ctx context.Context, id int64, tell int) (bool, error) {
	n, err := s.exec(ctx, "note that an alert was told", `
UPDATE alert SET tell=0, told_ms=CASE WHEN @Tell = 1 THEN NOWMS ELSE told_ms END WHERE id=@ID AND tell=@Tell`,
		map[string]any{"ID": id, "Tell": tell})
	return n == 1, err
}

// AckAlert notes that a person has an open alert in hand. False means that it is
// over, or that somebody has it in hand already.
func (s *Store) AckAlert(ctx context.Context, id int64, by, note string) (bool, error) {
	n, err := s.exec(ctx, "acknowledge an alert", `
UPDATE alert SET acked_ms=NOWMS, acked_by=?, ack_note=? WHERE id=? AND open_key IS NOT NULL AND acked_ms=0`,
		cut(by, maxName), cut(note, maxText), id)
	return n == 1, err
}

// AlertCounts are how many alerts are open, and how many of them nobody has in
// hand.
type AlertCounts struct {
	Open    int
	Unacked int
}

// CountAlerts counts the open alerts.
func (s *Store) CountAlerts(ctx context.Context) (c AlertCounts, err error) {
	err = s.query(ctx, `
SELECT COUNT(*) AS open, COALESCE(SUM(CASE WHEN acked_ms=0 THEN 1 ELSE 0 END), 0) AS unacked
FROM alert WHERE open_key IS NOT NULL`).Scan(&c).Error
	return c, wrap("count open alerts", err)
}

// Alert reads one alert, or ErrNotFound.
func (s *Store) Alert(ctx context.Context, id int64) (Alert, error) {
	rows, err := s.alerts(ctx, "WHERE id=?", id)
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Alert{}, err
	}
	return rows[0], nil
}

// OpenAlerts reads the open alerts, critical ones first and then the newest.
func (s *Store) OpenAlerts(ctx context.Context, limit int) ([]Alert, error) {
	return s.alerts(ctx, "WHERE open_key IS NOT NULL ORDER BY severity, id DESC LIMIT ?", limit)
}

// AlertKey is a place among the cleared alerts, which are ordered by when they
// were cleared. The zero key is the newest end.
type AlertKey struct {
	ClearedMs int64
	ID        int64
}

// ClearedAlerts reads cleared alerts that come after a place, the newest first.
func (s *Store) ClearedAlerts(ctx context.Context, after AlertKey, limit int) ([]Alert, error) {
	if after == (AlertKey{}) {
		return s.alerts(ctx, "WHERE cleared_ms>0 ORDER BY cleared_ms DESC, id DESC LIMIT ?", limit)
	}
	return s.alerts(ctx, `WHERE cleared_ms>0 AND cleared_ms<=? AND (cleared_ms<? OR id<?)
ORDER BY cleared_ms DESC, id DESC LIMIT ?`, after.ClearedMs, after.ClearedMs, after.ID, limit)
}

// UntoldAlerts reads alerts of which something is to be told, the oldest first.
func (s *Store) UntoldAlerts(ctx context.Context, limit int) ([]Alert, error) {
	return s.alerts(ctx, "WHERE tell>0 ORDER BY id LIMIT ?", limit)
}

func (s *Store) alerts(ctx context.Context, tail string, args ...any) ([]Alert, error) {
	var rows []Alert
	err := s.query(ctx, "SELECT "+alertColumns+" FROM alert "+tail, args...).Scan(&rows).Error
	return rows, wrap("read alerts", err)
}

// PurgeAlerts deletes at most one chunk of the alerts that were cleared more than
// ageMs ago and tells how many went; 0 means that it is done.
func (s *Store) PurgeAlerts(ctx context.Context, ageMs int64) (int64, error) {
	var ids []int64
	err := s.query(ctx, "SELECT id FROM alert WHERE cleared_ms>0 AND cleared_ms<NOWMS-? ORDER BY cleared_ms LIMIT ?", ageMs, purgeChunk).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return 0, wrap("list old alerts", err)
	}
	return s.exec(ctx, "purge alerts", "DELETE FROM alert WHERE id IN ? AND cleared_ms>0", ids)
}
