package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	deliveryCheck = "deliveries"
	historyCheck  = "history"
	// waitsLong is how old the oldest message of a receiver may be.
	waitsLong = 10 * time.Minute
	// freshFailure is how long a message that was given up is worth a warning.
	freshFailure = 24 * time.Hour
)

// checkDeliveries looks for messages to other programs and people that do not
// arrive.
func (d *Doctor) checkDeliveries(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	counts, err := d.store.DeliveryCounts(ctx)
	if err != nil {
		d.fail(deliveryCheck, err.Error(), mendDatabase(err))
		return
	}
	late := false
	for _, c := range counts {
		if c.State == model.DeliveryFailed {
			d.tellGivenUp(ctx, c)
			late = true
			continue
		}
		if age := d.nowMs - c.OldestMs; age > waitsLong.Milliseconds() {
			d.warn(deliveryCheck, fmt.Sprintf("%d messages for %s wait, the oldest for %s", c.Count, d.Receiver(c.Channel), span(age)),
				"the deliveries of the panel show what the receiver answered; they are tried again for a day, while a wxsign serves")
			late = true
		}
	}
	if !late {
		d.ok(deliveryCheck, "no message waits for long, none was given up")
	}
}

// tellGivenUp judges by the newest message: old ones only wait to be deleted.
func (d *Doctor) tellGivenUp(ctx context.Context, c model.DeliveryCount) {
	newest, _, err := d.store.DeliveryPage(ctx, model.DeliveryFilter{Channel: c.Channel, State: model.DeliveryFailed}, model.DeliveryKey{}, 1)
	if err != nil {
		d.fail(deliveryCheck, err.Error(), mendDatabase(err))
		return
	}
	text := fmt.Sprintf("%d messages for %s were given up", c.Count, d.Receiver(c.Channel))
	if len(newest) == 0 || d.nowMs-newest[0].CreatedMs > freshFailure.Milliseconds() {
		d.note(deliveryCheck, "%s, none of them in the last day", text)
		return
	}
	d.warn(deliveryCheck, text+": "+newest[0].LastError, "mend the receiver, then send them again from the deliveries of the panel")
}

// checkHistory finds out whether old history is deleted.
func (d *Doctor) checkHistory(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	retention := d.Config.History.Retention.Std()
	allowed := retention + 2*d.PurgeEvery // one run may fall into an outage
	page, err := d.store.HistoryPage(ctx, model.HistoryFilter{ToMs: d.nowMs - allowed.Milliseconds()}, model.HistoryKey{}, 1)
	switch {
	case err != nil:
		d.fail(historyCheck, err.Error(), mendDatabase(err))
	case len(page.Rows) > 0:
		d.warn(historyCheck, fmt.Sprintf("rows of %s and before are still there, though history.retention is %s",
			time.UnixMilli(page.Rows[0].AtMs).UTC().Format(time.DateOnly), d.Config.History.Retention),
			"nothing else suffers, the table grows. Where a wxsign serves, its log says \"cannot purge old history\" and why; history.purge says when it runs")
	default:
		d.ok(historyCheck, "nothing is older than history.retention, %s", d.Config.History.Retention)
	}
}
