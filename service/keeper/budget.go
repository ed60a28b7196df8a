package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
)

// Budget is what is left of the force refreshes of an account's stable token.
// WeChat allows 20 in a day of Beijing, 30 s apart (getStableAccessToken).
type Budget struct {
	Used        int // today
	Limit       int // a day, for people and machines together
	ForMachines int // that reports may use; the rest is kept for people
	// NextAt is when a person may next use one; it is past where that is now.
	NextAt time.Time
}

// Budget reads the budget of an account. Errors are ErrAccountUnknown and those
// of the database.
func (k *Keeper) Budget(ctx context.Context, appID string) (Budget, error) {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	before := time.Now()
	t, err := k.store.Tended(ctx, appID)
	token := t.Credential(tokenKind)
	switch {
	case errors.Is(err, model.ErrNotFound), err == nil && token == nil:
		return Budget{}, ErrAccountUnknown
	case err != nil:
		return Budget{}, fmt.Errorf("read the force budget of %s: %w", appID, err)
	}
	return budgetOf(token, clock{nowMs: t.NowMs, before: before, after: time.Now()}), nil
}

func budgetOf(token *model.Credential, clk clock) Budget {
	b := Budget{Used: usedToday(token, clk.nowMs), Limit: forcePerDay, ForMachines: forceByMachines}
	b.NextAt = clk.reached(token.ForceMs + forceGap.Milliseconds())
	if b.Used >= b.Limit {
		b.NextAt = clk.reached(clk.nowMs + untilBeijingMidnight(clk.nowMs).Milliseconds())
	}
	return b
}

func usedToday(token *model.Credential, nowMs int64) int {
	if token.ForceDay != beijingDay(nowMs) {
		return 0
	}
	return token.ForceCount
}

// forced is what memory knows of an account's force refreshes.
type forced struct{ day, count int }

// noteForced keeps what a row says, for the gauge.
func (k *Keeper) noteForced(appID string, f forced) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f.day != 0 || k.forced[appID].day != 0 {
		k.forced[appID] = f
	}
}

// ForceLeft is how many force refreshes of today are left to an account, people's
// share included, by what this replica last saw of its row: for a gauge.
func (k *Keeper) ForceLeft(appID string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.forced[appID]; f.day == beijingDay(time.Now().UnixMilli()) {
		return max(0, forcePerDay-f.count)
	}
	return forcePerDay
}
