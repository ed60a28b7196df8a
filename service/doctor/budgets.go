package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	budgetCheck = "budget"
	// forcePerDay is WeChat's limit of force refreshes, and keptForPeople how many
	// of them machines leave (the page of getStableAccessToken).
	forcePerDay   = 20
	keptForPeople = 5
	// manyAttempts is far more than an account in order needs in a day, and far
	// less than WeChat's 2,000 calls for a classic access_token (the page of
	// getAccessToken, and its errcode 45009).
	manyAttempts = 300
)

// beijing is where WeChat's days begin.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// checkBudgets looks at what WeChat counts by the day.
func (d *Doctor) checkBudgets(ctx context.Context, looked []patient, all int) {
	year, month, day := time.UnixMilli(d.nowMs).In(beijing).Date()
	tight, err := d.checkForces(ctx, year*10000+int(month)*100+day)
	midnight := time.Date(year, month, day, 0, 0, 0, 0, beijing).UnixMilli()
	for i := 0; err == nil && i < len(looked); i++ {
		var busy int
		busy, err = d.checkAttempts(ctx, looked[i].AppID, midnight)
		tight += busy
	}
	switch {
	case err != nil:
		d.fail(budgetCheck, err.Error(), mendDatabase(err))
	case tight == 0 && len(looked) < all:
		d.ok(budgetCheck, "no account is near WeChat's limit of force refreshes; of all attempts of the day those of %d accounts were counted, the ones above, of %d", len(looked), all)
	case tight == 0:
		d.ok(budgetCheck, "no account is near WeChat's limits of the day")
	}
}

// checkForces counts the accounts with few force refreshes left, and names some.
func (d *Doctor) checkForces(ctx context.Context, day int) (tight int, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	spent, err := d.store.ForcesSpent(ctx, day, mostOpen) // those that spent most first
	low := max(keptForPeople, d.Config.Alert.ForceBudgetLow)
	for _, s := range spent {
		left := max(0, forcePerDay-s.Count)
		if left > low || !d.asked(s.AppID) {
			continue
		}
		if tight++; tight <= mostAlerts {
			d.Found(Finding{
				Check: budgetCheck, Account: s.AppID, Verdict: Warn,
				Text: fmt.Sprintf("has %d of %d force refreshes left until midnight in Beijing", left, forcePerDay),
				Mend: fmt.Sprintf("find out who kills its token: the history names who reported it dead. Machines stop at %d, a person's refresh goes on", keptForPeople),
			})
		}
	}
	if more := tight - mostAlerts; more > 0 {
		d.note(budgetCheck, "%d more accounts have %d or fewer left", more, low)
	}
	return tight, err
}

// checkAttempts finds an account that asks WeChat so often that its quota may end.
func (d *Doctor) checkAttempts(ctx context.Context, appID string, sinceMs int64) (busy int, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	counted := map[string]int{}
	for _, outcome := range []string{model.OutcomeRenewed, model.OutcomeUnchanged, model.OutcomeFailed} { // WeChat was asked
		f := model.HistoryFilter{AppID: appID, FromMs: sinceMs, Outcome: outcome}
		page, err := d.store.HistoryPage(ctx, f, model.HistoryKey{}, manyAttempts)
		if err != nil {
			return 0, err
		}
		counted[outcome] = len(page.Rows)
	}
	failed := counted[model.OutcomeFailed]
	answered := counted[model.OutcomeRenewed] + counted[model.OutcomeUnchanged]
	if failed+answered < manyAttempts {
		return 0, nil
	}
	d.Found(judgeAttempts(appID, answered, failed))
	return 1, nil
}

// judgeAttempts looks for the cause where most attempts of an account belong: a long
// outage, with a try a minute, is nobody's fault who asks too often.
func judgeAttempts(appID string, answered, failed int) Finding {
	found := Finding{
		Check: budgetCheck, Account: appID, Verdict: Warn,
		Text: fmt.Sprintf("has %d attempts and more since midnight in Beijing, of which %d failed; a quiet day has a dozen for each credential", answered+failed, failed),
		Mend: "see its history by trigger and actor: a caller that reports good values, or another program that refreshes. WeChat's console shows the quota (接口权限)",
	}
	if failed > answered {
		found.Mend = "mend what they failed by: its history names it, and its lines above while it lasts. Those that WeChat answered count towards its quota, which its console shows (接口权限)"
	}
	return found
}
