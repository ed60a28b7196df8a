package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// history is that of many accounts over many years, to be purged while pages are signed.
type history struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one part
	w        world
	database string
	rows     int // at least 1

	deleted int64 // set by count
}

// fill makes rows of 1970 in a table beside the history: there the purge, which
// looks for old rows each second, does not see them. MariaDB counts them up itself.
func (h *history) fill() error {
	_, err := h.w.sql.ExecContext(h.ctx, fmt.Sprintf("CREATE TABLE %[1]s.old LIKE %[1]s.history", h.database))
	if err != nil {
		return err
	}
	_, err = h.w.sql.ExecContext(h.ctx, fmt.Sprintf(`
		INSERT INTO %s.old (id, attempt_id, at_ms, app_id, kind, version, fence, trigger_name, actor, outcome)
		SELECT seq, LPAD(seq, 32, '0'), seq, CONCAT('wx', LPAD(seq %% %d, 16, '0')), 'access_token', seq, seq, 'schedule', 'bench', 'renewed'
		FROM seq_1_to_%d`, h.database, stallAccounts, h.rows))
	return err
}

// age makes them the history, at once, and returns when the purge has begun.
func (h *history) age() error {
	_, err := h.w.sql.ExecContext(h.ctx, fmt.Sprintf("RENAME TABLE %[1]s.history TO %[1]s.young, %[1]s.old TO %[1]s.history", h.database))
	for err == nil && h.deleted == 0 {
		time.Sleep(10 * time.Millisecond)
		err = h.count()
	}
	return err
}

// count notes how many are gone: the purge takes the oldest first.
func (h *history) count() error {
	var oldest sql.NullInt64
	err := h.w.sql.QueryRowContext(h.ctx, fmt.Sprintf("SELECT MIN(id) FROM %s.history WHERE id <= ?", h.database), h.rows).Scan(&oldest)
	if h.deleted = int64(h.rows); oldest.Valid {
		h.deleted = oldest.Int64 - 1
	}
	return err
}
