package keeper

import (
	"context"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
)

// probeLimit bounds the probes that one scan takes on.
const probeLimit = 200

// probeDue proves stored tokens alive. A token that dies before its time was
// replaced by somebody else; without the probe, nobody would know before the
// first business call fails.
func (k *Keeper) probeDue(ctx context.Context) {
	due, err := k.store.DueProbes(ctx, k.planner.timing.MinInterval.Milliseconds(), probeLimit)
	k.noteDatabase(err)
	if err != nil {
		k.log.Debug("cannot look for due probes", "err", err)
		return
	}
	for _, p := range due {
		k.spawn(func() {
			defer k.recoverFrom(p.AppID)
			if k.probe(p) {
				k.prompt(p.AppID)
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
	latency, err := k.sendProbe(k.hard, p.AppID, token)
	if !isDead(err) {
		return false
	}
	k.probedDead(p, latency, err)
	return true
}

// askProbe is sendProbe for somebody who waits.
func (k *Keeper) askProbe(ctx context.Context, appID string, token secret.Secret) (time.Duration, error) {
	if err := k.slots.Acquire(ctx, 1); err != nil {
		return 0, fmt.Errorf("wait for other calls to WeChat: %w", err)
	}
	defer k.slots.Release(1)
	return k.sendProbe(ctx, appID, token)
}

// sendProbe asks WeChat whether a token is alive, and tells how long it took.
func (k *Keeper) sendProbe(ctx context.Context, appID string, token secret.Secret) (time.Duration, error) {
	sent := time.Now()
	err := k.upstream(appID).Probe(ctx, token)
	took := time.Since(sent)
	k.called(KindProbe, err, took)
	return took, err
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
	row := model.Credential{AppID: p.AppID, Kind: tokenKind, Version: p.Version, Fence: p.Fence, ValueHash: p.ValueHash}
	k.recorder.add(evidence(&row, request{trigger: model.TriggerProbe, actor: k.replica}, latency, cause))
}

// evidence is the history row of WeChat's word that a token is dead before its
// time.
func evidence(row *model.Credential, why request, latency time.Duration, cause error) model.History {
	return model.History{ // AtMs 0: the database's now
		AttemptID: NewID(), AppID: row.AppID, Kind: row.Kind, Version: row.Version, Fence: row.Fence,
		TriggerName: why.trigger, Actor: why.actor, Outcome: model.OutcomeFailed,
		Errcode: errcodeOf(cause), Errmsg: describe(cause), RID: ridOf(cause),
		LatencyMs: latency.Milliseconds(), Fingerprint: fingerprint(row.ValueHash),
	}
}

// deadTrigger says who found the token of a claimed row dead.
func (k *Keeper) deadTrigger(row *model.Credential) string {
	probed, err := k.try(func(ctx context.Context) (bool, error) { return k.store.ProbedDead(ctx, row.AppID, row.ValueHash) })
	if err == nil && probed {
		return model.TriggerProbe
	}
	return model.TriggerReport
}
