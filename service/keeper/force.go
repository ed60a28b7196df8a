package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/wechat"
)

// WeChat allows 20 force refreshes a day, 30 s apart (getStableAccessToken).
// Five are kept for people.
const (
	forcePerDay     = 20
	forceForPeople  = 5
	forceGap        = 30 * time.Second
	forceByMachines = forcePerDay - forceForPeople
)

var (
	// errForce is the class of all failures around a force refresh.
	errForce = errors.New("force refresh")
	// errNoBudget says that a force refresh was needed and not allowed.
	errNoBudget = fmt.Errorf("%w: WeChat keeps giving out a token that it calls dead, and today's budget is spent or the last one was under 30 s ago", errForce)
	// errStillDead says that even force brought the dead value back.
	errStillDead = fmt.Errorf("%w: WeChat gave the dead token again", errForce)
)

// askForced asks for a new stable token where the normal call brought the one
// that WeChat itself called dead. The budget is spent before it is used.
func (k *Keeper) askForced(ctx context.Context, a *attempt, r wechat.TokenRequest) (answer, error) {
	budget := model.ForceBudget{Day: beijingDay(a.clock.nowMs), Limit: forceByMachines, GapMs: forceGap.Milliseconds()}
	if a.trigger == model.TriggerManual {
		budget.Limit = forcePerDay
	}
	allowed, err := k.store.SpendForce(ctx, a.grant, budget)
	if err != nil {
		return answer{}, err
	}
	if !allowed {
		return answer{}, errNoBudget
	}
	used := usedToday(a.row, a.clock.nowMs) + 1
	k.noteForced(a.row.AppID, forced{budget.Day, used})
	k.tellForced(a, used)
	r.Force = true
	got, err := k.askToken(ctx, a, r)
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", errForce, err)
	case got.grant.Value.Hash() == a.row.DeadHash:
		err = errStillDead
	}
	return got, err
}
