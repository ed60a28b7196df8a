package history

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/wxsign/wxsign/model"
)

// PageSize is how many rows a page has.
const PageSize = 50

// ErrPlace says that a place to go on from is not one that a page gave out.
var ErrPlace = errors.New("there is no such place in the history")

// Kinds are what an attempt can be about. Like Triggers and Outcomes they are
// all the words of their column, in the order in which people look for them.
func Kinds() []string { return []string{"access_token", "jsapi", "wx_card", "agent_config"} }

// Triggers are why an attempt was made.
func Triggers() []string {
	return []string{
		model.TriggerSchedule, model.TriggerReport, model.TriggerManual, model.TriggerProbe, model.TriggerStartup, model.TriggerRecovery,
	}
}

// Outcomes are how an attempt ended.
func Outcomes() []string {
	return []string{model.OutcomeRenewed, model.OutcomeUnchanged, model.OutcomeFailed, model.OutcomeRefused}
}

// Filter says which rows are wanted; zero fields do not matter.
type Filter struct {
	Account string
	Kind    string
	Trigger string
	Outcome string
	Actor   string
	Errcode *int
	From    time.Time // this instant and later
	To      time.Time // before this instant
}

// Any reports whether the filter leaves rows out.
func (f Filter) Any() bool { return f != Filter{} }

func (f Filter) model() model.HistoryFilter {
	return model.HistoryFilter{
		AppID: f.Account, Kind: f.Kind, Trigger: f.Trigger, Outcome: f.Outcome, Actor: f.Actor, Errcode: f.Errcode,
		FromMs: unixMilli(f.From), ToMs: unixMilli(f.To),
	}
}

// Row is one attempt at a credential.
type Row struct {
	ID          int64
	At          time.Time
	Account     string
	Kind        string
	Version     int64
	Trigger     string
	Actor       string
	Outcome     string
	Errcode     int
	Errmsg      string // what happened
	Mend        string // what to do, where that is known
	RID         string
	Latency     time.Duration
	Expires     time.Time // zero where the attempt brought no value
	Fingerprint string
}

// FoundDead reports whether the row tells of a token that was found dead before
// its time, and not of an attempt to get one: only a value has a fingerprint, and
// an attempt that dropped its value has no errcode.
func (r Row) FoundDead() bool {
	return r.Kind == tokenKind && r.Outcome == model.OutcomeFailed && r.Fingerprint != "" && r.Errcode != 0 &&
		slices.Contains(findings(), r.Trigger)
}

// Page is a page of the history, newest first.
type Page struct {
	Rows []Row
	// Next is the place of the page after this one, "" at the end.
	Next string
	// Until is how far back the rows were searched, where that ended before the
	// page was full; else zero.
	Until time.Time
}

// Page reads the page at a place that another page named, or the newest one
// where place is "". It fails with ErrPlace or the database's error.
func (d *Desk) Page(ctx context.Context, f Filter, place string) (Page, error) {
	after, err := parsePlace(place)
	if err != nil {
		return Page{}, err
	}
	found, err := d.store.HistoryPage(ctx, f.model(), after, PageSize)
	if err != nil {
		return Page{}, err
	}
	page := Page{Rows: make([]Row, 0, len(found.Rows))}
	for _, h := range found.Rows {
		page.Rows = append(page.Rows, rowOf(h))
	}
	if found.Next != nil {
		page.Next = formatPlace(*found.Next)
		if len(found.Rows) < PageSize {
			page.Until = time.UnixMilli(found.Next.AtMs)
		}
	}
	return page, nil
}

func rowOf(h model.History) Row {
	errmsg, mend := SplitMend(h.Errmsg)
	return Row{
		ID: h.ID, At: time.UnixMilli(h.AtMs), Account: h.AppID, Kind: h.Kind, Version: h.Version, Trigger: h.TriggerName, Actor: h.Actor,
		Outcome: h.Outcome, Errcode: h.Errcode, Errmsg: errmsg, Mend: mend, RID: h.RID,
		Latency: time.Duration(h.LatencyMs) * time.Millisecond, Expires: instant(h.ExpiresMs), Fingerprint: h.Fingerprint,
	}
}

// instant leaves 0 the zero time: it stands for "never" in the database.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// formatPlace writes a key as it stands in a page's address.
func formatPlace(k model.HistoryKey) string { return model.FormatPlace(k.AtMs, k.ID) }

func parsePlace(text string) (model.HistoryKey, error) {
	if text == "" {
		return model.HistoryKey{}, nil
	}
	atMs, id, ok := model.ParsePlace(text)
	if !ok {
		return model.HistoryKey{}, ErrPlace
	}
	return model.HistoryKey{AtMs: atMs, ID: id}, nil
}
