package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

const tokenKind = snapshot.KindAccessToken

// ValuePlace is where a credential's value is sealed for. The publish id is
// part of it, so an old value of the same row does not open either.
func ValuePlace(appID, kind, publishID string) string {
	return "credential|" + appID + "|" + kind + "|value|" + publishID
}

// AppSecretPlace is where an account's AppSecret is sealed for.
func AppSecretPlace(appID string) string { return "account|" + appID + "|secret" }

func liveToken(t *model.Tended) *model.Credential { return t.Credential(tokenKind) }

func (k *Keeper) openValue(row *model.Credential) (secret.Secret, error) {
	value, err := k.keyring.Open(row.ValueEnc, ValuePlace(row.AppID, row.Kind, row.PublishID))
	if err != nil {
		return secret.Secret{}, fmt.Errorf("%w: the %s: %w", errSealed, row.Kind, err)
	}
	return value, nil
}

// place is where a credential stands, in the database and in memory.
type place struct{ appID, kind string }

func placeOf(row *model.Credential) place { return place{row.AppID, row.Kind} }

// held is what memory holds for a row; the zero value where it holds nothing.
func (k *Keeper) held(row *model.Credential) snapshot.Credential {
	held := snapshot.Credential{Kind: row.Kind}
	if view, found := k.table.Lookup(row.AppID); found {
		if c, found := view.Credential(row.Kind); found {
			held = c
		}
	}
	return held
}

// outdates reports whether a value that memory holds must not give way to a
// stored one. Both signs are asked for: a version goes back when the database
// loses a publish, an instant when its clock is set back, but not both at once.
func outdates(held snapshot.Credential, version, issuedMs int64) bool {
	return held.Live(time.Now()) && held.Version >= version && held.IssuedAt > issuedMs
}

// serve puts a value that this replica has just got into the snapshot, unless
// a newer one came in while this process was stopped.
func (k *Keeper) serve(a *attempt, value secret.Secret, p model.Publication) {
	c := snapshot.Credential{
		Kind: a.row.Kind, Value: value, Version: a.row.Version + 1, PublishID: p.PublishID,
		IssuedAt: p.IssuedMs, ExpiresAt: p.ExpiresMs, Deadline: a.clock.deadline(p.ExpiresMs),
	}
	k.puts.Lock()
	defer k.puts.Unlock()
	if outdates(k.held(a.row), c.Version, c.IssuedAt) {
		return
	}
	k.table.PutCredential(a.row.AppID, c)
	k.noteIssued(a.row.AppID, c.Kind, p.ValueHash, a.clock.deadline(p.IssuedMs))
	k.setTrouble(a.row.AppID, a.row.Kind, snapshot.Trouble{})
}

// withdraw takes a value back that was served before its publication failed.
func (k *Keeper) withdraw(row *model.Credential, publishID string, before snapshot.Credential) {
	k.puts.Lock()
	defer k.puts.Unlock()
	if k.held(row).PublishID == publishID {
		k.table.PutCredential(row.AppID, before)
	}
}

// setUnpublished notes that a value is served whose publication is still being
// tried; "" ends that. Nobody else may write it back meanwhile: the claim may
// have been lost to an edit of the account.
func (k *Keeper) setUnpublished(row *model.Credential, publishID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if publishID == "" {
		delete(k.unpublished, placeOf(row))
		return
	}
	k.unpublished[placeOf(row)] = publishID
}

func (k *Keeper) isUnpublished(row *model.Credential) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unpublished[placeOf(row)] != ""
}

// adopt serves what a row holds and shows how its newest attempt went.
func (k *Keeper) adopt(row *model.Credential, clk clock) {
	trouble := troubleOf(row, clk)
	if kindIsToken(row.Kind) {
		k.noteForced(row.AppID, forced{row.ForceDay, row.ForceCount})
	}
	err := k.adoptValue(row, clk)
	switch {
	case errors.Is(err, errOlder):
		k.heal(row)
	case err != nil:
		k.quarantine(row, err)
		trouble = snapshot.Trouble{
			Errcode: row.FailErrcode, Text: describe(err), Failing: max(1, row.FailCount), NextTry: clk.reached(row.NextRefreshMs),
		}
	}
	k.setTrouble(row.AppID, row.Kind, trouble)
}

// errOlder says that memory holds a newer value than the row, one that lives
// and was published: the database has lost a publish.
var errOlder = errors.New("the stored value is older than the served one")

// adoptValue serves a stored value, unless memory holds a newer one that still
// lives.
func (k *Keeper) adoptValue(row *model.Credential, clk clock) error {
	k.puts.Lock()
	defer k.puts.Unlock()
	held := k.held(row)
	switch {
	case held.PublishID == row.PublishID && held.Version == row.Version && held.ExpiresAt == row.ExpiresMs && !k.trustRows:
		return nil
	case k.isUnpublished(row) && outdates(held, row.Version, row.IssuedMs):
		return nil
	case k.isOlder(row):
		return errOlder
	case row.Version == 0, fromFuture(row, clk.nowMs) && held.Live(time.Now()):
		return nil
	}
	value, err := k.openValue(row)
	if err != nil {
		return err
	}
	deadline := clk.deadline(row.ExpiresMs)
	if fromFuture(row, clk.nowMs) {
		deadline = clk.before // it is renewed at once
	}
	if held.PublishID == row.PublishID && held.Deadline.Before(deadline) && !k.trustRows {
		deadline = held.Deadline // one publish never lives longer, whatever the database's clock says
	}
	k.table.PutCredential(row.AppID, snapshot.Credential{
		Kind: row.Kind, Value: value, Version: row.Version, PublishID: row.PublishID,
		IssuedAt: row.IssuedMs, ExpiresAt: row.ExpiresMs, Deadline: deadline,
	})
	k.noteIssued(row.AppID, row.Kind, row.ValueHash, clk.deadline(row.IssuedMs))
	return nil
}

// isOlder reports whether the database has lost what this replica serves.
func (k *Keeper) isOlder(row *model.Credential) bool {
	held := k.held(row)
	return held.PublishID != row.PublishID && outdates(held, row.Version, row.IssuedMs) && !k.isUnpublished(row)
}

// heal writes the newer value back into a row that has lost it to a failover or
// a restored backup. Replicas may race for it: the guard lets one win. What the
// follower has seen may be stale, so the row is read again.
func (k *Keeper) heal(seen *model.Credential) (healed bool) {
	t, clk, err := k.read(seen.AppID)
	row, held := t.Credential(seen.Kind), k.held(seen)
	if err != nil || row == nil || row.PublishID == held.PublishID || !outdates(held, row.Version, row.IssuedMs) {
		return false
	}
	lifeMs := held.ExpiresAt - held.IssuedAt
	v := k.planner.schedule(row.Kind, mode(&t), verdict{expiresMs: held.ExpiresAt, birthKnown: row.BirthKnown || kindIsToken(row.Kind)},
		max(row.LongestLifeMs, lifeMs), clk.nowMs)
	p := model.Publication{
		PublishID: held.PublishID, KeyID: k.keyring.SealingKeyID(), ValueHash: held.Value.Hash(),
		IssuedMs: held.IssuedAt, ExpiresMs: held.ExpiresAt, NextRefreshMs: v.nextRefreshMs,
	}
	p.ValueEnc = k.keyring.Seal(held.Value, ValuePlace(row.AppID, row.Kind, p.PublishID))
	grant := model.Grant{AppID: row.AppID, Kind: row.Kind, Owner: k.replica + "/" + NewID(), Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev}
	healed, err = k.try(func(ctx context.Context) (bool, error) { return k.store.Heal(ctx, grant, p) })
	k.log.Warn("the database holds an older value than this replica serves: it has lost a publish", "account", row.AppID, "kind", row.Kind,
		"version", row.Version, "served_version", held.Version, "written_back", healed, "err", err)
	return healed
}

// servedAccount is the part of an account's row that serving needs.
func servedAccount(row *model.Account) (snapshot.Account, error) {
	a := snapshot.Account{
		AppID: row.AppID, Name: row.Name, Platform: row.Platform, Enabled: row.Enabled,
		AllowHTTP: row.AllowHTTP, Tickets: row.Tickets, Rev: row.ConfigRev,
		Classic:  row.Platform != snapshot.PlatformWeCom && row.TokenMode == string(wechat.Classic),
		Profiles: make(map[string]snapshot.Profile, len(row.Profiles)),
	}
	for _, text := range row.Domains {
		p, err := pageurl.ParsePattern(text)
		if err != nil {
			return a, fmt.Errorf("account %s: %w", row.AppID, err)
		}
		a.Domains = append(a.Domains, p)
	}
	for name, p := range row.Profiles {
		a.Profiles[name] = snapshot.Profile{JSAPIList: orEmpty(p.JSAPIList), OpenTagList: orEmpty(p.OpenTagList), Debug: p.Debug}
	}
	return a, nil
}

// orEmpty keeps a missing list from becoming null in wx.config.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
