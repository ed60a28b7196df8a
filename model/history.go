package model

import (
	"context"
	"errors"
	"strings"
)

// Triggers of an attempt.
const (
	TriggerStartup  = "startup"  // first attempt for a row that never had a value
	TriggerSchedule = "schedule" // it was due
	TriggerReport   = "report"   // a caller, or WeChat's own answer, said the value is dead
	TriggerManual   = "manual"   // a person asked
	TriggerProbe    = "probe"    // the probe found the value dead
	TriggerRecovery = "recovery" // the attempt before was never ended by its holder
)

// Outcomes of an attempt.
const (
	OutcomeRenewed   = "renewed"
	OutcomeUnchanged = "unchanged"
	OutcomeFailed    = "failed"
	OutcomeRefused   = "refused" // we did not ask WeChat, for instance for lack of budget
)

// History is a row of table history: one attempt. It never holds a value.
type History struct {
	ID          int64
	AttemptID   string
	PublishID   *string // nil unless the attempt published
	AtMs        int64
	AppID       string
	Kind        string
	Version     int64 // after the attempt
	Fence       int64
	TriggerName string
	Actor       string
	Outcome     string
	Errcode     int
	Errmsg      string
	RID         string `gorm:"column:rid"` // gorm would look for r_id
	LatencyMs   int64
	ExpiresMs   int64
	Fingerprint string
	// ValueHash and IssuedMs go to table issued_token where the attempt brought
	// an access_token; they are not read back.
	ValueHash string `gorm:"-"`
	IssuedMs  int64  `gorm:"-"`
}

const historyColumns = `attempt_id, publish_id, at_ms, app_id, kind, version, fence, trigger_name, actor, outcome,
  errcode, errmsg, rid, latency_ms, expires_ms, fingerprint`

// Lengths of the rid and actor columns in characters.
const (
	maxRID  = 64
	maxName = 191
)

// AddHistory writes the row of an attempt once: a repetition, or a row that
// another replica already wrote for the same publish, changes nothing. AtMs 0
// means now by the database's clock.
func (s *Store) AddHistory(ctx context.Context, h History) error {
	if h.ValueHash != "" {
		if err := s.AddIssued(ctx, h.ValueHash, h.AppID, h.IssuedMs); err != nil {
			return err
		}
	}
	err := s.insertHistory(ctx, []History{h})
	if errors.Is(err, ErrDuplicate) {
		return nil
	}
	return err
}

// AddHistories writes the rows of some attempts, at most some hundred, by one
// statement for each table: all of them or, where it fails, no history row. It
// fails with ErrDuplicate where one is there already, perhaps because the answer to
// the same rows was lost before. AddHistory writes the others then.
func (s *Store) AddHistories(ctx context.Context, rows []History) error {
	if len(rows) == 0 {
		return nil
	}
	if err := s.addAllIssued(ctx, rows); err != nil {
		return err
	}
	return s.insertHistory(ctx, rows)
}

func (s *Store) insertHistory(ctx context.Context, rows []History) error {
	const row = "(?, ?, COALESCE(NULLIF(?, 0), NOWMS), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	places := make([]string, 0, len(rows))
	args := make([]any, 0, len(rows)*strings.Count(row, "?"))
	for _, h := range rows {
		places = append(places, row)
		args = append(args, h.AttemptID, h.PublishID, h.AtMs, h.AppID, h.Kind, h.Version, h.Fence, h.TriggerName,
			cut(h.Actor, maxName), h.Outcome, h.Errcode, cut(h.Errmsg, maxText), cut(h.RID, maxRID), h.LatencyMs, h.ExpiresMs, h.Fingerprint)
	}
	_, err := s.exec(ctx, "write history", "INSERT INTO history ("+historyColumns+")\nVALUES "+strings.Join(places, ",\n  "), args...)
	return err
}

// WrittenHistory tells of which of these publishes the row is there.
func (s *Store) WrittenHistory(ctx context.Context, publishIDs []string) (map[string]bool, error) {
	var found []string
	err := s.query(ctx, "SELECT publish_id FROM history WHERE publish_id IN ?", publishIDs).Scan(&found).Error
	written := make(map[string]bool, len(found))
	for _, id := range found {
		written[id] = true
	}
	return written, wrap("look for history rows", err)
}

// UnwrittenHistory lists published credentials that moved after fromMs (database
// clock) and whose history row is missing: their holder is about to write it, or
// died between the two writes. How old the publish is, no column tells: issued_ms
// is that of the call, and updated_ms moves with every outcome that follows.
func (s *Store) UnwrittenHistory(ctx context.Context, fromMs int64) ([]Credential, error) {
	var rows []Credential
	err := s.query(ctx, `
SELECT `+credentialColumns+` FROM credential c LEFT JOIN history h ON h.publish_id = c.publish_id
WHERE c.version > 0 AND c.updated_ms > ? AND h.id IS NULL`, fromMs).Scan(&rows).Error
	return rows, wrap("look for unwritten history", err)
}

// HistoryOf reads the newest rows of an account, newest first.
func (s *Store) HistoryOf(ctx context.Context, appID string, limit int) ([]History, error) {
	var rows []History
	err := s.query(ctx, `
SELECT id, `+historyColumns+` FROM history WHERE app_id = ? ORDER BY at_ms DESC, id DESC LIMIT ?`, appID, limit).Scan(&rows).Error
	return rows, wrap("read history", err)
}

// purgeChunk keeps each delete short, so that nobody waits for its locks, and the
// work that it leaves to the engine: of a row of history InnoDB takes entries out of
// ten indexes afterwards, which costs twice what the statement did.
const purgeChunk = 100

// PurgeHistory deletes at most one chunk of the oldest rows that are older than
// beforeMs (database clock) and tells how many are gone and which was the last; 0 means
// that it is done. The next call goes on after that one: it need not pass over what
// InnoDB has only marked as deleted so far. The zero key is the oldest end.
func (s *Store) PurgeHistory(ctx context.Context, after HistoryKey, beforeMs int64) (int64, HistoryKey, error) {
	var old []HistoryKey
	err := s.query(ctx, `
SELECT at_ms, id FROM history WHERE at_ms >= ? AND at_ms < ? AND (at_ms > ? OR id > ?) ORDER BY at_ms, id LIMIT ?`,
		after.AtMs, beforeMs, after.AtMs, after.ID, purgeChunk).Scan(&old).Error
	if err != nil || len(old) == 0 {
		return 0, after, wrap("list old history", err)
	}
	ids := make([]int64, 0, len(old))
	for _, key := range old {
		ids = append(ids, key.ID)
	}
	if _, err := s.exec(ctx, "purge history", "DELETE FROM history WHERE id IN ?", ids); err != nil {
		return 0, after, err
	}
	return int64(len(old)), old[len(old)-1], nil // one who was faster has deleted them as well
}
