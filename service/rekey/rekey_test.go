package rekey_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/rekey"
	"github.com/wxsign/wxsign/service/secret"
)

const accounts = 7

// sealedValues are those of one account: its AppSecret, a token, a ticket, and
// the AppSecret to which one may roll back.
const sealedValues = 4

// world is a database whose values are sealed with an old key.
type world struct {
	t         *testing.T
	store     *model.Store
	old, both *secret.Keyring // both seals with the new key
	fresh     *secret.Keyring // the new key alone
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := model.Open(model.Options{Driver: "sqlite", DSN: filepath.Join(t.TempDir(), "wxsign.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	oldKey, newKey := key(t), key(t)
	w := &world{t: t, store: store, old: ring(t, oldKey), both: ring(t, newKey, oldKey), fresh: ring(t, newKey)}
	for i := range accounts {
		w.addAccount(i)
	}
	for _, r := range []*secret.Keyring{w.old, w.both} {
		if err := store.AddKeyCheck(t.Context(), model.KeyCheck{KeyID: r.SealingKeyID(), CheckEnc: []byte("check")}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func key(t *testing.T) []byte {
	t.Helper()
	keys, err := secret.ParseKeys(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return keys[0]
}

func ring(t *testing.T, keys ...[]byte) *secret.Keyring {
	t.Helper()
	r, err := secret.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func appIDOf(i int) string { return fmt.Sprintf("wx%016d", i) }

func (w *world) addAccount(i int) {
	w.t.Helper()
	appID := appIDOf(i)
	err := w.store.InsertAccount(w.t.Context(), model.Account{
		AppID: appID, Name: appID, Platform: "official_account", Origin: model.OriginPanel, Enabled: true, TokenMode: "stable",
		SecretEnc: w.old.Seal(secret.New("secret of "+appID), keeper.AppSecretPlace(appID)), KeyID: w.old.SealingKeyID(),
	}, []string{"access_token", "jsapi"})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, kind := range []string{"access_token", "jsapi"} {
		w.publish(w.old, appID, kind)
	}
	err = w.store.HoldSecret(w.t.Context(), model.HeldSecret{
		AppID: appID, Role: model.SecretPrevious, SecretEnc: w.old.Seal(secret.New("previous secret of "+appID), heldPlace(appID)),
		KeyID: w.old.SealingKeyID(),
	}, 3_600_000)
	if err != nil {
		w.t.Fatal(err)
	}
}

func heldPlace(appID string) string {
	return account.HeldSecretPlace(keeper.AppSecretPlace, appID, model.SecretPrevious)
}

// publish renews a credential as a replica with this ring does.
func (w *world) publish(r *secret.Keyring, appID, kind string) {
	w.t.Helper()
	ctx := w.t.Context()
	row := w.row(appID, kind)
	grant := model.Grant{
		AppID: appID, Kind: kind, Owner: "test/" + keeper.NewID(), Version: row.Version, Fence: row.Fence,
		ConfigRev: row.ConfigRev,
	}
	held, err := w.store.Claim(ctx, grant, 45_000)
	if err != nil || !held {
		w.t.Fatal(held, err)
	}
	value, id := secret.New(fmt.Sprintf("%s of %s, version %d", kind, appID, row.Version+1)), keeper.NewID()
	done, err := w.store.Publish(ctx, grant, model.Publication{
		PublishID: id, ValueEnc: r.Seal(value, keeper.ValuePlace(appID, kind, id)), KeyID: r.SealingKeyID(), ValueHash: value.Hash(),
		IssuedMs: 1, ExpiresMs: 1 << 60, LifeMs: 7_200_000, NextRefreshMs: 0,
	})
	if err != nil || !done {
		w.t.Fatal(done, err)
	}
}

func (w *world) row(appID, kind string) model.Credential {
	w.t.Helper()
	rows, err := w.store.Credentials(w.t.Context(), []string{appID})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range rows {
		if rows[i].Kind == kind {
			return rows[i].Credential
		}
	}
	w.t.Fatalf("%s has no %s", appID, kind)
	return model.Credential{}
}

// opened reads everything with a ring and tells what cannot be opened.
func (w *world) opened(r *secret.Keyring) (values map[string]string, failures int) {
	w.t.Helper()
	list, err := w.store.Accounts(w.t.Context(), "", 2*accounts)
	if err != nil {
		w.t.Fatal(err)
	}
	values = map[string]string{}
	open := func(envelope []byte, place, name string) {
		value, err := r.Open(envelope, place)
		if err != nil {
			failures++
			return
		}
		values[name] = value.Reveal()
	}
	for _, a := range list {
		open(a.SecretEnc, keeper.AppSecretPlace(a.AppID), a.AppID)
		for _, kind := range []string{"access_token", "jsapi"} {
			c := w.row(a.AppID, kind)
			open(c.ValueEnc, keeper.ValuePlace(a.AppID, kind, c.PublishID), a.AppID+" "+kind)
		}
		held, _, err := w.store.HeldSecrets(w.t.Context(), []string{a.AppID})
		if err != nil || len(held) != 1 {
			w.t.Fatal(held, err)
		}
		open(held[0].SecretEnc, heldPlace(a.AppID), a.AppID+"|previous")
	}
	return values, failures
}

func (w *world) run(store rekey.Store) (rekey.Report, error) {
	return rekey.Run(w.t.Context(), rekey.Options{Store: store, Keyring: w.both, Logger: slog.New(slog.DiscardHandler)})
}

func TestEverythingOpensWithTheNewKeyAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, _ := w.opened(w.old)
	report, err := w.run(w.store)
	if err != nil || report != (rekey.Report{Resealed: accounts * sealedValues, Values: accounts * sealedValues}) {
		t.Fatal(report, err)
	}
	after, failures := w.opened(w.fresh)
	if diff := cmp.Diff(before, after); diff != "" || failures > 0 {
		t.Errorf("%d values do not open; was, is:\n%s", failures, diff)
	}
	checks, err := w.store.KeyChecks(t.Context())
	if err != nil || len(checks) != 1 || checks[0].KeyID != w.fresh.SealingKeyID() {
		t.Errorf("key checks %v, %v; only the new key's may stay", checks, err)
	}
	if report, err = w.run(w.store); err != nil || report.Resealed != 0 {
		t.Errorf("a second run: %+v, %v", report, err)
	}
}

// dying is a database that goes away after some statements, as for a process
// that is killed there.
type dying struct {
	*model.Store
	left int
}

var errKilled = errors.New("killed")

func (d *dying) ResealSecret(ctx context.Context, appID string, r model.Reseal) (bool, error) {
	if d.left--; d.left < 0 {
		return false, errKilled
	}
	return d.Store.ResealSecret(ctx, appID, r)
}

func (d *dying) ResealHeldSecret(ctx context.Context, appID, role string, r model.Reseal) (bool, error) {
	if d.left--; d.left < 0 {
		return false, errKilled
	}
	return d.Store.ResealHeldSecret(ctx, appID, role, r)
}

func (d *dying) ResealValue(ctx context.Context, appID, kind string, r model.Reseal) (bool, error) {
	if d.left--; d.left < 0 {
		return false, errKilled
	}
	return d.Store.ResealValue(ctx, appID, kind, r)
}

// Killed at any row, everything opens with both keys, and the next run ends it.
func TestKilledAtAnyRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for row := range accounts * sealedValues {
		report, err := w.run(&dying{Store: w.store, left: 1})
		if !errors.Is(err, errKilled) && row < accounts*sealedValues-1 {
			t.Fatalf("row %d: %+v, %v", row, report, err)
		}
		if _, failures := w.opened(w.both); failures > 0 {
			t.Fatalf("killed after row %d: %d values do not open", row, failures)
		}
	}
	if _, failures := w.opened(w.fresh); failures > 0 {
		t.Errorf("%d values still need the old key", failures)
	}
}

// renewing publishes a credential between the look at a row and its reseal.
type renewing struct {
	*model.Store
	before func(appID, kind string)
}

func (r *renewing) ResealValue(ctx context.Context, appID, kind string, reseal model.Reseal) (bool, error) {
	r.before(appID, kind)
	return r.Store.ResealValue(ctx, appID, kind, reseal)
}

func TestRenewalsAreNotOverwritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	renewals := 0
	store := &renewing{Store: w.store, before: func(appID, kind string) {
		if renewals < 2*accounts { // each row once, by a replica that has the old key first
			renewals++
			w.publish(w.old, appID, kind)
		}
	}}
	if _, err := w.run(store); err != nil {
		t.Fatal(err)
	}
	values, failures := w.opened(w.fresh)
	for name, value := range values {
		if strings.Contains(name, " ") && !strings.HasSuffix(value, "version 2") {
			t.Errorf("%s is %q: a renewal was overwritten", name, value)
		}
	}
	if failures > 0 {
		t.Errorf("%d values do not open with the new key", failures)
	}
}

func TestOldKeyStillInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &renewing{Store: w.store, before: func(appID, kind string) { w.publish(w.old, appID, kind) }}
	if _, err := w.run(store); !errors.Is(err, rekey.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
	if checks, _ := w.store.KeyChecks(t.Context()); len(checks) != 2 {
		t.Errorf("%d key checks; the old key's must stay", len(checks))
	}
}

func TestUnreadableValuesStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	damaged := w.row(appIDOf(3), "jsapi")
	moved := w.row(appIDOf(2), "jsapi").ValueEnc
	swap := model.Reseal{Was: damaged.ValueEnc, Is: moved, KeyID: damaged.KeyID}
	if done, err := w.store.ResealValue(t.Context(), damaged.AppID, damaged.Kind, swap); err != nil || !done {
		t.Fatal(done, err)
	}
	report, err := w.run(w.store)
	if !errors.Is(err, rekey.ErrUnreadable) || report.Resealed != accounts*sealedValues-1 {
		t.Errorf("%+v, %v: want all but one and ErrUnreadable", report, err)
	}
	if checks, _ := w.store.KeyChecks(t.Context()); len(checks) != 2 {
		t.Errorf("%d key checks; the old key's must stay", len(checks))
	}
}
