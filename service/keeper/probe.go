package keeper

import (
	"context"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/wechat"
)

// probeLimit bounds the probes that one scan takes on.
const probeLimit = 200

// probeDue proves stored tokens alive. A token that dies before its time was
// replaced by somebody else; without the probe, nobody would know before the
// first business call fails.
func (k *Keeper) probeDue(ctx context.Context) {
	due, err := k.store.DueProbes(ctx, k.planner.timing.MinInterval.Milliseconds(), probeLimit)
	k.health.database(err)
	if err != nil {
		k.log.Warn("cannot look for due probes", "err", err)
		return
	}
	for _, p := range due {
		k.spawn(func() {
			defer k.recoverFrom(p.AppID)
			if k.probe(p) && k.occupy(p.AppID) {
				defer k.vacate(p.AppID)
				k.tend(p.AppID)
			}
		})
	}
}

// probe makes one probe, if no other replica does, and reports whether it found
// the token dead. It gives way to renewals: without a free slot, a later scan
// tries again. A failure that proves nothing is forgotten.
func (k *Keeper) probe(p model.DueProbe) (dead bool) {
	if !k.slots.TryAcquire(1) {
		return false
	}
	defer k.slots.Release(1)
	claimed, err := k.try(func(ctx context.Context) (bool, error) {
		return k.store.ClaimProbe(ctx, p, k.nextProbeIn(p).Milliseconds())
	})
	if err != nil || !claimed || p.NextProbeMs == 0 {
		return false
	}
	token, err := k.openValue(&model.Credential{AppID: p.AppID, Kind: tokenKind, PublishID: p.PublishID, ValueEnc: p.ValueEnc})
	if err != nil {
		return false // whoever adopts the row reports it
	}
	sent := time.Now()
	if err = k.wechat.Probe(k.hard, token); wechat.ClassOf(err) != wechat.TokenDead {
		return false
	}
	k.probedDead(p, time.Since(sent), err)
	return true
}

// nextProbeIn is the time to the next probe. Rows that were never planned are
// spread over the whole interval, the others keep apart by a tenth of it.
func (k *Keeper) nextProbeIn(p model.DueProbe) time.Duration {
	if p.NextProbeMs == 0 {
		return time.Millisecond + upTo(k.probeInterval)
	}
	return k.probeInterval - k.probeInterval/20 + upTo(k.probeInterval/10)
}

// probedDead makes the token due and keeps the evidence.
func (k *Keeper) probedDead(p model.DueProbe, latency time.Duration, cause error) {
	k.log.Warn("the stored access_token is dead before its time: somebody else may refresh this account. "+
		"Let that program ask wxsign, or use token_mode = \"stable\" here and no force_refresh there",
		"account", p.AppID, "version", p.Version, "errcode", errcodeOf(cause), "rid", ridOf(cause))
	_, noteErr := k.try(func(ctx context.Context) (bool, error) { return k.store.NoteProbedDead(ctx, p.AppID, p.ValueHash) })
	_, markErr := k.try(func(ctx context.Context) (bool, error) {
		return k.store.MarkDead(ctx, p.AppID, tokenKind, p.ValueHash, k.planner.timing.MinInterval.Milliseconds())
	})
	if noteErr != nil || markErr != nil {
		k.log.Warn("cannot note that the access_token is dead; the next probe finds it again", "account", p.AppID, "note_err", noteErr, "err", markErr)
	}
	k.recorder.add(model.History{ // AtMs 0: the database's now
		AttemptID: NewID(), AppID: p.AppID, Kind: tokenKind, Version: p.Version, Fence: p.Fence,
		TriggerName: model.TriggerProbe, Actor: k.replica, Outcome: model.OutcomeFailed,
		Errcode: errcodeOf(cause), Errmsg: describe(cause), RID: ridOf(cause),
		LatencyMs: latency.Milliseconds(), Fingerprint: p.ValueHash[:min(8, len(p.ValueHash))],
	})
}

// deadTrigger says who found the token of a claimed row dead.
func (k *Keeper) deadTrigger(row *model.Credential) string {
	probed, err := k.try(func(ctx context.Context) (bool, error) { return k.store.ProbedDead(ctx, row.AppID, row.ValueHash) })
	if err == nil && probed {
		return model.TriggerProbe
	}
	return model.TriggerReport
}
