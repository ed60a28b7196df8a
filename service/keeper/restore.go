package keeper

import (
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// replacedLives is how much of the five minutes that a replaced classic token
// lives on is counted on ("Get access token", official account docs): the rest
// is for the call that replaced it, of which we know only when it was due.
const replacedLives = 4 * time.Minute

// Restore serves what an earlier process has kept in a file, while the database
// is away at the start. Start takes over from there: the rows then count, as they
// do against any value in memory. Until then nothing is renewed. What a start
// that failed half-way has read of the rows already is left as it is; so is all
// once Start has read them. It returns how many accounts and values it found fit
// to be served.
func (k *Keeper) Restore(kept []snapshot.Kept) (accounts, values int) {
	if k.loaded.Load() {
		return 0, 0
	}
	k.puts.Lock()
	defer k.puts.Unlock()
	k.trustRows = true // their ends are known better than ours
	k.putStrangers(kept)
	for i := range kept {
		view, found := k.table.Lookup(kept[i].Account.AppID)
		if !found {
			continue
		}
		accounts++
		for _, c := range kept[i].Credentials {
			values += k.restore(&view.Account, c)
		}
	}
	if values > 0 {
		if !k.restored.Swap(true) {
			k.clocks.slept() // counts from here
			k.spawn(k.watchSleep)
		}
		k.health.database(model.ErrUnreachable) // the caller tells of it
	}
	return accounts, values
}

// putStrangers serves the accounts that memory does not hold; it may hold some of
// a start that the database left half-way. All at once: each put builds the index
// of all anew.
func (k *Keeper) putStrangers(kept []snapshot.Kept) {
	var strangers []snapshot.Account
	for i := range kept {
		if _, found := k.table.Lookup(kept[i].Account.AppID); !found {
			strangers = append(strangers, kept[i].Account)
		}
	}
	k.table.PutAccounts(strangers...)
}

// watchSleep does what follow does from the start on: without the database, too, a
// machine that was suspended must not go on with values that ended meanwhile.
func (k *Keeper) watchSleep() {
	for k.sleepUntil(time.Now().Add(k.followInterval), nil) && !k.loaded.Load() {
		k.shorten()
	}
}

// restore serves one value, if it may be; it counts them.
func (k *Keeper) restore(a *snapshot.Account, c snapshot.Credential) int {
	life := time.Duration(c.ExpiresAt-c.IssuedAt) * time.Millisecond
	if kindIsToken(c.Kind) {
		k.noteIssued(a.AppID, c.Kind, c.Value.Hash(), c.Deadline.Add(-life))
	}
	if kindIsToken(c.Kind) && a.Classic {
		c.Deadline = c.Deadline.Add(-k.planner.earlier(life))
	}
	now := time.Now()
	view, found := k.table.Lookup(a.AppID)
	if !found || !view.Account.Enabled || !view.Keeps(c.Kind) || !c.Live(now) {
		return 0
	}
	if held, found := view.Credential(c.Kind); !found || !held.Live(now) {
		k.table.PutCredential(a.AppID, c)
	}
	return 1
}

// earlier is by how much a classic token may end before its time where nobody
// has followed the rows: another replica may have replaced it as soon as that
// was due. A token of the other modes lives on beside the next one to its end.
func (p planner) earlier(life time.Duration) time.Duration {
	margin := time.Duration(p.margin(tokenKind, wechat.Classic, life.Milliseconds())) * time.Millisecond
	return max(0, margin+min(p.timing.Jitter, margin/4)-replacedLives)
}

// Kept is what is served and lives, for a file; false where it cannot be vouched
// for: the database is away, so others may have gone on meanwhile, or this
// machine has just slept and the ends are not known yet.
func (k *Keeper) Kept() (kept []snapshot.Kept, current bool) {
	k.puts.Lock()
	defer k.puts.Unlock()
	if !k.loaded.Load() || k.trustRows || k.health.downSince.Load() != nil || k.clocks.asleep() {
		return nil, false
	}
	now := time.Now()
	for view := range k.table.All() {
		of := view.Kept(now)
		of.Credentials = k.withoutUnpublished(of)
		kept = append(kept, of)
	}
	return kept, true
}

// withoutUnpublished leaves out what no other replica could find.
func (k *Keeper) withoutUnpublished(of snapshot.Kept) []snapshot.Credential {
	k.mu.Lock()
	defer k.mu.Unlock()
	var published []snapshot.Credential
	for _, c := range of.Credentials {
		if k.unpublished[place{of.Account.AppID, c.Kind}] != c.PublishID {
			published = append(published, c)
		}
	}
	return published
}
