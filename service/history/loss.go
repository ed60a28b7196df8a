package history

import (
	"cmp"
	"context"
	"slices"

	"github.com/wxsign/wxsign/model"
)

// Loss is an access_token that WeChat called dead before its time: somebody else
// fetched one for the same account, or its AppSecret was reset.
type Loss struct {
	Found Row // when it was found dead, by whom, and WeChat's words
	Born  Row // the attempt that brought it; its At is zero where that row is gone
	Next  Row // the attempt that replaced it; its At is zero where there is none yet
}

const (
	// mostLosses is how many losses are told, the newest.
	mostLosses = 20
	// lossLook is how many failures are read at once in search of losses, mostLooks
	// how often: while a renewal fails, each attempt has the trigger of the loss.
	lossLook  = 100
	mostLooks = 10
	// lossSpan is how many rows around a loss are looked at for its causes.
	lossSpan = 30
)

// findings are the triggers by which a token is found dead: a person's refresh asks
// first whether it lives.
func findings() []string {
	return []string{model.TriggerProbe, model.TriggerReport, model.TriggerManual}
}

// Losses tells the newest losses of an account, or of all where it is "". more
// says that there may be older ones.
func (d *Desk) Losses(ctx context.Context, account string) (losses []Loss, more bool, err error) {
	var found []model.History
	for _, trigger := range findings() {
		dead, older, err := d.foundDead(ctx, account, trigger)
		if err != nil {
			return nil, false, err
		}
		more = more || older
		found = append(found, dead...)
	}
	slices.SortFunc(found, func(a, b model.History) int { return cmp.Or(cmp.Compare(b.AtMs, a.AtMs), cmp.Compare(b.ID, a.ID)) })
	if len(found) > mostLosses {
		found, more = found[:mostLosses], true
	}
	for _, h := range found {
		loss, err := d.loss(ctx, h)
		if err != nil {
			return nil, false, err
		}
		losses = append(losses, loss)
	}
	return losses, more, nil
}

// foundDead looks for the newest rows that tell of a dead token among the failures
// with a trigger.
func (d *Desk) foundDead(ctx context.Context, account, trigger string) (dead []model.History, more bool, err error) {
	f := model.HistoryFilter{AppID: account, Kind: tokenKind, Trigger: trigger, Outcome: model.OutcomeFailed}
	place := model.HistoryKey{}
	for range mostLooks {
		page, err := d.store.HistoryPage(ctx, f, place, lossLook)
		if err != nil {
			return nil, false, err
		}
		dead = append(dead, slices.DeleteFunc(page.Rows, func(h model.History) bool { return !rowOf(h).FoundDead() })...)
		if page.Next == nil || len(dead) >= mostLosses {
			return dead, page.Next != nil, nil
		}
		place = *page.Next
	}
	return dead, true, nil
}

// tokenKind is the kind of credential that others can overwrite.
const tokenKind = "access_token"

// loss looks for the life of the version that was found dead.
func (d *Desk) loss(ctx context.Context, h model.History) (Loss, error) {
	loss := Loss{Found: rowOf(h)}
	place := model.HistoryKey{AtMs: h.AtMs, ID: h.ID}
	prior, err := d.store.HistoryPage(ctx, model.HistoryFilter{AppID: h.AppID, Kind: h.Kind}, place, lossSpan)
	if err != nil {
		return Loss{}, err
	}
	after, err := d.store.HistoryAfter(ctx, h.AppID, h.Kind, place, lossSpan)
	if err != nil {
		return Loss{}, err
	}
	renewed := func(version int64) func(model.History) bool {
		return func(r model.History) bool { return r.Outcome == model.OutcomeRenewed && r.Version == version }
	}
	if i := slices.IndexFunc(prior.Rows, renewed(h.Version)); i >= 0 {
		loss.Born = rowOf(prior.Rows[i])
	}
	if i := slices.IndexFunc(after, renewed(h.Version+1)); i >= 0 {
		loss.Next = rowOf(after[i])
	}
	return loss, nil
}
