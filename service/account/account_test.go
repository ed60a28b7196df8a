package account_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/secret"
)

func place(appID string) string { return "account|" + appID + "|secret" }

func newStore(t *testing.T) *model.Store {
	t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: filepath.Join(t.TempDir(), "wxsign.db")})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	_, err = store.MigrateUp(t.Context())
	must(t, err)
	return store
}

func newRing(t *testing.T, keys ...string) *secret.Keyring {
	t.Helper()
	if len(keys) == 0 {
		keys = []string{secret.NewKey()}
	}
	parsed, err := secret.ParseKeys(strings.Join(keys, "\n"))
	must(t, err)
	ring, err := secret.NewKeyring(parsed...)
	must(t, err)
	return ring
}

func newRegistry(t *testing.T, store account.Store, ring *secret.Keyring) *account.Registry {
	t.Helper()
	r, err := account.New(account.Options{Store: store, Sealer: ring, SecretPlace: place})
	must(t, err)
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func settings() account.Settings {
	return account.Settings{
		AppID: "wxa", Name: "分享", Platform: "official_account", Secret: secret.New("app-secret"), TokenMode: "stable",
		Tickets: []string{"jsapi", "wx_card"}, Domains: []string{"h5.example.com"},
		Profiles: map[string]model.Profile{"default": {JSAPIList: []string{"checkJsApi"}}},
	}
}

func read(t *testing.T, store *model.Store, appID string) model.Account {
	t.Helper()
	row, err := store.Account(t.Context(), appID)
	must(t, err)
	return row
}

func kinds(t *testing.T, store *model.Store, appID string) map[string]int64 {
	t.Helper()
	tended, err := store.Tended(t.Context(), appID)
	must(t, err)
	revisions := map[string]int64{}
	for _, c := range tended.Credentials {
		revisions[c.Kind] = c.ConfigRev
	}
	return revisions
}

func TestRegisterSealsAndStores(t *testing.T) {
	t.Parallel()
	store, ring := newStore(t), newRing(t)
	must(t, newRegistry(t, store, ring).RegisterFile(t.Context(), []account.Settings{settings()}))
	row := read(t, store, "wxa")
	if strings.Contains(string(row.SecretEnc), "app-secret") {
		t.Error("the AppSecret is stored in clear")
	}
	opened, err := ring.Open(row.SecretEnc, place("wxa"))
	must(t, err)
	if opened.Reveal() != "app-secret" || row.Name != "分享" || !row.Enabled || row.Origin != model.OriginFile {
		t.Errorf("stored %+v", row)
	}
	if diff := cmp.Diff(map[string]int64{"access_token": 1, "jsapi": 1, "wx_card": 1}, kinds(t, store, "wxa")); diff != "" {
		t.Error(diff)
	}
}

// A restart with the same file must cost nothing: no new revision, so no claim
// in flight is lost and nobody reloads.
func TestRegisterAgainChangesNothing(t *testing.T) {
	t.Parallel()
	store, ring := newStore(t), newRing(t)
	registry := newRegistry(t, store, ring)
	must(t, registry.RegisterFile(t.Context(), []account.Settings{settings()}))
	before := read(t, store, "wxa")
	must(t, registry.RegisterFile(t.Context(), []account.Settings{settings()}))
	if diff := cmp.Diff(before, read(t, store, "wxa")); diff != "" {
		t.Error(diff)
	}
}

func TestEveryChangeMakesARevision(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*account.Settings){
		"name":       func(s *account.Settings) { s.Name = "other" },
		"secret":     func(s *account.Settings) { s.Secret = secret.New("rotated") },
		"mode":       func(s *account.Settings) { s.TokenMode = "classic" },
		"tickets":    func(s *account.Settings) { s.Tickets = []string{"jsapi"} },
		"domains":    func(s *account.Settings) { s.Domains = append(s.Domains, "*.example.org") },
		"allow_http": func(s *account.Settings) { s.AllowHTTP = true },
		"profile debug": func(s *account.Settings) {
			s.Profiles = map[string]model.Profile{"default": {JSAPIList: []string{"checkJsApi"}, Debug: true}}
		},
		"profile list": func(s *account.Settings) { s.Profiles = map[string]model.Profile{"default": {}} },
		"profile added": func(s *account.Settings) {
			s.Profiles = map[string]model.Profile{"default": s.Profiles["default"], "share": {}}
		},
		"profile renamed": func(s *account.Settings) { s.Profiles = map[string]model.Profile{"other": s.Profiles["default"]} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, ring := newStore(t), newRing(t)
			registry := newRegistry(t, store, ring)
			must(t, registry.RegisterFile(t.Context(), []account.Settings{settings()}))
			changed := settings()
			change(&changed)
			must(t, registry.RegisterFile(t.Context(), []account.Settings{changed}))
			if got := read(t, store, "wxa").ConfigRev; got != 2 {
				t.Errorf("revision %d, want 2", got)
			}
			revisions := kinds(t, store, "wxa")
			if len(revisions) != 1+len(changed.Tickets) {
				t.Errorf("credential rows %v for tickets %v", revisions, changed.Tickets)
			}
			for kind, rev := range revisions {
				if rev != 2 {
					t.Errorf("%s has revision %d, want 2", kind, rev)
				}
			}
		})
	}
}

func TestAccountThatLeftTheFileIsDisabledAndComesBack(t *testing.T) {
	t.Parallel()
	store, ring := newStore(t), newRing(t)
	registry := newRegistry(t, store, ring)
	other := settings()
	other.AppID = "wxb"
	must(t, registry.RegisterFile(t.Context(), []account.Settings{settings(), other}))
	must(t, registry.RegisterFile(t.Context(), []account.Settings{settings()}))
	if row := read(t, store, "wxb"); row.Enabled {
		t.Error("an account that is no longer in the file is still enabled")
	}
	if row := read(t, store, "wxa"); !row.Enabled || row.ConfigRev != 1 {
		t.Errorf("the other account changed: %+v", row)
	}
	must(t, registry.RegisterFile(t.Context(), []account.Settings{settings(), other}))
	if row := read(t, store, "wxb"); !row.Enabled {
		t.Error("the account did not come back with the file")
	}
}

func TestAccountOfThePanelIsNotTakenOver(t *testing.T) {
	t.Parallel()
	store, ring := newStore(t), newRing(t)
	must(t, store.InsertAccount(t.Context(), model.Account{
		AppID: "wxa", Origin: model.OriginPanel, Enabled: true, SecretEnc: ring.Seal(secret.New("panel"), place("wxa")),
	}, []string{"access_token"}))
	err := newRegistry(t, store, ring).RegisterFile(t.Context(), []account.Settings{settings()})
	if err == nil || !strings.Contains(err.Error(), "panel") {
		t.Errorf("error %v, want one that names the panel", err)
	}
	must(t, newRegistry(t, store, ring).RegisterFile(t.Context(), nil))
	if !read(t, store, "wxa").Enabled {
		t.Error("an account of the panel was disabled because the file does not have it")
	}
}

func TestNewMasterKeySealsAnew(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	must(t, newRegistry(t, store, newRing(t)).RegisterFile(t.Context(), []account.Settings{settings()}))
	ring := newRing(t)
	must(t, newRegistry(t, store, ring).RegisterFile(t.Context(), []account.Settings{settings()}))
	if _, err := ring.Open(read(t, store, "wxa").SecretEnc, place("wxa")); err != nil {
		t.Errorf("a secret that cannot be opened was not sealed anew from the file: %v", err)
	}
}

func TestReplicasThatStartTogetherAgree(t *testing.T) {
	t.Parallel()
	store, ring := newStore(t), newRing(t)
	var start sync.WaitGroup
	errs := make(chan error, 8)
	for range cap(errs) {
		start.Go(func() {
			r, err := account.New(account.Options{Store: store, Sealer: ring, SecretPlace: place})
			if err == nil {
				err = r.RegisterFile(t.Context(), []account.Settings{settings()})
			}
			errs <- err
		})
	}
	start.Wait()
	close(errs)
	for err := range errs {
		must(t, err)
	}
	if rev := read(t, store, "wxa").ConfigRev; rev != 1 {
		t.Errorf("revision %d after eight starts with one file, want 1", rev)
	}
}

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := account.New(account.Options{}); err == nil {
		t.Error("no error without a store")
	}
}
