package qa

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/wxsign/wxsign/model"
)

// PageSize is how many reports a page has.
const PageSize = 50

var (
	// ErrPlace says that a place to go on from is not one that a page gave out.
	ErrPlace = errors.New("there is no such place among the reports")
	// ErrNoReport says that there is no report of this number: it gave way to
	// newer ones, or was never there.
	ErrNoReport = errors.New("there is no such report")
)

// Verdicts are the two words of a report.
func Verdicts() []string { return []string{VerdictOK, VerdictFailed} }

// Clients are the words of the demo page for where it is open; the simulated ones
// are those of the built-in simulator, the last ones those of pages.
func Clients() []string {
	return []string{
		"android", "ios", "desktop", "wecom", "devtools", "other", "browser",
		"simulated android", "simulated ios", "simulated desktop", "simulated wecom",
		pageClient + "android", pageClient + "ios", pageClient + "desktop", pageClient + "wecom", pageClient + "devtools", pageClient + "other",
	}
}

// Filter says which reports are wanted; zero fields do not matter.
type Filter struct {
	Account, Verdict, Client string
	UserAgent                string    // is part of it, in any case
	From                     time.Time // this instant and later
	To                       time.Time // before this instant
}

// Any reports whether the filter leaves reports out.
func (f Filter) Any() bool { return f != Filter{} }

// Filed is a report as it is shown. All of its words come from a stranger's
// device.
type Filed struct {
	ID        int64
	At        time.Time
	Account   string
	Profile   string
	PageURL   string
	UserAgent string
	Client    string
	Verdict   string
	Detail    string // JSON text, or what was sent in its place
}

// Page is a page of reports, newest first.
type Page struct {
	Reports []Filed
	// Next is the place of the page after this one, "" at the end.
	Next string
	// Cut says that the search ended before the page was full.
	Cut bool
}

// Reader reads reports; *model.Store is one.
type Reader interface {
	QAReports(ctx context.Context, f model.QAFilter, before int64, limit int) ([]model.QAReport, int64, error)
	QAReport(ctx context.Context, id int64) (model.QAReport, error)
}

// Archive shows what was filed. It is safe for concurrent use.
type Archive struct {
	store Reader
}

// NewArchive makes an Archive.
func NewArchive(store Reader) (*Archive, error) {
	if store == nil {
		return nil, errors.New("qa: a Reader is needed")
	}
	return &Archive{store: store}, nil
}

// Page reads the page at a place that another page named, or the newest one where
// place is "". It fails with ErrPlace or the database's error.
func (a *Archive) Page(ctx context.Context, f Filter, place string) (Page, error) {
	before := int64(0)
	if place != "" {
		var err error
		if before, err = strconv.ParseInt(place, 10, 64); err != nil || before <= 0 {
			return Page{}, ErrPlace
		}
	}
	rows, next, err := a.store.QAReports(ctx, model.QAFilter{
		AppID: f.Account, Verdict: f.Verdict, Client: f.Client, UserAgent: f.UserAgent,
		FromMs: unixMilli(f.From), ToMs: unixMilli(f.To),
	}, before, PageSize)
	if err != nil {
		return Page{}, err
	}
	page := Page{Cut: next > 0 && len(rows) < PageSize}
	if next > 0 {
		page.Next = strconv.FormatInt(next, 10)
	}
	for _, row := range rows {
		page.Reports = append(page.Reports, filed(row))
	}
	return page, nil
}

// Report reads one report, or fails with ErrNoReport or the database's error.
func (a *Archive) Report(ctx context.Context, id int64) (Filed, error) {
	row, err := a.store.QAReport(ctx, id)
	if errors.Is(err, model.ErrNotFound) {
		return Filed{}, ErrNoReport
	}
	return filed(row), err
}

func filed(row model.QAReport) Filed {
	return Filed{
		ID: row.ID, At: time.UnixMilli(row.CreatedMs), Account: row.AppID, Profile: row.Profile, PageURL: row.PageURL,
		UserAgent: row.UserAgent, Client: row.Client, Verdict: row.Verdict, Detail: row.Detail,
	}
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
