package keeper

import (
	"context"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
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

// serve puts a value that this replica has just got into the snapshot.
func (k *Keeper) serve(a *attempt, value secret.Secret, p model.Publication) {
	k.table.PutCredential(a.row.AppID, snapshot.Credential{
		Kind: a.row.Kind, Value: value, Version: a.row.Version + 1, PublishID: p.PublishID,
		IssuedAt: p.IssuedMs, ExpiresAt: p.ExpiresMs, Deadline: a.clock.deadline(p.ExpiresMs),
	})
	k.setTrouble(a.row.AppID, a.row.Kind, snapshot.Trouble{})
}

// adopt serves what a row holds, unless memory holds a newer value that still
// lives: then the database has lost a publish and gets it back.
func (k *Keeper) adopt(row *model.Credential, clk clock) {
	k.adoptTrouble(row, clk)
	if row.Version == 0 {
		return
	}
	view, found := k.table.Lookup(row.AppID)
	if !found {
		return
	}
	held, found := view.Credential(row.Kind)
	switch {
	case found && held.PublishID == row.PublishID && held.Version == row.Version && held.ExpiresAt == row.ExpiresMs:
		return
	case found && held.PublishID != row.PublishID && held.Live(time.Now()) && held.IssuedAt > row.IssuedMs:
		k.heal(row, held)
		return
	}
	value, err := k.openValue(row)
	if err != nil {
		k.log.Error("a stored credential is not used", "account", row.AppID, "kind", row.Kind, "version", row.Version, "err", err)
		k.setTrouble(row.AppID, row.Kind, snapshot.Trouble{Text: describe(err), Failing: 1, NextTry: time.Now().Add(firstHumanWait)})
		return
	}
	k.table.PutCredential(row.AppID, snapshot.Credential{
		Kind: row.Kind, Value: value, Version: row.Version, PublishID: row.PublishID,
		IssuedAt: row.IssuedMs, ExpiresAt: row.ExpiresMs, Deadline: clk.deadline(row.ExpiresMs),
	})
}

func (k *Keeper) adoptTrouble(row *model.Credential, clk clock) {
	trouble := snapshot.Trouble{}
	if row.FailCount > 0 {
		trouble = snapshot.Trouble{Errcode: row.FailErrcode, Text: row.FailText, Failing: row.FailCount, NextTry: clk.reached(row.NextRefreshMs)}
	}
	if view, found := k.table.Lookup(row.AppID); found && view.Trouble(row.Kind) != trouble {
		k.setTrouble(row.AppID, row.Kind, trouble)
	}
}

// heal writes a newer value back into a row that has lost it to a failover or
// a restored backup. Replicas may race for it: the guard lets one win.
func (k *Keeper) heal(row *model.Credential, held snapshot.Credential) {
	p := model.Publication{
		PublishID: held.PublishID, KeyID: k.keyring.SealingKeyID(), ValueHash: held.Value.Hash(),
		IssuedMs: held.IssuedAt, ExpiresMs: held.ExpiresAt, NextRefreshMs: row.NextRefreshMs,
	}
	p.ValueEnc = k.keyring.Seal(held.Value, ValuePlace(row.AppID, row.Kind, p.PublishID))
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	grant := model.Grant{AppID: row.AppID, Kind: row.Kind, Owner: k.replica + "/" + NewID(), Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev}
	healed, err := k.store.Heal(ctx, grant, p)
	k.log.Warn("the database holds an older value than this replica serves: it has lost a publish", "account", row.AppID, "kind", row.Kind,
		"version", row.Version, "served_version", held.Version, "written_back", healed, "err", err)
}

// servedAccount is the part of an account's row that serving needs.
func servedAccount(row *model.Account) (snapshot.Account, error) {
	a := snapshot.Account{
		AppID: row.AppID, Name: row.Name, Platform: row.Platform, Enabled: row.Enabled,
		AllowHTTP: row.AllowHTTP, Tickets: row.Tickets, Rev: row.ConfigRev,
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
