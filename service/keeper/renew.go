package keeper

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

// answer is what a call brought, with the instants around it.
type answer struct {
	grant   wechat.Grant
	sentMs  int64 // database clock; can only be too early
	latency time.Duration
}

// attempt claims the row, asks WeChat and publishes. It returns errLost where
// another replica has the row; every other outcome is written to the row and
// to history, so it is no error here.
func (k *Keeper) attempt(t *model.Tended, row *model.Credential, clk clock) error {
	a, err := k.claim(t, row, clk)
	if err != nil {
		return err
	}
	if k.working.Err() != nil || time.Until(a.trusted) < k.upstreamBudget() {
		k.releaseUnused(a)
		return errLost
	}
	ctx, cancel := context.WithDeadline(k.hard, a.trusted)
	defer cancel()
	got, err := k.ask(ctx, a)
	if err != nil {
		k.failed(a, got, err)
		return errFailed
	}
	k.succeeded(a, got)
	k.wakeTickets(a)
	return nil
}

// upstreamBudget is what must be left of the trust in a claim to begin a call.
func (k *Keeper) upstreamBudget() time.Duration { return (k.planner.timing.Lease - trustMargin) / 3 }

// ask makes the upstream call under the claim.
func (k *Keeper) ask(ctx context.Context, a *attempt) (answer, error) {
	if !kindIsToken(a.row.Kind) {
		return k.askTicket(ctx, a)
	}
	appSecret, err := k.keyring.Open(a.tended.SecretEnc, AppSecretPlace(a.row.AppID))
	if err != nil {
		return answer{}, fmt.Errorf("%w: the AppSecret: %w", errSealed, err)
	}
	request := wechat.TokenRequest{AppID: a.row.AppID, Secret: appSecret, Mode: mode(a.tended)}
	if request.Mode == wechat.Classic {
		if err := k.testTheWater(ctx, a); err != nil {
			return answer{}, err
		}
	}
	got, err := k.askToken(ctx, a, request)
	if err != nil || !a.row.Dead() || got.grant.Value.Hash() != a.row.DeadHash {
		return got, err
	}
	switch request.Mode {
	case wechat.Stable:
		return k.askForced(ctx, a, request)
	case wechat.WeComMode:
		return got, errNoForce
	case wechat.Classic: // every call makes a new one
	}
	return got, nil
}

func (k *Keeper) askToken(ctx context.Context, a *attempt, r wechat.TokenRequest) (answer, error) {
	return k.timed(a, func() (wechat.Grant, error) { return k.upstream(r.AppID).Token(ctx, r) })
}

func (k *Keeper) askTicket(ctx context.Context, a *attempt) (answer, error) {
	token, err := k.openValue(liveToken(a.tended))
	if err != nil {
		k.replaceSealed(liveToken(a.tended), err)
		return answer{}, err
	}
	return k.timed(a, func() (wechat.Grant, error) { return k.upstream(a.row.AppID).Ticket(ctx, token, a.row.Kind) })
}

func (k *Keeper) timed(a *attempt, call func() (wechat.Grant, error)) (answer, error) {
	sent := time.Now()
	grant, err := call()
	took := time.Since(sent)
	k.called(a.row.Kind, err, took)
	return answer{grant: grant, sentMs: a.clock.earliest(sent), latency: took}, err
}

// succeeded judges a value and writes it to the row.
func (k *Keeper) succeeded(a *attempt, got answer) {
	v := k.planner.judge(a.row, mode(a.tended), received{
		hash: got.grant.Value.Hash(), lifeMs: k.lifeLeft(a.row, got).Milliseconds(),
		sentMs: got.sentMs, nowMs: a.clock.earliest(time.Now()),
	})
	if v.publish || !k.opens(a.row) {
		k.publish(a, got, v)
		return
	}
	noted := k.settle(a, func(ctx context.Context) (bool, error) {
		return k.store.Unchanged(ctx, a.grant, v.expiresMs, v.nextRefreshMs)
	})
	if !noted {
		k.release(a) // an edit of the account has overtaken the answer
	}
	k.record(k.history(a, got, model.OutcomeUnchanged, nil, v))
	k.tellUnchanged(a, got)
}

// settle ends a claim by a statement that may be repeated, until it is in or
// the claim is not ours to end any more.
func (k *Keeper) settle(a *attempt, write func(context.Context) (bool, error)) bool {
	for pause := firstPublishPause; ; pause = min(2*pause, mostPublishPause) {
		done, err := k.try(write)
		if err == nil {
			return done
		}
		k.log.Log(k.hard, again(pause), "cannot note the outcome of a renewal yet", "account", a.row.AppID, "kind", a.row.Kind, "err", err)
		if time.Until(a.trusted) < pause || !k.pause(pause) {
			return false
		}
	}
}

func (k *Keeper) try(write func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	return write(ctx)
}

// pause reports false where work in progress must be dropped.
func (k *Keeper) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.hard.Done():
		return false
	}
}

// publish writes the value, then serves it.
func (k *Keeper) publish(a *attempt, got answer, v verdict) {
	p := model.Publication{
		PublishID: NewID(), KeyID: k.keyring.SealingKeyID(), ValueHash: got.grant.Value.Hash(),
		IssuedMs: got.sentMs, ExpiresMs: v.expiresMs, LifeMs: got.grant.ExpiresIn.Milliseconds(),
		BirthKnown: v.birthKnown, NextRefreshMs: v.nextRefreshMs,
	}
	p.ValueEnc = k.keyring.Seal(got.grant.Value, ValuePlace(a.row.AppID, a.row.Kind, p.PublishID))
	before := k.held(a.row)
	if !k.writePublication(a, got.grant.Value, p) {
		k.withdraw(a.row, p.PublishID, before)
		k.release(a)
		k.record(k.history(a, got, model.OutcomeFailed, errDropped, verdict{}))
		return
	}
	k.serve(a, got.grant.Value, p)
	h := k.history(a, got, model.OutcomeRenewed, nil, v)
	h.PublishID = &p.PublishID
	if doubts := k.tellDoubt(a, got, v); doubts != "" {
		h.Errmsg = strings.TrimPrefix(h.Errmsg+"; "+doubts, "; ") // after the words of who asked for it
	}
	if kindIsToken(a.row.Kind) {
		h.ValueHash, h.IssuedMs = p.ValueHash, p.IssuedMs
	}
	k.record(h)
	k.tellRenewed(a, got, &p)
}

// writePublication repeats the guarded write until it is in, until the claim
// is another's, or until the value has ended: WeChat has issued it and there
// may be no second one, so it must not be thrown away for a lost connection.
// While the database is away this replica serves it already.
func (k *Keeper) writePublication(a *attempt, value secret.Secret, p model.Publication) bool {
	defer k.setUnpublished(a.row, "")
	for pause := firstPublishPause; ; pause = min(2*pause, mostPublishPause) {
		done, err := k.tryPublication(a.grant, p)
		if err == nil {
			return done
		}
		k.log.Log(k.hard, again(pause), "cannot publish yet; the value is served by this replica and tried again", "account", a.row.AppID, "kind", a.row.Kind, "err", err)
		k.setUnpublished(a.row, p.PublishID)
		k.serve(a, value, p)
		if time.Now().After(a.clock.deadline(p.ExpiresMs)) || !k.pause(pause) {
			return false
		}
	}
}

// errDropped is an outcome for the history: WeChat gave a value in vain.
var errDropped = errors.New("another replica took over, or the account was edited, before the new value could be published; the value was dropped")

// again is the level of a line about the same failure: the first is news.
func again(pause time.Duration) slog.Level {
	if pause == firstPublishPause {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

const (
	firstPublishPause = 100 * time.Millisecond
	mostPublishPause  = 2 * time.Second
)

// tryPublication writes once. Where no row changed, the publication may still
// be in, from an earlier try whose answer was lost.
func (k *Keeper) tryPublication(g model.Grant, p model.Publication) (bool, error) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	published, err := k.store.Publish(ctx, g, p)
	if err != nil || published {
		return published, err
	}
	return k.store.Published(ctx, g, p.PublishID)
}

// failed ends the claim with a back-off; the stored value stays as it is.
func (k *Keeper) failed(a *attempt, got answer, cause error) {
	if isDead(cause) {
		k.tokenDead(a)
	}
	outcome := model.OutcomeFailed
	if errors.Is(cause, errNoBudget) || errors.Is(cause, errNotRisked) {
		outcome = model.OutcomeRefused
	}
	k.record(k.history(a, got, outcome, cause, verdict{}))
	if k.edited(a) { // this failure says nothing about the account as it is now
		if isUnissued(cause) {
			k.releaseUnused(a)
		} else {
			k.release(a)
		}
		return
	}
	wait := waitAfter(a.row, cause, a.clock.earliest(time.Now()))
	f := model.Failure{Errcode: errcodeOf(cause), Text: describe(cause), BackoffMs: wait.Milliseconds(), Unissued: isUnissued(cause)}
	if k.settle(a, func(ctx context.Context) (bool, error) { return k.store.Fail(ctx, a.grant, f) }) {
		k.setTrouble(a.row.AppID, a.row.Kind, snapshotTrouble(a.row.FailCount+1, f, time.Now().Add(wait)))
	}
	k.tellFailed(a, got, cause, f)
}

// edited reports whether the account was changed since the attempt read it.
func (k *Keeper) edited(a *attempt) bool {
	t, _, err := k.read(a.row.AppID)
	return err == nil && t.ConfigRev != a.grant.ConfigRev
}

// tokenDead acts on WeChat's word that the token it was asked with is dead:
// the token becomes due, once, and not if it is brand-new.
func (k *Keeper) tokenDead(a *attempt) {
	token := a.tended.Credential(tokenKind)
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	marked, err := k.store.MarkDead(ctx, token.AppID, token.Kind, token.ValueHash, k.planner.timing.MinInterval.Milliseconds())
	switch {
	case err != nil:
		k.log.Warn("WeChat calls the access_token dead before its time, and that could not be noted; the next attempt finds out again",
			"account", token.AppID, "version", token.Version, "err", err)
	case marked:
		k.log.Warn("WeChat calls the access_token dead before its time; somebody else may be refreshing this account",
			"account", token.AppID, "version", token.Version)
	}
}

// NewID is 128 random bits in hex: the form of attempt_id and publish_id.
func NewID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}
