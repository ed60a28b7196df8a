package model

import "context"

// Audit is a row of table audit: what somebody was about to do. Rows are only
// ever added.
type Audit struct {
	ID        int64
	AtMs      int64
	Actor     string
	Address   string
	Action    string
	Target    string
	RequestID string
}

// AddAudit writes an entry with the time of the database.
func (s *Store) AddAudit(ctx context.Context, a Audit) error {
	_, err := s.exec(ctx, "write the audit log", `
INSERT INTO audit (at_ms, actor, address, action, target, request_id) VALUES (NOWMS, @Actor, @Address, @Action, @Target, @RequestID)`, a)
	return err
}

// AuditEntries reads the newest entries, newest first.
func (s *Store) AuditEntries(ctx context.Context, limit int) ([]Audit, error) {
	var rows []Audit
	err := s.query(ctx, "SELECT id, at_ms, actor, address, action, target, request_id FROM audit ORDER BY at_ms DESC, id DESC LIMIT ?", limit).Scan(&rows).Error
	return rows, wrap("read the audit log", err)
}
