package keeper

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

// request is why somebody asks for a new value.
type request struct{ trigger, actor, reason string }

const (
	// requestPatience is the longest that a caller waits: a probe and a call of
	// 8 s each, with what is around them.
	requestPatience = 20 * time.Second
	// requestPoll is the time between two looks at a row that somebody waits for.
	requestPoll = 250 * time.Millisecond
	// otherValue and byHand are what cases are about that concern no reported
	// value.
	otherValue = "another value"
	byHand     = "by hand"
)

// caseKey says what callers wait for together: one value of one credential.
type caseKey struct {
	place
	what string // hash of the reported value, otherValue or byHand
}

// waiting is a case that callers of this replica wait for.
type waiting struct {
	done   chan struct{} // closed when result and err are set
	result string
	err    error
}

// await joins the case or opens it, and waits for its end. The work itself goes
// on when a caller leaves: others wait for it, and WeChat may have been asked.
func (k *Keeper) await(ctx context.Context, key caseKey, work func(context.Context) (string, error)) (string, error) {
	c, opened := k.join(key)
	if opened && !k.spawn(func() { k.work(c, key, work) }) {
		k.close(c, key, "", refreshFailed("this replica is stopping", time.Second))
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		return "", refreshFailed("the renewal is still under way", 2*time.Second)
	}
	return c.result, c.err
}

// join finds an open case or opens it.
func (k *Keeper) join(key caseKey) (c *waiting, opened bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c, open := k.cases[key]; open {
		return c, false
	}
	c = &waiting{done: make(chan struct{})}
	k.cases[key] = c
	return c, true
}

// close ends a case; the next report opens a new one.
func (k *Keeper) close(c *waiting, key caseKey, result string, err error) {
	k.mu.Lock()
	delete(k.cases, key)
	k.mu.Unlock()
	c.result, c.err = result, err
	close(c.done)
}

// work works on a case. A panic must not leave its callers waiting.
func (k *Keeper) work(c *waiting, key caseKey, work func(context.Context) (string, error)) {
	ctx, cancel := context.WithTimeout(k.working, requestPatience)
	defer cancel()
	result, err := "", refreshFailed("wxsign has failed at it; its log says more", databaseRetry)
	defer func() { k.close(c, key, result, err) }()
	defer k.recoverFrom(key.appID)
	result, err = work(ctx)
}

// keeps checks that an account is served and has credentials of a kind.
func (k *Keeper) keeps(appID, kind string) error {
	view, _, err := k.current(appID, kind)
	if view != nil && errors.Is(err, ErrNotReady) {
		return nil // it may be on its way
	}
	return err
}

// heldHash is the hash of what memory holds, "" where it holds nothing.
func (k *Keeper) heldHash(at place) string {
	held := k.held(&model.Credential{AppID: at.appID, Kind: at.kind})
	if held.Value.IsZero() {
		return ""
	}
	return held.Value.Hash()
}

// note writes down who asks, so that history names them whichever replica makes
// the attempt. It must not keep a renewal from happening.
func (k *Keeper) note(ctx context.Context, row *model.Credential, why request) {
	err := k.store.NoteRequest(ctx, model.RefreshRequest{
		AppID: row.AppID, Kind: row.Kind, TriggerName: why.trigger, Actor: why.actor, Reason: why.reason, Fence: row.Fence,
	})
	if err != nil {
		k.log.Warn("cannot note who asks for a refresh; history will not name them", "account", row.AppID, "kind", row.Kind, "err", err)
	}
}

// makeDue asks for one attempt on the row, at most one in MinInterval.
func (k *Keeper) makeDue(ctx context.Context, row *model.Credential, why request) (bool, error) {
	k.note(ctx, row, why)
	return k.try(func(ctx context.Context) (bool, error) {
		return k.store.MakeDue(ctx, model.Due{
			AppID: row.AppID, Kind: row.Kind, ValueHash: row.ValueHash,
			GapMs: k.planner.timing.MinInterval.Milliseconds(), EvenFailing: why.trigger == model.TriggerManual,
		})
	})
}

// awaitEnd sees to it that a row that is due is attempted, here or elsewhere,
// and waits until that has ended.
func (k *Keeper) awaitEnd(ctx context.Context, before *model.Credential) (string, error) {
	at := placeOf(before)
	for {
		if held := k.heldHash(at); held != "" && held != before.ValueHash {
			return ResultRenewed, nil
		}
		if result, err := k.lookForEnd(before); result != "" || err != nil {
			return result, err
		}
		if !k.pauseUntilNews(ctx, at.appID) {
			return "", refreshFailed("the renewal is still under way", 2*time.Second)
		}
	}
}

// lookForEnd reads the row once; "" and nil mean that the attempt goes on, or
// that the database cannot be asked at the moment.
func (k *Keeper) lookForEnd(before *model.Credential) (string, error) {
	t, clk, err := k.read(before.AppID)
	row := t.Credential(before.Kind)
	switch {
	case errors.Is(err, model.ErrNotFound):
		return "", ErrAccountUnknown
	case err != nil:
		return "", nil //nolint:nilerr // it may come back while we wait
	case row == nil:
		return "", ErrKindUnknown
	case row.ValueHash != before.ValueHash:
		k.adopt(row, clk)
		return ResultRenewed, nil
	case k.planner.heldUntil(row, t.NowMs) > t.NowMs:
		return "", nil // somebody is at it
	case row.NextRefreshMs <= t.NowMs:
		k.prompt(row.AppID)
		return "", nil
	case row.FailCount > 0:
		return "", failureOf(row, t.NowMs)
	}
	return ResultUnchanged, nil
}

// pauseUntilNews waits a little, or until the snapshot of the account changes.
func (k *Keeper) pauseUntilNews(ctx context.Context, appID string) bool {
	var news <-chan struct{}
	if view, found := k.table.Lookup(appID); found {
		news = view.Replaced()
	}
	timer := time.NewTimer(requestPoll)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	return ctx.Err() == nil
}

// failureOf is why the newest attempt on a row failed.
func failureOf(row *model.Credential, nowMs int64) error {
	if row.FailErrcode == 0 && strings.HasPrefix(row.FailText, errNoBudget.Error()) && usedToday(row, nowMs) >= forceByMachines {
		return ErrBudgetSpent
	}
	wait := time.Duration(row.NextRefreshMs-nowMs) * time.Millisecond
	return &RefreshFailed{Errcode: row.FailErrcode, Reason: row.FailText, RetryAfter: max(time.Second, wait)}
}
