package alert

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/webhook"
)

// outageLong is how long the database must be away to be told: a restart of it is
// no trouble, since signing goes on from memory.
const outageLong = time.Minute

// directTimeout bounds one message that does not go through the outbox.
const directTimeout = 15 * time.Second

// outage is a time without a database, or with one that takes no writes. The outbox is away with it, so its message
// goes to the receivers directly, once from each replica: none can know of the
// others.
type outage struct {
	id    string // "" = there is none
	since time.Time
	told  map[string]bool // by receiver
	// readOnly tells that it answers: that is another text.
	readOnly bool
}

// away is for how long the database has been of no use to renewals, 0 if it is.
func (a *Alerts) away() (away time.Duration, readOnly bool) {
	own := &a.options.Own
	if own.DatabaseDown != nil {
		if down := own.DatabaseDown(); down > 0 {
			return down, false
		}
	}
	if own.ReadOnly == nil || !own.ReadOnly() {
		a.readOnlySince = time.Time{}
		return 0, false
	}
	if a.readOnlySince.IsZero() {
		a.readOnlySince = time.Now()
	}
	return max(time.Since(a.readOnlySince), 1), true
}

// databaseAway tells of an outage and reports whether there is one. What was told
// becomes an alert when the database is back, so that it can be looked up and that
// its end is told.
func (a *Alerts) databaseAway(ctx context.Context) bool {
	down, readOnly := a.away()
	switch {
	case down == 0:
		a.databaseBack(ctx)
		return false
	case down < outageLong:
		return true
	}
	if a.outage.id == "" {
		a.outage = outage{id: strings.ToLower(rand.Text()), since: time.Now().Add(-down), told: map[string]bool{}, readOnly: readOnly}
		a.log.Error("the database has been away for long; telling the receivers of alerts directly", "for", down.Round(time.Second).String(),
			"read_only", readOnly)
	}
	row := a.outageRow()
	for _, r := range a.receivers(webhook.AlertRaised) {
		if a.outage.told[r.Name()] {
			continue
		}
		if err := a.direct(ctx, r, &row); err != nil {
			a.log.Warn("cannot tell that the database is away; trying again", "receiver", r.Label(), "err", err)
			continue
		}
		a.outage.told[r.Name()] = true
	}
	return true
}

// outageRow is the outage as an alert.
func (a *Alerts) outageRow() model.Alert {
	since := a.outage.since.UnixMilli() // by this machine's clock: the other one is away
	f := a.mine(Database, Critical, since, facts{})
	if a.outage.readOnly {
		f.facts[variant] = "read_only"
	}
	row := f.row(since)
	row.EventID, row.RaisedMs = a.outage.id, since+outageLong.Milliseconds()
	return row
}

// databaseBack writes down an outage that was told.
func (a *Alerts) databaseBack(ctx context.Context) {
	if a.outage.id == "" {
		return
	}
	row := a.outageRow()
	if len(a.outage.told) > 0 {
		row.Tell, row.ToldMs = model.TellNothing, row.RaisedMs
	}
	if err := a.open(ctx, row); err != nil {
		a.log.Warn("cannot write down that the database was away; trying again", "err", err)
		return
	}
	a.outage = outage{}
}

// direct carries a message past the outbox.
func (a *Alerts) direct(ctx context.Context, r Receiver, row *model.Alert) error {
	e := a.event(row)
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, directTimeout)
	defer cancel()
	return r.Deliver(ctx, outbox.Message{EventID: e.ID, Channel: r.Name(), Type: e.Type, At: e.At, Body: body})
}
