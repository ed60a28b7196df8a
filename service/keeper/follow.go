package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
)

const (
	// followInterval is the usual time between two looks for changes, give or take
	// a fifth.
	followInterval = time.Second
	// followOverlap reaches back behind the last look: a transaction may
	// commit later than the instant that it wrote into updated_ms.
	followOverlap = 10 * time.Second
	// fullFollowInterval is the time between two comparisons of everything.
	fullFollowInterval = time.Minute
	// fullFollowRetry is the time to the next one where one has failed.
	fullFollowRetry = 10 * time.Second
	// historyGrace is how long the history row of a publish must have been missing
	// before that means that its holder died.
	historyGrace = 30 * time.Second
	// historyReach is how far back such rows are looked for: a lone replica may
	// have been down for a while after it died.
	historyReach = 24 * time.Hour
)

// follow adopts what other replicas publish and what people edit, until the
// keeper stops. It does so by polling: a notification can be lost, a row not.
func (k *Keeper) follow(sinceMs int64) {
	nextFull := time.Now()
	k.clocks.slept() // counts from here
	for k.sleepUntil(time.Now().Add(k.followInterval*4/5+upTo(k.followInterval*2/5)), nil) {
		k.shorten()
		from := max(1, sinceMs-followOverlap.Milliseconds()) // 0 asks for all
		full := !time.Now().Before(nextFull)
		if full {
			from = 0
			nextFull = time.Now().Add(fullFollowRetry)
		}
		clk, err := k.followOnce(from)
		k.noteDatabase(err)
		if err != nil {
			k.log.Debug("cannot follow the database", "err", err)
			continue
		}
		sinceMs = clk.nowMs
		if k.clocks.look(clk) {
			if err := k.putRight(); err != nil {
				k.log.Warn("cannot put the rows right after the database's clock was set; trying again", "err", err)
			}
		}
		if full {
			nextFull = time.Now().Add(fullFollowInterval)
			k.forgetIssued()
			k.completeHistory(clk.nowMs)
			if k.alignRows() {
				nextFull = time.Now() // their accounts may be news, too
			}
		}
	}
}

// followOnce adopts what moved since a database time, 0 for all, and returns the
// clock of the look.
func (k *Keeper) followOnce(fromMs int64) (clock, error) {
	ctx, cancel := context.WithTimeout(k.hard, 2*dbTimeout)
	defer cancel()
	var listed []string
	if fromMs == 0 {
		var err error
		if listed, err = k.store.AppIDs(ctx); err != nil {
			return clock{}, err
		}
	}
	marks, clk, err := k.marks(ctx, fromMs)
	if err != nil {
		return clock{}, err
	}
	if fromMs != 0 || !k.fits(listed, marks) {
		if err := k.followAccounts(ctx, fromMs); err != nil {
			return clock{}, err
		}
	}
	if err := k.readAnew(ctx, clk); err != nil {
		return clk, err
	}
	if fromMs == 0 {
		k.mendRows(marks, clk)
	}
	return clk, k.takeCredentials(ctx, k.changedCredentials(marks))
}

// fits reports whether memory holds the accounts that are listed and no others, in
// the revisions of all credential rows. Nearly always it does; then the accounts
// need not be read, which with fifty thousand is the largest thing that this process
// ever does. An account whose rows have not been given its revision yet is found by
// the look that follows alignRows at once.
func (k *Keeper) fits(appIDs []string, marks []model.Mark) bool {
	if len(appIDs) != k.table.Len() {
		return false
	}
	for _, appID := range appIDs {
		if _, found := k.table.Lookup(appID); !found {
			return false
		}
	}
	for i := range marks {
		if view, found := k.table.Lookup(marks[i].AppID); !found || view.Account.Rev != marks[i].ConfigRev {
			return false
		}
	}
	return true
}

// followAccounts adopts what people edited since a database time. From 0 on it reads
// all accounts, and drops those that are gone.
func (k *Keeper) followAccounts(ctx context.Context, fromMs int64) error {
	edited, err := k.store.AccountsSince(ctx, fromMs)
	if err != nil {
		return err
	}
	if fromMs == 0 {
		k.dropDeleted(edited)
	}
	if changed := k.changedAccounts(edited); len(changed) > 0 {
		return k.takeAccounts(ctx, changed)
	}
	return nil
}

// marks reads marks with the clock of the reading.
func (k *Keeper) marks(ctx context.Context, fromMs int64) ([]model.Mark, clock, error) {
	before := time.Now()
	marks, nowMs, err := k.store.Marks(ctx, fromMs)
	return marks, clock{nowMs: nowMs, before: before, after: time.Now()}, err
}

// dropDeleted stops to serve the accounts that the database has no more. A
// database without any is not believed: it is more likely to have lost them.
func (k *Keeper) dropDeleted(all []model.Account) {
	if len(all) == 0 {
		if k.table.Len() > 0 {
			k.log.Error("the database has no accounts any more; those in memory are served on until wxsign restarts")
		}
		return
	}
	stored := make(map[string]bool, len(all))
	for i := range all {
		stored[all[i].AppID] = true
	}
	for view := range k.table.All() {
		if appID := view.Account.AppID; !stored[appID] {
			k.log.Warn("the account was deleted and is not served any more", "account", appID)
			k.table.Remove(appID)
		}
	}
}

// dropStrangers stops to serve the accounts of a file that have been deleted
// since it was written.
func (k *Keeper) dropStrangers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*dbTimeout)
	defer cancel()
	all, err := k.store.AccountsSince(ctx, 0)
	if err != nil {
		return err
	}
	k.dropDeleted(all)
	return nil
}

// changedAccounts are the rows that memory holds in another revision.
func (k *Keeper) changedAccounts(rows []model.Account) []model.Account {
	var changed []model.Account
	for i := range rows {
		view, found := k.table.Lookup(rows[i].AppID)
		if !found || view.Account.Rev != rows[i].ConfigRev {
			changed = append(changed, rows[i])
		}
	}
	return changed
}

// changedCredentials are the accounts with a row that memory holds otherwise.
func (k *Keeper) changedCredentials(marks []model.Mark) []string {
	seen := make(map[string]bool)
	var appIDs []string
	for _, m := range marks {
		view, found := k.table.Lookup(m.AppID)
		if !found || seen[m.AppID] || isCurrent(view, m) {
			continue
		}
		seen[m.AppID] = true
		appIDs = append(appIDs, m.AppID)
	}
	return appIDs
}

func isCurrent(view *snapshot.View, m model.Mark) bool {
	if view.Trouble(m.Kind).Failing != m.FailCount {
		return false
	}
	held, found := view.Credential(m.Kind)
	if !found {
		return m.Version == 0
	}
	return held.Version == m.Version && held.PublishID == m.PublishID && held.ExpiresAt == m.ExpiresMs
}

// alignRows mends the credential rows of accounts whose editor died between the
// account and them, and reports whether there were any. All replicas may do so at once.
func (k *Keeper) alignRows() (aligned bool) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	rows, err := k.store.Misaligned(ctx)
	for i := range rows {
		err = errors.Join(err, k.store.AlignCredentials(ctx, rows[i], rows[i].Kinds()))
	}
	if len(rows) > 0 || err != nil {
		k.log.Warn("credential rows did not fit their accounts; aligned", "accounts", len(rows), "err", err)
	}
	return len(rows) > 0 && err == nil
}

// completeHistory writes the rows of publishes whose holder died before it
// could. Every replica may try: the publish id is unique. The grace is counted
// from here, whatever happens to the credential meanwhile; a holder that lives
// has written its row by then.
func (k *Keeper) completeHistory(nowMs int64) {
	if k.recorder.stuck.Load() || !k.recorder.roomy() {
		return // they could not be written either, or nearly all of them wait here
	}
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	rows, err := k.store.UnwrittenHistory(ctx, nowMs-historyReach.Milliseconds())
	if err != nil {
		k.log.Warn("cannot look for unwritten history", "err", err)
	}
	if len(rows) == 0 {
		return
	}
	k.spawn(func() {
		if !k.sleepUntil(time.Now().Add(historyGrace), nil) {
			return // the next start looks again
		}
		for i := range rows {
			for !k.recorder.roomy() {
				if !k.sleepUntil(time.Now().Add(time.Second), nil) {
					return
				}
			}
			k.recorder.complete(&rows[i])
		}
	})
}
