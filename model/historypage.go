package model

import (
	"context"
	"fmt"
	"slices"
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

// historySearch bounds the index entries that one page looks at where a filter has
// conditions beside the one that its index begins with: a page always comes
// quickly, and the next one goes on searching.
const historySearch = 20_000

// HistoryPage is what one look into the history found, newest first.
type HistoryPage struct {
	Rows []History
	// Next is where the page after this one begins, nil at the end. Where fewer
	// rows than asked for came with it, the search was cut short there.
	Next *HistoryKey
}

// HistoryPage reads at most limit rows that come after the given place. It
// reads along an index, which decides all of the filter, and of the table only the
// rows that fit: each of the others could cost a read from the disk. It never
// counts.
func (s *Store) HistoryPage(ctx context.Context, f HistoryFilter, after HistoryKey, limit int) (HistoryPage, error) {
	index, where, rest := f.plan()
	f.between(&where, after)
	from := "FROM history h " + s.along(index)
	const newest = " ORDER BY h.at_ms DESC, h.id DESC LIMIT "
	var end []HistoryKey
	if len(rest.terms) > 0 {
		err := s.query(ctx, "SELECT h.at_ms, h.id "+from+where.text()+newest+"1 OFFSET ?", append(where.args, historySearch-1)...).Scan(&end).Error
		if err != nil {
			return HistoryPage{}, wrap("search history", err)
		}
		where.add(rest.terms, rest.args...)
		if len(end) > 0 {
			where.add([]string{"h.at_ms >= ?", "(h.at_ms > ? OR h.id >= ?)"}, end[0].AtMs, end[0].AtMs, end[0].ID)
		}
	}
	var page HistoryPage
	err := s.query(ctx, "SELECT r.id, "+historyColumns+" FROM (SELECT h.id AS fits "+from+where.text()+newest+"?) found "+
		"JOIN history r ON r.id = found.fits ORDER BY r.at_ms DESC, r.id DESC", append(where.args, limit+1)...).Scan(&page.Rows).Error
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

// HistoryRow reads one row, or fails with ErrNotFound.
func (s *Store) HistoryRow(ctx context.Context, id int64) (History, error) {
	var rows []History
	err := s.query(ctx, "SELECT h.id, "+historyColumns+" FROM history h WHERE h.id = ?", id).Scan(&rows).Error
	if err != nil {
		return History{}, wrap("read a history row", err)
	}
	if len(rows) == 0 {
		return History{}, fmt.Errorf("history row: %w", ErrNotFound)
	}
	return rows[0], nil
}

// HistoryAfter reads the rows of one credential that came after a place, the
// nearest first.
func (s *Store) HistoryAfter(ctx context.Context, appID, kind string, place HistoryKey, limit int) ([]History, error) {
	var rows []History
	err := s.query(ctx, "SELECT h.id, "+historyColumns+" FROM history h "+s.along("history_account_filter")+`
WHERE h.app_id = ? AND h.at_ms >= ? AND (h.at_ms > ? OR h.id > ?) AND h.kind = ? ORDER BY h.at_ms, h.id LIMIT ?`,
		appID, place.AtMs, place.AtMs, place.ID, kind, limit).Scan(&rows).Error
	return rows, wrap("read what came after", err)
}

// along makes the engine read a table by an index, in its order: all of them
// guess wrong where LIMIT makes the order matter more than the filter. With time
// they may know better, but never by much.
func (s *Store) along(index string) string {
	if s.driver == SQLite {
		return "INDEXED BY " + index
	}
	return "FORCE INDEX (" + index + ")"
}

// historyIndex is an index that answers one condition of a filter, has the
// history's order behind it, and then the other columns that are filtered by.
type historyIndex struct {
	name, term string
	value      any
	asked      bool
	rare       bool // not nearly all rows have this value
}

// indexes are those that the filter could use, the best first: an account has
// few rows among all, the index of actors is the only other one with every column
// that an actor can be asked for with, what is not the everyday has few rows in a
// long time, and what nearly all rows have comes last.
func (f HistoryFilter) indexes() []historyIndex {
	errcode := 0
	if f.Errcode != nil {
		errcode = *f.Errcode
	}
	all := []historyIndex{
		{"history_account", "h.app_id = ?", f.AppID, f.AppID != "", true},
		{"history_actor", "h.actor = ?", f.Actor, f.Actor != "", true},
		{"history_errcode", "h.errcode = ?", errcode, f.Errcode != nil, errcode != 0},
		{"history_trigger", "h.trigger_name = ?", f.Trigger, f.Trigger != "", f.Trigger != TriggerSchedule},
		{"history_outcome", "h.outcome = ?", f.Outcome, f.Outcome != "", f.Outcome != OutcomeRenewed},
		{"history_kind", "h.kind = ?", f.Kind, f.Kind != "", true},
	}
	all = slices.DeleteFunc(all, func(i historyIndex) bool { return !i.asked })
	slices.SortStableFunc(all, func(a, b historyIndex) int {
		switch {
		case a.rare == b.rare:
			return 0
		case a.rare:
			return -1
		}
		return 1
	})
	return all
}

// plan parts a filter: the index to read along with the condition that it
// answers, and those that each row is looked at for.
func (f HistoryFilter) plan() (index string, where, rest conditions) {
	index = "history_at"
	for i, candidate := range f.indexes() {
		if i == 0 {
			index = candidate.name
			where.add([]string{candidate.term}, candidate.value)
			continue
		}
		rest.add([]string{candidate.term}, candidate.value)
	}
	if index == "history_account" && len(rest.terms) > 0 {
		index = "history_account_filter"
	}
	return index, where, rest
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

// between adds the conditions on time, which every index answers.
func (f HistoryFilter) between(c *conditions, after HistoryKey) {
	if f.FromMs > 0 {
		c.add([]string{"h.at_ms >= ?"}, f.FromMs)
	}
	if f.ToMs > 0 {
		c.add([]string{"h.at_ms < ?"}, f.ToMs)
	}
	if after != (HistoryKey{}) {
		c.add([]string{"h.at_ms <= ?", "(h.at_ms < ? OR h.id < ?)"}, after.AtMs, after.AtMs, after.ID)
	}
}

// FailingSince is when the failures began that have gone on since the last
// success of a credential, in Unix milliseconds; 0 where there are none. Of a
// longer row of failures than can be looked at, it is the oldest one seen.
func (s *Store) FailingSince(ctx context.Context, appID, kind string) (int64, error) {
	const most = 500
	var rows []History
	err := s.query(ctx, `
SELECT h.at_ms, h.outcome FROM history h `+s.along("history_account_filter")+`
WHERE h.app_id = ? AND h.kind = ? ORDER BY h.at_ms DESC, h.id DESC LIMIT ?`,
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
