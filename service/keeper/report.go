package keeper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

// Report is a caller's word that a value is dead.
type Report struct {
	AppID   string
	Kind    string
	SHA256  string // of the value, in hex
	Errcode int    // that the caller got for it, 0 = not told
	Actor   string // the key's name, for history
	// SeenAt is the path of the call in whose answer this process itself saw
	// WeChat call the value dead; "" = it is somebody's word.
	SeenAt string
}

// What becomes of a report or a request.
const (
	ResultCurrent   = "current"   // another value is current already
	ResultRenewed   = "renewed"   // a new value is current
	ResultAlive     = "alive"     // WeChat takes the token: the trouble is elsewhere
	ResultUnchanged = "unchanged" // WeChat gives the same value again
)

var (
	// ErrBudgetSpent says that WeChat keeps giving out the dead token and that
	// today's force refreshes, or the machines' share of them, are used up.
	ErrBudgetSpent = errors.New("the force refreshes of today are used up")
	// ErrRefreshFailed is in every *RefreshFailed.
	ErrRefreshFailed = errors.New("the value could not be refreshed")
)

// RefreshFailed says why there is no new value and when to ask again.
type RefreshFailed struct { //nolint:errname // it is a word to the caller first
	Errcode    int           // WeChat's, 0 where there was none
	Reason     string        // for people; never with a value in it
	RetryAfter time.Duration // at least a second
}

// Error is the reason.
func (e *RefreshFailed) Error() string {
	return ErrRefreshFailed.Error() + ": " + strings.TrimSuffix(e.Reason, ".")
}

// Unwrap gives ErrRefreshFailed.
func (e *RefreshFailed) Unwrap() error { return ErrRefreshFailed }

func refreshFailed(reason string, retryAfter time.Duration) error {
	return &RefreshFailed{Reason: reason, RetryAfter: max(time.Second, retryAfter)}
}

// Report acts on a caller's word that a value is dead, and returns when it is
// known what that means:
//
//   - the value is not the current one: ResultCurrent, without any call;
//   - WeChat, asked at most once in 30 s for all replicas, takes the token, or has
//     given it out since it was asked about the one before: ResultAlive. What was
//     seen here is stronger than an answer from before it, see seen.go;
//   - the token is dead: one renewal for all callers of all replicas, waited for
//     until the new value is current here: ResultRenewed. In stable mode that is
//     a normal call; only if it brings the dead token again, and the budget
//     allows, a force refresh;
//   - a ticket cannot be proved: it is fetched, at most once in 30 s:
//     ResultRenewed, or ResultUnchanged where WeChat gives the same one.
//
// Errors are ErrAccountUnknown, ErrAccountDisabled, ErrKindUnknown, *NotReady
// where there is no live value to go on with, ErrBudgetSpent, and *RefreshFailed.
func (k *Keeper) Report(ctx context.Context, r Report) (result string, err error) {
	r.SHA256 = strings.ToLower(r.SHA256)
	if err := k.keeps(r.AppID, r.Kind); err != nil {
		return "", err
	}
	at := place{r.AppID, r.Kind}
	if k.heldHash(at) != r.SHA256 { // or the snapshot is a second behind: one look for all who ask
		if _, err := k.await(ctx, caseKey{at, otherValue}, k.freshen(r.AppID)); err != nil {
			return "", err
		}
	}
	if k.heldHash(at) == r.SHA256 {
		return k.judge(ctx, at, r)
	}
	if _, err := k.Current(r.AppID, r.Kind); err != nil {
		return "", err
	}
	return ResultCurrent, nil
}

// freshen adopts the account's rows as they are now. Without the database, what
// memory holds is the answer.
func (k *Keeper) freshen(appID string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		if t, clk, err := k.read(appID); err == nil {
			for i := range t.Credentials {
				k.adopt(&t.Credentials[i], clk)
			}
		}
		return ResultCurrent, nil
	}
}

// settleReport finds out whether the reported value is dead, and sees to a new
// one. It is run once for all callers of this replica.
func (k *Keeper) settleReport(ctx context.Context, r Report) (string, error) {
	t, clk, err := k.read(r.AppID)
	row := t.Credential(r.Kind)
	switch {
	case err != nil:
		return k.reportBlind(ctx, r, err)
	case row == nil:
		return "", ErrKindUnknown
	case row.ValueHash != r.SHA256:
		k.adopt(row, clk)
		return ResultCurrent, nil
	case !kindIsToken(r.Kind):
		return k.settleTicket(ctx, r, &t, row)
	}
	if !row.Dead() && row.ExpiresMs > t.NowMs {
		why := request{model.TriggerReport, r.Actor, reasonOf(r)}
		seenMs := int64(0)
		if r.SeenAt != "" {
			seenMs = t.NowMs
		}
		verdict, err := k.doubt(ctx, row, why, seenMs)
		if err != nil || verdict == ResultAlive {
			return verdict, err
		}
		if row, err = k.condemn(ctx, row, why); err != nil {
			return "", err
		}
	}
	return k.awaitEnd(ctx, row)
}

// reasonOf says in the history what the caller saw.
func reasonOf(r Report) string {
	switch {
	case r.Errcode == 0:
		return "reported as dead"
	case r.SeenAt != "":
		return fmt.Sprintf("the relay was answered errcode %d", r.Errcode)
	}
	return fmt.Sprintf("reported as dead with errcode %d", r.Errcode)
}

// settleTicket fetches a reported ticket once more.
func (k *Keeper) settleTicket(ctx context.Context, r Report, t *model.Tended, row *model.Credential) (string, error) {
	if !tokenLives(t) {
		return "", refreshFailed(noLiveToken, k.retryOf(t))
	}
	due, err := k.makeDue(ctx, row, request{model.TriggerReport, r.Actor, reasonOf(r)})
	if err != nil {
		return "", k.databaseAway(err)
	}
	if !due && row.FailCount == 0 {
		return k.justTried(ctx, row, r)
	}
	return k.awaitEnd(ctx, row)
}

// justTried is the answer where the ticket was fetched less than 30 s ago, by
// whomever.
func (k *Keeper) justTried(ctx context.Context, before *model.Credential, r Report) (string, error) {
	t, clk, err := k.read(r.AppID)
	row := t.Credential(r.Kind)
	switch {
	case err != nil:
		return "", k.databaseAway(err)
	case row == nil:
		return "", ErrKindUnknown
	case row.ValueHash != before.ValueHash:
		k.adopt(row, clk)
		return ResultRenewed, nil
	case row.FailCount > 0 || row.LeaseOwner != "":
		return k.awaitEnd(ctx, row)
	}
	return ResultUnchanged, nil
}

// noLiveToken is why no ticket can be fetched.
const noLiveToken = "a ticket is fetched with a live access_token, and there is none now; its renewal goes first"

// retryOf is when the account's token is tried next.
func (k *Keeper) retryOf(t *model.Tended) time.Duration {
	token := liveToken(t)
	if token == nil {
		return time.Minute
	}
	return time.Duration(max(token.NextRefreshMs-t.NowMs, 0))*time.Millisecond + 2*time.Second
}

// condemn marks the token as dead for all replicas and returns the row as it is
// then.
func (k *Keeper) condemn(ctx context.Context, row *model.Credential, why request) (*model.Credential, error) {
	k.note(ctx, row, why)
	_, err := k.try(func(ctx context.Context) (bool, error) {
		return k.store.MarkDead(ctx, row.AppID, row.Kind, row.ValueHash, k.planner.timing.MinInterval.Milliseconds())
	})
	if err != nil {
		return nil, k.databaseAway(err)
	}
	t, _, err := k.read(row.AppID)
	now := t.Credential(row.Kind)
	switch {
	case err != nil:
		return nil, k.databaseAway(err)
	case now == nil:
		return nil, ErrKindUnknown
	case now.ValueHash == row.ValueHash && !now.Dead():
		wait := k.planner.timing.MinInterval - time.Duration(t.NowMs-now.IssuedMs)*time.Millisecond
		return nil, refreshFailed("WeChat calls the token dead though it was renewed a moment ago; two renewals are at least "+
			k.planner.timing.MinInterval.String()+" apart", wait+time.Second)
	}
	if now.ValueHash != row.ValueHash {
		return row, nil // renewed meanwhile: awaitEnd sees it
	}
	return now, nil
}

// databaseAway is the answer where nothing can be renewed.
func (k *Keeper) databaseAway(err error) error {
	k.log.Warn("cannot act on a report or request", "err", err)
	return refreshFailed("wxsign cannot reach its database, and without it nothing is renewed", databaseRetry)
}

// databaseRetry is when to ask again after the database could not be asked.
const databaseRetry = 5 * time.Second
