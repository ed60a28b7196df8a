package model

import (
	"context"
	"strings"
)

// HistoryKey is a place in the history, which is ordered by time and then id.
// The zero key is the newest end.
type HistoryKey struct {
	AtMs int64
	ID   int64
}

// HistoryFilter says which rows are wanted; zero fields do not matter.
type HistoryFilter struct {
	AppID   string
	Kind    string
	Trigger string
	Outcome string
	Actor   string
	Errcode *int
	FromMs  int64 // this instant and later
	ToMs    int64 // before this instant
}

// historySearch bounds the rows that one page looks at where a filter has no
// index: a page always comes quickly, and the next one goes on searching.
const historySearch = 20000

// HistoryPage is what one look into the history found, newest first.
type HistoryPage struct {
	Rows []History
	// Next is where the page after this one begins, nil at the end. Where fewer
	// rows than asked for came with it, the search was cut short there.
	Next *HistoryKey
}

// HistoryPage reads at most limit rows that come after the given place. It
// reads along an index and never counts.
func (s *Store) HistoryPage(ctx context.Context, f HistoryFilter, after HistoryKey, limit int) (HistoryPage, error) {
	where := f.indexed(after)
	var end []HistoryKey
	if rest := f.unindexed(); len(rest.terms) > 0 {
		err := s.query(ctx, "SELECT h.at_ms, h.id FROM history h"+where.text()+
			" ORDER BY h.at_ms DESC, h.id DESC LIMIT 1 OFFSET ?", append(where.args, historySearch-1)...).Scan(&end).Error
		if err != nil {
			return HistoryPage{}, wrap("search history", err)
		}
		where.add(rest.terms, rest.args...)
		if len(end) > 0 {
			where.add([]string{"h.at_ms >= ?", "(h.at_ms > ? OR h.id >= ?)"}, end[0].AtMs, end[0].AtMs, end[0].ID)
		}
	}
	var page HistoryPage
	err := s.query(ctx, "SELECT h.id, "+historyColumns+" FROM history h"+where.text()+
		" ORDER BY h.at_ms DESC, h.id DESC LIMIT ?", append(where.args, limit+1)...).Scan(&page.Rows).Error
	if err != nil {
		return HistoryPage{}, wrap("read history", err)
	}
	switch {
	case len(page.Rows) > limit:
		page.Rows = page.Rows[:limit]
		last := page.Rows[limit-1]
		page.Next = &HistoryKey{AtMs: last.AtMs, ID: last.ID}
	case len(end) > 0:
		page.Next = &end[0]
	}
	return page, nil
}

// conditions is a WHERE clause: fixed text, and values that are only ever
// arguments.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) add(terms []string, args ...any) {
	c.terms = append(c.terms, terms...)
	c.args = append(c.args, args...)
}

func (c *conditions) text() string {
	if len(c.terms) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.terms, " AND ")
}

// indexed are the conditions that history_at and history_account answer.
func (f HistoryFilter) indexed(after HistoryKey) conditions {
	var c conditions
	if f.AppID != "" {
		c.add([]string{"h.app_id = ?"}, f.AppID)
	}
	if f.FromMs > 0 {
		c.add([]string{"h.at_ms >= ?"}, f.FromMs)
	}
	if f.ToMs > 0 {
		c.add([]string{"h.at_ms < ?"}, f.ToMs)
	}
	if after != (HistoryKey{}) {
		c.add([]string{"h.at_ms <= ?", "(h.at_ms < ? OR h.id < ?)"}, after.AtMs, after.AtMs, after.ID)
	}
	return c
}

// unindexed are the conditions that each row is looked at for.
func (f HistoryFilter) unindexed() conditions {
	var c conditions
	for _, column := range []struct{ term, value string }{
		{"h.kind = ?", f.Kind}, {"h.trigger_name = ?", f.Trigger}, {"h.outcome = ?", f.Outcome}, {"h.actor = ?", f.Actor},
	} {
		if column.value != "" {
			c.add([]string{column.term}, column.value)
		}
	}
	if f.Errcode != nil {
		c.add([]string{"h.errcode = ?"}, *f.Errcode)
	}
	return c
}

// FailingSince is when the failures began that have gone on since the last
// success of a credential, in Unix milliseconds; 0 where there are none. Of a
// longer row of failures than can be looked at, it is the oldest one seen.
func (s *Store) FailingSince(ctx context.Context, appID, kind string) (int64, error) {
	const most = 500
	var rows []History
	err := s.query(ctx, `
SELECT h.at_ms, h.outcome FROM history h WHERE h.app_id = ? AND h.kind = ? ORDER BY h.at_ms DESC, h.id DESC LIMIT ?`,
		appID, kind, most).Scan(&rows).Error
	since := int64(0)
	for _, row := range rows {
		if row.Outcome != OutcomeFailed && row.Outcome != OutcomeRefused {
			break
		}
		since = row.AtMs
	}
	return since, wrap("look for the first failure", err)
}
