package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wxsign/wxsign/model"
)

// The log tells a renewal in one line, an outage of the database in two: its
// begin and its end. What fails between them for the same reason is for those
// who look closer.

// noteDatabase notes the outcome of a statement, and tells when the database
// went and when it came back. That we were told to stop says nothing about it.
func (k *Keeper) noteDatabase(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	turned, away := k.health.database(err)
	switch {
	case !turned:
	case err != nil:
		k.log.Warn("the database does not answer; what lives is served on, and nothing is renewed until it is back", "err", err)
	default:
		k.log.Info("the database answers again", "after", away.Round(time.Millisecond).String())
	}
}

// fromOutage is the level of a line about a failed statement: if the database is
// away, that has been told.
func (k *Keeper) fromOutage() slog.Level {
	if k.health.downSince.Load() != nil {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// tellRenewed is the line of a renewal that brought a new value.
func (k *Keeper) tellRenewed(a *attempt, got answer, p *model.Publication) {
	facts := []any{
		"account", a.row.AppID, "kind", a.row.Kind, "version", a.row.Version + 1, "expires_in", got.grant.ExpiresIn.String(),
		"trigger", a.trigger, "fingerprint", fingerprint(p.ValueHash), "took", got.latency.Round(time.Millisecond),
	}
	if a.row.FailCount > 0 {
		k.log.Info("renewed, after failures", append(facts, "failures", a.row.FailCount)...)
		return
	}
	k.log.Info("renewed", facts...)
}

// tellDoubt tells of a ticket whose end nobody can tell, and why it is fetched so
// often from now on. It returns the text for the history, "" of any other value.
func (k *Keeper) tellDoubt(a *attempt, got answer, v verdict) string {
	older := doubt(a.row, received{sentMs: got.sentMs})
	if v.birthKnown || older <= mostDoubt.Milliseconds() {
		return ""
	}
	text := fmt.Sprintf("WeChat may have made this value up to %s before it was got, for an attempt whose answer was lost: it may end as much earlier, "+
		"so it is fetched again every %s until it changes", (time.Duration(older) * time.Millisecond).Round(time.Second), unknownBirthRecheck)
	k.log.Warn("nobody knows when this value ends", "account", a.row.AppID, "kind", a.row.Kind, "version", a.row.Version+1, "reason", text)
	return text
}

// tellUnchanged is the line of one that brought the value that is there. Some
// tickets are asked for every few minutes until they change, so only one that
// ends a row of failures is news.
func (k *Keeper) tellUnchanged(a *attempt, got answer) {
	level := slog.LevelDebug
	if a.row.FailCount > 0 {
		level = slog.LevelInfo
	}
	k.log.Log(context.Background(), level, "WeChat gave the same value again; it is served on", "account", a.row.AppID, "kind", a.row.Kind,
		"version", a.row.Version, "trigger", a.trigger, "took", got.latency.Round(time.Millisecond), "failures", a.row.FailCount)
}

// tellFailed is the line of an attempt that brought nothing; reason has the mend.
func (k *Keeper) tellFailed(a *attempt, got answer, cause error, f model.Failure) {
	k.log.Warn("renewal failed", "account", a.row.AppID, "kind", a.row.Kind, "errcode", f.Errcode, "rid", ridOf(cause), "trigger", a.trigger,
		"took", got.latency.Round(time.Millisecond), "failed", a.row.FailCount+1,
		"next_try_in", (time.Duration(f.BackoffMs) * time.Millisecond).Round(time.Second).String(), "reason", f.Text)
}

// tellForced tells that one of the day's force refreshes is about to be used.
func (k *Keeper) tellForced(a *attempt, used int) {
	k.log.Info("force refresh: WeChat gives out a token that it calls dead", "account", a.row.AppID, "kind", a.row.Kind,
		"trigger", a.trigger, "forced", used, "of", forcePerDay)
}
