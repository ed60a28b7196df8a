package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// errLost says that another replica has the claim, or that the row changed
// since it was read: nothing to do but to look again.
var errLost = errors.New("another replica was faster")

// errFailed says that WeChat was asked in vain, which is noted on the row.
var errFailed = errors.New("WeChat was asked in vain")

// tend works on one account until none of its credentials is due within the
// lookahead (false), or it waits for its next slot behind others (true); wake cuts its
// pauses short. The caller has taken a slot for the first step. It reads everything
// anew before each step: what was read before a pause proves nothing.
func (k *Keeper) tend(appID string, wake <-chan struct{}) (waits bool) {
	until := time.Now().Add(k.lookahead)
	for failed := false; ; {
		next, err := k.step(appID)
		switch {
		case errors.Is(err, model.ErrNotFound), next.IsZero() && err == nil:
			return false
		case err != nil && failed:
			k.log.Log(k.hard, k.fromOutage(), "cannot tend the account; the next scan tries again", "account", appID, "err", err)
			return false
		case err != nil: // one hiccup is not worth the time to the next scan
			failed, next = true, time.Now().Add(hiccupPause)
		case next.After(until) && next.After(time.Now().Add(k.lookahead)):
			return false
		}
		paused := time.Now().Before(next)
		if !k.sleepUntil(next, wake) {
			return false
		}
		if toItsEnd := !time.Now().Before(next); paused && toItsEnd && k.waitAgain(appID) {
			return true
		}
		if k.slots.Acquire(k.working, 1) != nil {
			return false
		}
	}
}

// hiccupPause is the time before an account is read again after an error.
const hiccupPause = time.Second

// step attempts the account's next credential if its time has come, and tells
// when to look again; the zero time means that the account needs nothing. It gives
// the caller's slot back.
func (k *Keeper) step(appID string) (next time.Time, err error) {
	defer k.slots.Release(1)
	t, clk, err := k.read(appID)
	if err != nil {
		return time.Time{}, err
	}
	if k.clocks.unsure(clk) {
		return time.Now().Add(unsurePause), nil // what looks due may not be
	}
	if k.releaseOrphans(&t) {
		return time.Now().Add(lostPause), nil
	}
	row, atMs := k.planner.due(&t)
	if row == nil {
		return time.Time{}, nil
	}
	if atMs > t.NowMs {
		return clk.reached(atMs), nil
	}
	if wait := k.holderGrace(row); wait > 0 {
		return time.Now().Add(wait), nil
	}
	if k.isOlder(row) && k.heal(row) {
		return time.Now(), nil // the period was paid for already
	}
	switch err = k.attempt(&t, row, clk); {
	case errors.Is(err, errLost):
		return time.Now().Add(lostPause), nil
	case errors.Is(err, errFailed):
		return time.Now().Add(failedPause), nil
	}
	return time.Now(), err
}

// holderGrace is how long to leave an abandoned claim alone. Where the database
// was away, its holder may only have been waiting, with a value in hand that
// WeChat has issued: it gets the time of its next try to publish it.
func (k *Keeper) holderGrace(row *model.Credential) time.Duration {
	back, wasAway := k.health.backFor()
	if row.LeaseOwner == "" || !wasAway {
		return 0
	}
	return mostPublishPause + time.Second - back
}

const (
	// lostPause lets the winner get on before the row is read again.
	lostPause = 100 * time.Millisecond
	// failedPause lets the accounts that wait have their turn first: only what went well
	// goes on at once, to the ticket behind a token.
	failedPause = 10 * time.Millisecond
)

// read gets the account with the database's clock.
func (k *Keeper) read(appID string) (model.Tended, clock, error) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	before := time.Now()
	t, err := k.store.Tended(ctx, appID)
	if !errors.Is(err, model.ErrNotFound) {
		k.noteDatabase(err)
	}
	return t, clock{nowMs: t.NowMs, before: before, after: time.Now()}, err
}

func (k *Keeper) sleepUntil(t time.Time, wake <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-wake:
		return true
	case <-k.working.Done():
		return false
	}
}

// mode is the account's way to get tokens.
func mode(t *model.Tended) wechat.Mode {
	switch {
	case t.Platform == snapshot.PlatformWeCom:
		return wechat.WeComMode
	case t.TokenMode == string(wechat.Classic):
		return wechat.Classic
	}
	return wechat.Stable
}

// triggerOf says why a row is attempted now.
func triggerOf(row *model.Credential) string {
	switch {
	case row.LeaseOwner != "":
		return model.TriggerRecovery
	case row.Dead():
		return model.TriggerReport
	case row.Version == 0 && row.FailCount == 0:
		return model.TriggerStartup
	}
	return model.TriggerSchedule
}

// kindIsToken reports whether the kind is the access_token, which the tickets
// of the account need.
func kindIsToken(kind string) bool { return kind == snapshot.KindAccessToken }
