package model

import (
	"context"
	"errors"
)

// Cursor is a row of table delivery_cursor: how far events were looked for on
// behalf of a channel. Instants are Unix milliseconds by the database's clock.
type Cursor struct {
	Channel string
	BeginMs int64 // events before are none of the channel's
	AtMs    int64
}

// Cursors reads the cursors of the channels given, with the clock; a channel
// without one has none in the answer.
func (s *Store) Cursors(ctx context.Context, channels []string) ([]Cursor, int64, error) {
	// The left join gives one row with the clock even where there is no cursor.
	var rows []struct {
		Channel *string
		BeginMs int64
		AtMs    int64
		NowMs   int64
	}
	err := s.query(ctx, `
SELECT n.now_ms, c.channel, COALESCE(c.begin_ms, 0) AS begin_ms, COALESCE(c.at_ms, 0) AS at_ms
FROM (SELECT NOWMS AS now_ms) n LEFT JOIN delivery_cursor c ON c.channel IN ?`, channels).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return nil, 0, wrap("read the cursors of deliveries", err)
	}
	var cursors []Cursor
	for _, row := range rows {
		if row.Channel != nil {
			cursors = append(cursors, Cursor{Channel: *row.Channel, BeginMs: row.BeginMs, AtMs: row.AtMs})
		}
	}
	return cursors, rows[0].NowMs, nil
}

// BeginCursor lets a channel's events begin at atMs, unless somebody else has
// changed its cursor since it was read as was; the zero Cursor is none.
func (s *Store) BeginCursor(ctx context.Context, channel string, was Cursor, atMs int64) error {
	if was == (Cursor{}) {
		_, err := s.exec(ctx, "begin a cursor",
			"INSERT INTO delivery_cursor (channel, begin_ms, at_ms) VALUES (?, ?, ?)", channel, atMs, atMs)
		if errors.Is(err, ErrDuplicate) {
			return nil
		}
		return err
	}
	_, err := s.exec(ctx, "begin a cursor", `
UPDATE delivery_cursor SET begin_ms = ?, at_ms = ? WHERE channel = ? AND at_ms = ?`, atMs, atMs, channel, was.AtMs)
	return err
}

// MoveCursors notes that events of the channels were looked for up to atMs. A
// cursor never goes back.
func (s *Store) MoveCursors(ctx context.Context, channels []string, atMs int64) error {
	_, err := s.exec(ctx, "move the cursors of deliveries",
		"UPDATE delivery_cursor SET at_ms = ? WHERE channel IN ? AND at_ms < ?", atMs, channels, atMs)
	return err
}
