package keeper

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// errSealed says that a stored value cannot be opened: with the wrong master
// key, or because somebody changed or moved it.
var errSealed = errors.New("a sealed value cannot be opened")

// describe is the text for administrators: what happened, and the mend.
func describe(err error) string {
	var e *wechat.Error
	switch {
	case errors.Is(err, errNotRisked):
		return err.Error()
	case errors.As(err, &e):
		return e.Error() + " — " + e.Mend()
	case errors.Is(err, errSealed):
		return err.Error() + " — Give wxsign the master key it was sealed with (security.master_key may hold several, one per line), or enter the AppSecret anew."
	case errors.Is(err, errNoBudget):
		return err.Error() + " — Find the program that refreshes this account with force_refresh or holds its AppSecret; a person may refresh in the panel."
	}
	return err.Error()
}

func errcodeOf(err error) int {
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		return e.Errcode
	}
	return 0
}

func ridOf(err error) string {
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		return e.RID
	}
	return ""
}

// waitAfter is the back-off after a failure, with the classes of our own
// errors added to WeChat's.
func waitAfter(row *model.Credential, err error, nowMs int64) time.Duration {
	tokenDamaged := !kindIsToken(row.Kind) && errors.Is(err, secret.ErrNotAuthentic)
	switch {
	case errors.Is(err, errSealed) && !tokenDamaged: // that is fetched anew at once, and the ticket may not have 5 minutes left
		return firstHumanWait
	case errors.Is(err, errForce):
		return forceBackoff(row.FailCount)
	}
	wait := backoff(err, row.FailCount, nowMs)
	switch wechat.ClassOf(err) {
	case wechat.Transient, wechat.TokenDead:
		wait = untilTheEnd(wait, row.ExpiresMs-nowMs)
	case wechat.NeedsHuman:
		if pauseOf(err) == 0 && row.Version > 0 && !row.Dead() {
			wait = aroundTheEnd(wait, row.ExpiresMs-nowMs)
		}
	case wechat.MinuteQuota, wechat.DayQuota: // asking earlier is refused as well
	}
	return afterSilence(wait, row, err)
}

// wakeTickets ends the pauses of tickets that failed by the errcode that the token
// failed by, now that WeChat has granted the token: whoever mended the cause has
// mended it for both, and pages wait for the ticket. A quota is nobody's to mend.
func (k *Keeper) wakeTickets(a *attempt) {
	if !kindIsToken(a.row.Kind) || a.row.FailCount == 0 ||
		wechat.ClassOfErrcode(mode(a.tended), a.row.FailErrcode) != wechat.NeedsHuman {
		return
	}
	for i := range a.tended.Credentials {
		ticket := &a.tended.Credentials[i]
		if kindIsToken(ticket.Kind) || ticket.FailCount == 0 || ticket.FailErrcode != a.row.FailErrcode {
			continue
		}
		if _, err := k.try(func(ctx context.Context) (bool, error) {
			return k.store.MakeDue(ctx, model.Due{
				AppID: ticket.AppID, Kind: ticket.Kind, ValueHash: ticket.ValueHash, EvenFailing: true, OnlyFailing: true,
			})
		}); err != nil {
			k.log.Log(k.hard, slog.LevelDebug, "cannot end the pause of a ticket whose cause is mended", "account", ticket.AppID, "kind", ticket.Kind, "err", err)
		}
	}
}

// troubleOf is what a row says about its newest attempt.
func troubleOf(row *model.Credential, clk clock) snapshot.Trouble {
	if row.FailCount == 0 {
		return snapshot.Trouble{}
	}
	return snapshot.Trouble{Errcode: row.FailErrcode, Text: row.FailText, Failing: row.FailCount, NextTry: clk.reached(row.NextRefreshMs)}
}

func snapshotTrouble(failing int, f model.Failure, next time.Time) snapshot.Trouble {
	return snapshot.Trouble{Errcode: f.Errcode, Text: f.Text, Failing: failing, NextTry: next}
}

// setTrouble notes a trouble if it is another one: each note wakes everybody
// who waits for the account. Two readings of one next try differ by a moment.
func (k *Keeper) setTrouble(appID, kind string, trouble snapshot.Trouble) {
	view, found := k.table.Lookup(appID)
	if !found {
		return
	}
	known := view.Trouble(kind)
	if moved := trouble.NextTry.Sub(known.NextTry).Abs(); moved < time.Second {
		known.NextTry = trouble.NextTry
	}
	if known != trouble {
		k.table.SetTrouble(appID, kind, trouble)
	}
}

// record writes the row of an attempt that this replica has ended.
func (k *Keeper) record(h model.History) {
	k.observer.Ended(h.Kind, h.Outcome, h.Errcode)
	k.recorder.add(h)
}

// history is the row of an attempt.
func (k *Keeper) history(a *attempt, got answer, outcome string, cause error, v verdict) model.History {
	h := model.History{
		AttemptID: a.id, AtMs: a.clock.earliest(time.Now()),
		AppID: a.row.AppID, Kind: a.row.Kind, Version: a.row.Version, Fence: a.row.Fence + 1,
		TriggerName: a.trigger, Actor: a.actor, Outcome: outcome, Errmsg: a.reason,
		LatencyMs: got.latency.Milliseconds(), ExpiresMs: v.expiresMs,
		Fingerprint: got.grant.Value.Fingerprint(),
	}
	if outcome == model.OutcomeRenewed {
		h.Version++
	}
	if cause != nil {
		h.Errcode, h.Errmsg, h.RID = errcodeOf(cause), describe(cause), ridOf(cause)
	}
	return h
}
