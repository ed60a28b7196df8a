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
	actor   string // the replica, or who asked for it
	reason  string // that they gave
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
		id: id, trigger: triggerOf(row), actor: k.replica, row: row, tended: t, clock: clk,
		grant: model.Grant{
			AppID: row.AppID, Kind: row.Kind, Owner: k.replica + "/" + id,
			Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev, AskedMs: row.AskedMs,
		},
	}
	for try := 0; ; try++ {
		a.trusted = time.Now().Add(k.planner.timing.Lease - trustMargin)
		held, err := k.sendClaim(a.grant)
		k.observer.Claimed(row.Kind, held)
		switch {
		case held:
			k.recordVanished(a)
			k.recordOvertaken(a)
			k.attribute(a)
			return a, nil
		case err == nil:
			return nil, errLost
		case errors.Is(err, model.ErrNotApplied) && try < mostConflicts:
			time.Sleep(upTo(conflictPause))
		default:
			k.doubtClaim(row.AppID)
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
// that cannot be read either, the claim counts as lost; should it be in, the
// next look at the account finds it and gives it back.
func (k *Keeper) sendClaim(g model.Grant) (bool, error) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	held, err := k.store.Claim(ctx, g, k.planner.timing.Lease.Milliseconds())
	if err == nil || errors.Is(err, model.ErrNotApplied) {
		k.noteWrite(false, nil)
		return held, err
	}
	ctx, cancel = context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	held, readErr := k.store.Holds(ctx, g)
	if readErr != nil {
		return false, errors.Join(err, readErr)
	}
	k.noteWrite(!held, err)
	return held, nil
}

// attribute finds out on whose behalf the attempt is made. Where that cannot be
// read, history says what the row tells.
func (k *Keeper) attribute(a *attempt) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	asked, err := k.store.RequestBefore(ctx, a.row.AppID, a.row.Kind, a.row.Fence)
	switch {
	case err == nil:
		a.trigger, a.actor, a.reason = asked.TriggerName, asked.Actor, asked.Reason
	case a.trigger == model.TriggerReport && kindIsToken(a.row.Kind):
		a.trigger = k.deadTrigger(a.row)
	}
}

// release gives a claim back under which WeChat may have issued a value, so that
// nobody has to wait for its end.
func (k *Keeper) release(a *attempt) { k.giveBack(a.grant, k.store.Release) }

// releaseUnused gives one back under which it surely has not.
func (k *Keeper) releaseUnused(a *attempt) { k.giveBack(a.grant, k.store.ReleaseUnused) }

func (k *Keeper) giveBack(g model.Grant, release func(context.Context, model.Grant) (bool, error)) {
	_, err := k.try(func(ctx context.Context) (bool, error) { return release(ctx, g) })
	if err != nil {
		k.log.Warn("cannot give a claim back; it ends by itself", "account", g.AppID, "kind", g.Kind, "err", err)
	}
}

// doubtClaim remembers that a claim may be in, or may still come in, that nobody
// here works under. Such a row looks held, so no scan would list its account.
func (k *Keeper) doubtClaim(appID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.doubted[appID] = time.Now().Add(k.planner.timing.Lease)
}

// doubtedAccounts are those whose claims may be in unknown to us, until such a
// claim would have ended.
func (k *Keeper) doubtedAccounts() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var appIDs []string
	for appID, until := range k.doubted {
		if time.Now().After(until) {
			delete(k.doubted, appID)
			continue
		}
		appIDs = append(appIDs, appID)
	}
	return appIDs
}

// releaseOrphans gives back the claims that stand in this replica's name: the
// goroutine that tends the account is the only one that works under any, and it
// is just about to look for work. It reports whether there were some. WeChat may
// have been asked under one whose outcome could not be noted.
func (k *Keeper) releaseOrphans(t *model.Tended) (found bool) {
	for i := range t.Credentials {
		row := &t.Credentials[i]
		replica, id, _ := splitOwner(row.LeaseOwner)
		if replica != k.replica || id == "" {
			continue
		}
		found = true
		k.log.Warn("a claim of ours whose answer was lost is in; giving it back", "account", row.AppID, "kind", row.Kind)
		k.giveBack(model.Grant{AppID: row.AppID, Kind: row.Kind, Owner: row.LeaseOwner, Fence: row.Fence - 1}, k.store.Release)
	}
	return found
}

// recordVanished writes the history row of the attempt whose holder never
// ended it. The attempt's id stands in the row we took over, so the row is
// written once whoever finds it.
func (k *Keeper) recordVanished(a *attempt) {
	replica, attemptID, found := splitOwner(a.row.LeaseOwner)
	if !found {
		return
	}
	k.log.Info("took over the claim of a replica that ended or lost its database", "account", a.row.AppID, "kind", a.row.Kind, "holder", replica)
	k.recorder.add(model.History{
		AttemptID: attemptID, AtMs: a.row.LeaseUntilMs,
		AppID: a.row.AppID, Kind: a.row.Kind, Version: a.row.Version, Fence: a.row.Fence,
		TriggerName: model.TriggerSchedule, Actor: replica, Outcome: model.OutcomeFailed,
		Errmsg: "the replica that held the claim ended or lost its database before it could tell the outcome; " + k.replica + " took over",
	})
}

// recordOvertaken sees to the history row of the publish that this attempt is
// about to replace: once it is replaced, nothing else tells of it. Its publisher
// gets historyGrace to write the row itself.
func (k *Keeper) recordOvertaken(a *attempt) {
	publisher, _, found := splitOwner(a.row.PublishedBy)
	if !found || publisher == k.replica {
		return
	}
	row := *a.row
	young := historyGrace - time.Duration(a.tended.NowMs-row.IssuedMs)*time.Millisecond
	if young <= 0 {
		k.recorder.complete(&row)
		return
	}
	k.spawn(func() {
		k.sleepUntil(time.Now().Add(min(young, historyGrace)), nil) // or until the stop
		k.recorder.complete(&row)
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
