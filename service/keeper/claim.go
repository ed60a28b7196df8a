package keeper

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

// trustMargin is how long before the end of its lease a holder stops to trust
// it: database nodes may disagree by that much about the time.
const trustMargin = 10 * time.Second

// attempt is one claim with what is done under it.
type attempt struct {
	id      string // unique; the history row's attempt_id
	grant   model.Grant
	trigger string
	row     *model.Credential
	tended  *model.Tended
	clock   clock
	// trusted is the local instant until which the claim is surely ours. It
	// counts from before the claim was sent, and monotonically, so a process
	// that was stopped finds out when it goes on.
	trusted time.Time
}

// claim tries to win the row. Without an error the claim is ours; errLost
// means that it is not.
func (k *Keeper) claim(t *model.Tended, row *model.Credential, clk clock) (*attempt, error) {
	id := NewID()
	a := &attempt{
		id: id, trigger: triggerOf(row), row: row, tended: t, clock: clk,
		grant: model.Grant{
			AppID: row.AppID, Kind: row.Kind, Owner: k.replica + "/" + id,
			Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev,
		},
	}
	for try := 0; ; try++ {
		a.trusted = time.Now().Add(k.planner.timing.Lease - trustMargin)
		held, err := k.sendClaim(a.grant)
		switch {
		case held:
			k.recordVanished(a)
			if a.trigger == model.TriggerReport && kindIsToken(row.Kind) {
				a.trigger = k.deadTrigger(row)
			}
			return a, nil
		case err == nil:
			return nil, errLost
		case errors.Is(err, model.ErrNotApplied) && try < mostConflicts:
			time.Sleep(upTo(conflictPause))
		default:
			return nil, err
		}
	}
}

// A conflict means that the statement did not happen; a few repetitions with
// random pauses let the others through.
const (
	mostConflicts = 3
	conflictPause = 50 * time.Millisecond
)

// sendClaim sends the compare-and-swap once. After an error that leaves its
// outcome open it does not send again: it reads back who holds the row. If
// that cannot be read either, the claim counts as lost and ends by itself.
func (k *Keeper) sendClaim(g model.Grant) (bool, error) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	held, err := k.store.Claim(ctx, g, k.planner.timing.Lease.Milliseconds())
	if err == nil || errors.Is(err, model.ErrNotApplied) {
		return held, err
	}
	ctx, cancel = context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	held, readErr := k.store.Holds(ctx, g)
	if readErr != nil {
		return false, errors.Join(err, readErr)
	}
	return held, nil
}

// release gives an unused claim back, so that nobody has to wait for its end.
func (k *Keeper) release(a *attempt) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	if _, err := k.store.Release(ctx, a.grant); err != nil {
		k.log.Warn("cannot give a claim back; it ends by itself", "account", a.grant.AppID, "kind", a.grant.Kind, "err", err)
	}
}

// recordVanished writes the history row of the attempt whose holder never
// ended it. The attempt's id stands in the row we took over, so the row is
// written once whoever finds it.
func (k *Keeper) recordVanished(a *attempt) {
	replica, attemptID, found := splitOwner(a.row.LeaseOwner)
	if !found {
		return
	}
	k.recorder.add(model.History{
		AttemptID: attemptID, AtMs: a.row.LeaseUntilMs,
		AppID: a.row.AppID, Kind: a.row.Kind, Version: a.row.Version, Fence: a.row.Fence,
		TriggerName: model.TriggerSchedule, Actor: replica, Outcome: model.OutcomeFailed,
		Errmsg: "the replica that held the claim ended or lost its database before it could tell the outcome; " + k.replica + " took over",
	})
}

// splitOwner takes lease_owner and published_by apart.
func splitOwner(owner string) (replica, attemptID string, found bool) {
	slash := strings.LastIndexByte(owner, '/')
	if slash < 0 {
		return owner, "", false
	}
	return owner[:slash], owner[slash+1:], true
}
