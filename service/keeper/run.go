package keeper

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/wxsign/wxsign/service/panics"
)

// Start loads what is stored into the snapshot, follows it from then on and
// looks for due credentials at once. It returns when everything stored is
// being served; an error means that the database could not be read.
func (k *Keeper) Start(ctx context.Context) error {
	sinceMs, err := k.Load(ctx)
	if err != nil {
		return err
	}
	if k.restored.Load() {
		if err := k.dropStrangers(ctx); err != nil {
			return err
		}
		k.health.database(nil) // the caller tells of it
	}
	k.loaded.Store(true)
	k.recorder.start(k.hard)
	k.spawn(func() { k.follow(sinceMs) })
	k.Scan(ctx)
	return nil
}

// Scan looks for credentials that are due before the next scan and starts
// tending their accounts, and for tokens to probe. Cron calls it; it does not
// wait for the renewals.
func (k *Keeper) Scan(ctx context.Context) {
	if k.working.Err() != nil || !k.loaded.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	k.tendDue(ctx)
	if k.probeInterval > 0 {
		k.probeDue(ctx)
	}
}

func (k *Keeper) tendDue(ctx context.Context) {
	due, err := k.store.DueAccounts(ctx, k.lookahead.Milliseconds(), k.planner.timing.Lease.Milliseconds(), scanLimit)
	k.noteDatabase(err)
	if err != nil {
		k.log.Debug("cannot look for due credentials", "err", err)
		return
	}
	for _, appID := range append(due, k.doubtedAccounts()...) {
		k.beginTending(appID)
	}
}

// recoverFrom keeps a fault that one account's answers bring out from ending
// the process, and with it all other accounts; the claim ends by itself.
func (k *Keeper) recoverFrom(appID string) {
	if fault := recover(); fault != nil {
		k.log.Error("tending the account panicked; the next scan tries again", "account", appID,
			"err", "panic: "+panics.Describe(fault), "stack", string(debug.Stack()))
	}
}

// scanLimit bounds the accounts that one scan takes on; the rest is as due at
// the next one. It is far above what one process serves: accounts whose tickets
// wait for a token stay on the list and must not crowd out the others.
const scanLimit = 20_000

// Stop begins nothing new, lets calls in flight end and publishes their
// results, gives unused claims back and writes the history. When ctx ends
// first, work in progress is dropped: the leases end by themselves.
func (k *Keeper) Stop(ctx context.Context) error {
	k.mu.Lock()
	k.retire()
	k.mu.Unlock()
	drop := context.AfterFunc(ctx, k.abandon)
	defer drop()
	defer k.abandon()
	k.tasks.Wait()
	k.stopping.Do(k.recorder.stop)
	if ctx.Err() != nil {
		return fmt.Errorf("keeper: stopped before all work had ended: %w", ctx.Err())
	}
	return nil
}

// spawn runs a task unless Stop has begun to wait for the tasks.
func (k *Keeper) spawn(task func()) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.working.Err() != nil {
		return false
	}
	k.tasks.Go(task)
	return true
}
