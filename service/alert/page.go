package alert

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/webhook"
)

var (
	// ErrPlace says that a place in the list is none.
	ErrPlace = errors.New("this place in the list of alerts is none")
	// ErrOver says that an alert is over, or that somebody has it in hand already.
	ErrOver = errors.New("this alert is over, or somebody has it in hand")
	// ErrNoReceiver says that there is no receiver of this name, or none at all.
	ErrNoReceiver = errors.New("there is no such receiver of alerts")
)

// perPage is how many cleared alerts a page has.
const perPage = 30

// Alert is an alert as people see it.
type Alert struct {
	ID       int64
	Name     string // the condition
	Severity string
	Account  string
	Kind     string
	Replica  string // whose own trouble it is
	Since    time.Time
	Raised   time.Time
	Calm     bool // the trouble is not seen at the moment
	Cleared  time.Time
	Acked    time.Time
	AckedBy  string
	AckNote  string
	Waits    bool // is told when quiet hours end
	Words
}

// Page is the open alerts and a page of those that are over.
type Page struct {
	Open    []Alert
	Cleared []Alert
	Next    string // the place of the page after this one, "" at the end
	More    bool   // more are open than are shown
}

// mostShown bounds the open alerts of a page.
const mostShown = 100

// Page reads the alerts in a language; place is where the cleared ones begin, ""
// at the newest: only then the open ones come with them.
func (a *Alerts) Page(ctx context.Context, lang, place string) (p Page, err error) {
	after, err := readPlace(place)
	if err != nil {
		return p, err
	}
	if place == "" {
		open, err := a.options.Store.OpenAlerts(ctx, mostShown+1)
		if err != nil {
			return p, err
		}
		p.More = len(open) > mostShown
		p.Open = a.shown(open[:min(len(open), mostShown)], lang)
	}
	cleared, err := a.options.Store.ClearedAlerts(ctx, after, perPage+1)
	if err != nil {
		return p, err
	}
	if len(cleared) > perPage {
		cleared = cleared[:perPage]
		last := cleared[perPage-1]
		p.Next = model.FormatPlace(last.ClearedMs, last.ID)
	}
	p.Cleared = a.shown(cleared, lang)
	return p, nil
}

func readPlace(place string) (k model.AlertKey, err error) {
	if place == "" {
		return k, nil
	}
	clearedMs, id, ok := model.ParsePlace(place)
	if !ok {
		return k, ErrPlace
	}
	return model.AlertKey{ClearedMs: clearedMs, ID: id}, nil
}

func (a *Alerts) shown(rows []model.Alert, lang string) []Alert {
	list := make([]Alert, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		list = append(list, Alert{
			ID: row.ID, Name: row.Name, Severity: row.Severity, Account: row.AppID, Kind: row.Kind, Replica: row.Replica,
			Since: instant(row.SinceMs), Raised: instant(row.RaisedMs), Calm: row.AbsentMs > 0, Cleared: instant(row.ClearedMs),
			Acked: instant(row.AckedMs), AckedBy: row.AckedBy, AckNote: row.AckNote,
			Waits: row.Tell == model.TellRaised && row.ClearedMs == 0 && row.Severity != Critical &&
				a.options.Quiet.At(time.Now().In(a.options.Location)),
			Words: a.Words(*row, lang),
		})
	}
	return list
}

// instant is a database time; 0 is no time.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// What the audit log says.
const (
	ActionAcknowledge audit.Action = "acknowledge_alert"
	ActionTest        audit.Action = "test_alert"
)

// Actor is who does something.
type Actor struct {
	Name      string // of a person
	Address   string
	RequestID string
}

func (a *Alerts) record(ctx context.Context, by Actor, action audit.Action, target string) error {
	if a.options.Audit == nil {
		return errors.New("not done: there is no audit log")
	}
	return a.options.Audit.Record(ctx, audit.Entry{
		Actor: by.Name, Address: by.Address, Action: action, Target: target, RequestID: by.RequestID,
	})
}

// Acknowledge notes that a person has an alert in hand. It fails with ErrOver, and
// where the audit log cannot be written.
func (a *Alerts) Acknowledge(ctx context.Context, id int64, by Actor, note string) error {
	if err := a.record(ctx, by, ActionAcknowledge, strconv.FormatInt(id, 10)+" "+note); err != nil {
		return err
	}
	done, err := a.options.Store.AckAlert(ctx, id, by.Name, strings.TrimSpace(note))
	if err != nil {
		return err
	}
	if !done {
		return ErrOver
	}
	a.count(ctx)
	return nil
}

// ReceiverInfo is a receiver as people see it.
type ReceiverInfo struct{ Name, Label string }

// Receivers lists who is told that an alert is raised.
func (a *Alerts) Receivers() []ReceiverInfo {
	var list []ReceiverInfo
	for _, r := range a.receivers(webhook.AlertRaised) {
		list = append(list, ReceiverInfo{r.Name(), r.Label()})
	}
	return list
}

// RefusedError is a receiver's own word that a test message did not arrive. It
// holds no secret.
type RefusedError struct{ Err error }

// Error implements error.
func (r *RefusedError) Error() string { return r.Err.Error() }

// Unwrap is the receiver's error.
func (r *RefusedError) Unwrap() error { return r.Err }

// SendTest sends a test message for a person of the panel, as Try does. It fails
// as Try does, and where the audit log cannot be written.
func (a *Alerts) SendTest(ctx context.Context, receiver string, by Actor) error {
	if err := a.record(ctx, by, ActionTest, receiver); err != nil {
		return err
	}
	return a.Try(ctx, receiver, by.Name)
}

// Try sends a test message at once and past the outbox, so that its outcome is
// known: to one receiver by its name. It fails with ErrNoReceiver or a
// RefusedError.
func (a *Alerts) Try(ctx context.Context, receiver, person string) error {
	for _, r := range a.receivers(webhook.AlertRaised) {
		if r.Name() == receiver {
			if err := a.sendTest(ctx, r, person); err != nil {
				return &RefusedError{err}
			}
			return nil
		}
	}
	return ErrNoReceiver
}

func (a *Alerts) sendTest(ctx context.Context, r Receiver, person string) error {
	now := time.Now().UnixMilli()
	row := model.Alert{
		EventID: strings.ToLower(rand.Text()), Name: Test, Severity: Warning, SinceMs: now, RaisedMs: now,
		Facts: facts{"by_person": person}.json(), Tell: model.TellRaised,
	}
	return a.direct(ctx, r, &row)
}
