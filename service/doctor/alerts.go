package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

const alertCheck = "alerts"

const (
	// mostAlerts are told one by one; mostOpen are read.
	mostAlerts = 10
	mostOpen   = 1000
)

// checkAlerts tells what those that serve have found and nobody has ended.
func (d *Doctor) checkAlerts(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	open, err := d.store.OpenAlerts(ctx, mostOpen)
	if err != nil {
		d.fail(alertCheck, err.Error(), mendDatabase(err))
		return
	}
	open = slices.DeleteFunc(open, func(row model.Alert) bool {
		return row.AppID != "" && !d.asked(row.AppID)
	})
	if len(open) == 0 {
		d.ok(alertCheck, "none is open")
		return
	}
	for i := range open[:min(len(open), mostAlerts)] {
		d.tellAlert(&open[i])
	}
	if more := len(open) - mostAlerts; more > 0 {
		d.warn(alertCheck, fmt.Sprintf("%d more are open", more), "the alerts page of the panel lists all")
	}
}

// tellAlert judges an alert by its severity, and only as a warning where it may be
// out of date or somebody is at work.
func (d *Doctor) tellAlert(row *model.Alert) {
	what, do := d.AlertWords(*row)
	f := Finding{Check: alertCheck, Account: row.AppID, Verdict: Warn, Mend: do}
	f.Text = fmt.Sprintf("%s, since %s: %s", row.Severity, time.UnixMilli(row.SinceMs).UTC().Format("2006-01-02 15:04 UTC"), strings.TrimSpace(what))
	switch {
	case row.AbsentMs > 0:
		f.Verdict = Note
		f.Text += "; not seen at the moment, so it clears by itself"
	case len(d.serving) == 0:
		f.Text += "; nobody has looked since the last wxsign ended"
	case row.AckedMs > 0:
		f.Text += "; in the hands of " + row.AckedBy
	case row.Severity == model.SeverityCritical:
		f.Verdict = Fail
	}
	d.Found(f)
}
