package keeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
)

// quarantine sees to a stored value that does not open. It is not used. Where
// this replica has nothing else to serve in its place, the row becomes due at
// once; a replica that still serves the value before it waits for its time.
func (k *Keeper) quarantine(row *model.Credential, cause error) {
	k.reportSealed(row, cause)
	if !k.held(row).Live(time.Now()) {
		k.replaceSealed(row, cause)
	}
}

// replaceSealed makes a damaged or moved value due, once for all replicas. One
// that was sealed with a key that is missing here is left alone: the other
// replicas may have the key, and two that cannot read each other would fetch in
// turns for ever.
func (k *Keeper) replaceSealed(row *model.Credential, cause error) {
	if !errors.Is(cause, secret.ErrNotAuthentic) || row.FailCount > 0 {
		return
	}
	due, err := k.try(func(ctx context.Context) (bool, error) {
		return k.store.MakeDue(ctx, model.Due{
			AppID: row.AppID, Kind: row.Kind, ValueHash: row.ValueHash, GapMs: k.planner.timing.MinInterval.Milliseconds(),
		})
	})
	if due || err != nil {
		k.log.Warn("a stored credential that does not open is fetched anew", "account", row.AppID, "kind", row.Kind, "version", row.Version, "err", err)
	}
}

// reportSealed tells once per publish that a stored value is of no use: the log,
// and the history, from which an alert is made that outlasts the mend.
func (k *Keeper) reportSealed(row *model.Credential, err error) {
	k.mu.Lock()
	known := k.sealed[placeOf(row)] == row.PublishID
	k.sealed[placeOf(row)] = row.PublishID
	k.mu.Unlock()
	if known {
		return
	}
	k.log.Error("a stored credential is not used", "account", row.AppID, "kind", row.Kind, "version", row.Version, "err", err)
	k.recorder.add(model.History{ // AtMs 0: the database's now
		AttemptID: sealedID(row), AppID: row.AppID, Kind: row.Kind, Version: row.Version, Fence: row.Fence,
		TriggerName: model.TriggerRecovery, Actor: k.replica, Outcome: model.OutcomeFailed, Errmsg: describe(err),
	})
}

// sealedID is the same on every replica, so that they write one row.
func sealedID(row *model.Credential) string {
	sum := sha256.Sum256([]byte("does not open|" + ValuePlace(row.AppID, row.Kind, row.PublishID) + "|" + string(row.ValueEnc)))
	return hex.EncodeToString(sum[:16])
}

// opens reports whether the stored value can be used. WeChat may give the same
// value again, and then the row would keep one that nobody can open.
func (k *Keeper) opens(row *model.Credential) bool {
	if row.Version == 0 {
		return true // there is none
	}
	_, err := k.openValue(row)
	return err == nil
}
