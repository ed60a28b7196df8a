package keeper

import (
	"context"
	"time"

	"github.com/wxsign/wxsign/model"
)

// RefreshRequest is a person's "refresh now".
type RefreshRequest struct {
	AppID  string
	Kind   string
	Actor  string // the person, for history
	Reason string
}

// Refresh asks WeChat for a new value at once, because a person wants it, and
// waits for what comes of it. It ends a back-off, but keeps MinInterval to the
// attempt before.
//
// In classic mode, and for tickets, it is the usual call before its time. In
// stable mode the usual call brings the same token while that lives:
// ResultUnchanged. Force is used only where WeChat itself calls the token dead,
// and then from the whole day's budget, of which five are kept for people: a
// force refresh of a living token would break every program that still has it.
//
// Errors are those of Report.
func (k *Keeper) Refresh(ctx context.Context, r RefreshRequest) (result string, err error) {
	if err := k.keeps(r.AppID, r.Kind); err != nil {
		return "", err
	}
	key := caseKey{place{r.AppID, r.Kind}, byHand}
	return k.await(ctx, key, func(ctx context.Context) (string, error) { return k.settleManual(ctx, r) })
}

func (k *Keeper) settleManual(ctx context.Context, r RefreshRequest) (string, error) {
	t, _, err := k.read(r.AppID)
	row := t.Credential(r.Kind)
	switch {
	case err != nil:
		return "", k.databaseAway(err)
	case row == nil:
		return "", ErrKindUnknown
	case row.LeaseUntilMs > t.NowMs: // somebody is at it: its outcome is ours
		return k.awaitEnd(ctx, row)
	case !kindIsToken(r.Kind) && !tokenLives(&t):
		return "", refreshFailed(noLiveToken, k.retryOf(&t))
	}
	why := request{model.TriggerManual, r.Actor, r.Reason}
	if kindIsToken(r.Kind) && !row.Dead() && row.ExpiresMs > t.NowMs {
		if verdict, err := k.doubt(ctx, row, why, 0); err == nil && verdict != ResultAlive {
			if row, err = k.condemn(ctx, row, why); err != nil {
				return "", err
			}
			return k.awaitEnd(ctx, row)
		}
	}
	due, err := k.makeDue(ctx, row, why)
	if err != nil {
		return "", k.databaseAway(err)
	}
	if !due {
		gap := k.planner.timing.MinInterval
		since := time.Duration(t.NowMs-row.UpdatedMs) * time.Millisecond
		return "", refreshFailed("it was renewed, or tried, less than "+gap.String()+" ago", gap-since)
	}
	return k.awaitEnd(ctx, row)
}
