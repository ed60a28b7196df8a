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

	// Set by count.
	deleted int64
	at      time.Time // when that was so
	pace    float64   // rows a second since the count before
}

// fill makes rows of 1970 in a table beside the history: there the purge, which
// looks for old rows each second, does not see them. MariaDB counts them up itself,
// 70,000 a second, and has then to bring them to the disk: old rows are there.
func (h *history) fill() error {
	c, err := h.w.sql.Conn(h.ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, statement := range []string{
		fmt.Sprintf("CREATE TABLE %[1]s.old LIKE %[1]s.history", h.database),
		fmt.Sprintf(`
		INSERT INTO %s.old (id, attempt_id, at_ms, app_id, kind, version, fence, trigger_name, actor, outcome)
		SELECT seq, LPAD(seq, 32, '0'), seq, CONCAT('wx', LPAD(seq %% %d, 16, '0')), 'access_token', seq, seq, 'schedule', 'bench', 'renewed'
		FROM seq_1_to_%d`, h.database, stallAccounts, h.rows),
		fmt.Sprintf("FLUSH TABLES %s.old FOR EXPORT", h.database),
		"UNLOCK TABLES",
	} {
		if _, err := c.ExecContext(h.ctx, statement); err != nil {
			return err
		}
	}
	return nil
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
	deleted, at := int64(h.rows), time.Now()
	if oldest.Valid {
		deleted = oldest.Int64 - 1
	}
	h.pace = float64(deleted-h.deleted) / at.Sub(h.at).Seconds()
	h.deleted, h.at = deleted, at
	return err
}

// story tells what was deleted while pages were signed, and how quickly the purge goes
// on alone.
func (h *history) story() (string, error) {
	deleted, pace := h.deleted, h.pace
	time.Sleep(stallLasts)
	err := h.count()
	text := fmt.Sprintf("Of %d rows of old history %d were gone by then: %.0f a second while pages were signed, %.0f a second after that.",
		h.rows, deleted, pace, h.pace)
	if h.deleted == int64(h.rows) {
		text += " None was left in the end, so the purge could go quicker."
	}
	return text, err
}
