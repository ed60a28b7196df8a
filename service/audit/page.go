package audit

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

// PageSize is how many entries a page has.
const PageSize = 50

// ErrPlace says that a place to go on from is not one that a page gave out.
var ErrPlace = errors.New("there is no such place in the audit log")

// Filter says which entries are wanted; zero fields do not matter.
type Filter struct {
	Actor, Action string
	Target        string    // all of a target, or its first words: an AppID
	From          time.Time // this instant and later
	To            time.Time // before this instant
}

// Any reports whether the filter leaves entries out.
func (f Filter) Any() bool { return f != Filter{} }

// Line is an entry as it is shown.
type Line struct {
	Seq       int64 // number in the chain, 0 = written by a version that had none
	At        time.Time
	Actor     string
	Address   string
	Action    string
	Target    string
	Subject   string // the first word of Target: an AppID, a person, a number
	Details   string // the rest of it
	RequestID string
	Hash      string
	Broken    Break // what is wrong with this very entry, "" = nothing
}

// Page is a page of the log, newest first.
type Page struct {
	Lines []Line
	// Next is the place of the page after this one, "" at the end.
	Next string
	// Until is how far back the entries were searched, where that ended before the
	// page was full; else zero.
	Until time.Time
}

// Page reads the page at a place that another page named, or the newest one where
// place is "". It fails with ErrPlace or the database's error.
func (l *Log) Page(ctx context.Context, f Filter, place string) (Page, error) {
	after, err := parsePlace(place)
	if err != nil {
		return Page{}, err
	}
	rows, next, err := l.store.AuditPage(ctx, model.AuditFilter{
		Actor: f.Actor, Action: f.Action, Target: f.Target, FromMs: unixMilli(f.From), ToMs: unixMilli(f.To),
	}, after, PageSize)
	if err != nil {
		return Page{}, err
	}
	page := Page{Lines: make([]Line, 0, len(rows))}
	for i, row := range rows {
		line := lineOf(row)
		if i+1 < len(rows) && followed(rows[i+1], row) && rows[i+1].Hash != row.PrevHash {
			line.Broken = Unlinked
		}
		page.Lines = append(page.Lines, line)
	}
	if next != nil {
		page.Next = model.FormatPlace(next.AtMs, next.ID)
		if len(rows) < PageSize {
			page.Until = time.UnixMilli(next.AtMs)
		}
	}
	return page, nil
}

// followed reports whether newer is the very next link behind older.
func followed(older, newer model.Audit) bool {
	return older.Seq != nil && newer.Seq != nil && *newer.Seq == *older.Seq+1
}

func lineOf(row model.Audit) Line {
	line := Line{
		At: time.UnixMilli(row.AtMs), Actor: row.Actor, Address: row.Address, Action: row.Action, Target: row.Target,
		RequestID: row.RequestID, Hash: row.Hash,
	}
	line.Subject, line.Details, _ = strings.Cut(row.Target, " ")
	if row.Seq != nil {
		line.Seq = *row.Seq
		if hashOf(row) != row.Hash {
			line.Broken = Changed
		}
	}
	return line
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func parsePlace(text string) (model.AuditKey, error) {
	if text == "" {
		return model.AuditKey{}, nil
	}
	atMs, id, ok := model.ParsePlace(text)
	if !ok {
		return model.AuditKey{}, ErrPlace
	}
	return model.AuditKey{AtMs: atMs, ID: id}, nil
}
