package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/webhook"
)

// Event is the body of a message about an alert: that of every webhook, with more.
type Event struct {
	webhook.Event           // Message is what happened and what to do, in English
	AlertID       string    `json:"alert_id"` // the same from raised to cleared
	Alert         string    `json:"alert"`    // the condition
	Severity      string    `json:"severity"` // warning, critical
	Since         time.Time `json:"since"`
	Replica       string    `json:"replica,omitempty"` // whose own trouble it is
	Panel         string    `json:"panel,omitempty"`   // where people read on
	Zone          int       `json:"zone"`              // seconds east of UTC that the times in the texts have
	English       Words     `json:"en"`
	Chinese       Words     `json:"zh"`
}

// mostUntold is how many alerts are told in one go.
const mostUntold = 200

// tell puts what is to be told on its way. A warning waits for the end of quiet
// hours; one that is over by then is never told.
func (a *Alerts) tell(ctx context.Context) error {
	rows, err := a.options.Store.UntoldAlerts(ctx, mostUntold)
	if err != nil {
		return err
	}
	quiet := a.options.Quiet.At(time.Now().In(a.options.Location))
	for i := range rows {
		row := &rows[i]
		if quiet && row.Severity != Critical {
			continue
		}
		if err := a.put(ctx, row); err != nil {
			return fmt.Errorf("alert %d: %w", row.ID, err)
		}
	}
	return nil
}

// put gives a message to the outbox for every receiver. Another replica may do the
// same: the outbox keeps one of each event.
func (a *Alerts) put(ctx context.Context, row *model.Alert) error {
	eventType := raisedOrCleared(row.Tell)
	e := a.event(row)
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	for _, r := range a.receivers(eventType) {
		err := a.options.Box.Add(ctx, outbox.Message{EventID: e.ID, Channel: r.Name(), Type: eventType, At: e.At, Body: body})
		if err != nil {
			return err
		}
	}
	_, err = a.options.Store.AlertTold(ctx, row.ID, row.Tell)
	return err
}

// event is what is told of an alert.
func (a *Alerts) event(row *model.Alert) Event {
	e := Event{
		AlertID: row.EventID, Alert: row.Name, Severity: row.Severity, Since: time.UnixMilli(row.SinceMs).UTC(), Replica: row.Replica,
		Panel: a.options.PanelURL, English: a.Words(*row, English), Chinese: a.Words(*row, Chinese),
	}
	_, e.Zone = time.Now().In(a.options.Location).Zone()
	e.Type, e.Account, e.Kind = raisedOrCleared(row.Tell), row.AppID, row.Kind
	e.Errcode, _ = strconv.Atoi(readFacts(row.Facts)["errcode"]) // 0 where there is none
	e.Message = e.English.What + " " + e.English.Do
	e.ID, e.At = row.EventID+"-raised-"+row.Severity, time.UnixMilli(row.RaisedMs).UTC()
	if row.Tell == model.TellCleared {
		e.ID, e.At = row.EventID+"-cleared", time.UnixMilli(row.ClearedMs).UTC()
		e.Message = e.English.Title + ": this is over."
	}
	return e
}

// IsCleared reports whether the event says that the trouble is over.
func (e *Event) IsCleared() bool { return e.Type == webhook.AlertCleared }

// local is an instant as the texts write it.
func (e *Event) local(t time.Time) string { return t.In(time.FixedZone("", e.Zone)).Format(timeForm) }

// readEvent reads the body of a message of ours.
func readEvent(m outbox.Message) (Event, error) {
	var e Event
	if err := json.Unmarshal(m.Body, &e); err != nil {
		return e, fmt.Errorf("%w: its body is not that of an alert", outbox.ErrRefused)
	}
	return e, nil
}

// Webhook makes a receiver of signed webhooks one of alerts.
func Webhook(h *webhook.Hook) Receiver { return hook{h} }

type hook struct{ *webhook.Hook }

// Label implements Receiver.
func (h hook) Label() string { return "webhook " + h.Host() }
