package alert

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	// lossSpan is how long after it a loss is a trouble: time for the next one to
	// show.
	lossSpan = 30 * time.Minute
	// rivalSpan and rivalLosses: more of them in this time, and somebody else
	// fetches tokens of the account all the time (observed: two programs that each
	// refresh when they meet 40001 do so for ever).
	rivalSpan   = 10 * time.Minute
	rivalLosses = 3
	// mostLosses bounds what one look reads.
	mostLosses = 500
)

// finders are the triggers by which a token is found dead: a person's refresh asks
// first whether it lives. Each has its words in the texts, by.<trigger>.
func finders() []string {
	return []string{model.TriggerProbe, model.TriggerReport, model.TriggerManual}
}

// losses looks for tokens that were found dead before their time.
func (a *Alerts) losses(ctx context.Context, nowMs int64) ([]finding, error) {
	byAccount := map[string][]model.History{}
	for _, trigger := range finders() {
		page, err := a.options.Store.HistoryPage(ctx, model.HistoryFilter{
			Kind: tokenKind, Trigger: trigger, Outcome: model.OutcomeFailed, FromMs: nowMs - lossSpan.Milliseconds(),
		}, model.HistoryKey{}, mostLosses)
		if err != nil {
			return nil, err
		}
		for _, h := range page.Rows {
			// An attempt that failed has no fingerprint, and one that got a value in
			// vain (dropped, or the dead one again) no errcode: neither is a loss.
			if h.Fingerprint != "" && h.Errcode != 0 {
				byAccount[h.AppID] = append(byAccount[h.AppID], h)
			}
		}
	}
	var found []finding
	for _, rows := range byAccount {
		found = append(found, lossOf(rows, nowMs)...)
	}
	slices.SortFunc(found, func(x, y finding) int { return strings.Compare(x.appID, y.appID) })
	return found, nil
}

// lossOf tells of the losses of one account: that there is one, and beside it that
// they do not end.
func lossOf(rows []model.History, nowMs int64) []finding {
	slices.SortFunc(rows, func(x, y model.History) int { return cmp.Compare(x.AtMs, y.AtMs) })
	first, last := rows[0], rows[len(rows)-1]
	lately := 0
	for _, h := range rows {
		if h.AtMs > nowMs-rivalSpan.Milliseconds() {
			lately++
		}
	}
	f := finding{name: Overwrite, severity: Warning, appID: last.AppID, sinceMs: first.AtMs, facts: facts{
		"account": last.AppID, "found_at": milliseconds(last.AtMs), "version": strconv.FormatInt(last.Version, 10),
		"fingerprint": last.Fingerprint, "by": last.TriggerName, "times": strconv.Itoa(len(rows)), "errcode": strconv.Itoa(last.Errcode),
	}}
	if lately <= rivalLosses {
		return []finding{f}
	}
	rival := f
	rival.name, rival.severity, rival.facts = Rival, Critical, maps.Clone(f.facts)
	rival.facts["times"] = strconv.Itoa(lately)
	return []finding{f, rival}
}
