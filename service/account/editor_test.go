package account_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/secret"
)

// auditStore refuses entries while down is set.
type auditStore struct {
	*model.Store
	down bool
}

var errAudit = errors.New("the audit log is away")

func (s *auditStore) AddAudit(ctx context.Context, head model.AuditHead, a model.Audit) (bool, error) {
	if s.down {
		return false, errAudit
	}
	return s.Store.AddAudit(ctx, head, a)
}

// world is an editor on a real database; WeChat accepts what begins with "good".
type world struct {
	t      *testing.T
	store  *model.Store
	audit  *auditStore
	ring   *secret.Keyring
	editor *account.Editor
	asked  []string // refreshes
	tested int
	onTest func()
}

func valuePlace(appID, kind, publishID string) string { return appID + "|" + kind + "|" + publishID }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, store: newStore(t), ring: newRing(t)}
	w.audit = &auditStore{Store: w.store}
	log, err := audit.New(w.audit)
	must(t, err)
	w.editor, err = account.NewEditor(account.EditorOptions{
		Store: w.store, Sealer: w.ring, Audit: log, Tester: w, Refresher: w, SecretPlace: place, ValuePlace: valuePlace,
	})
	must(t, err)
	return w
}

func (w *world) TestSecret(_ context.Context, platform, appID string, appSecret secret.Secret) account.Verdict {
	w.tested++
	if w.onTest != nil {
		w.onTest()
	}
	if strings.HasPrefix(appSecret.Reveal(), "good") {
		return account.Verdict{Accepted: true}
	}
	return account.Verdict{Errcode: 40001, Text: platform + " " + appID + " refused — copy it again"}
}

func (w *world) RefreshNow(_ context.Context, appID, kind, person, reason string) (string, error) {
	w.asked = append(w.asked, strings.Join([]string{appID, kind, person, reason}, "|"))
	return "renewed", nil
}

var annie = audit.Entry{Actor: "ann", Address: "203.0.113.9", RequestID: "r1"}

func panelSettings() account.Settings {
	s := settings()
	s.Profiles = nil
	return s
}

func (w *world) create() int64 {
	w.t.Helper()
	_, err := w.editor.Create(w.t.Context(), annie, panelSettings(), "good-first")
	must(w.t, err)
	return w.view("wxa").Rev
}

func (w *world) view(appID string) account.View {
	w.t.Helper()
	v, err := w.editor.View(w.t.Context(), appID)
	must(w.t, err)
	return v
}

// current opens the AppSecret that renewals use.
func (w *world) current(appID string) string {
	w.t.Helper()
	opened, err := w.ring.Open(read(w.t, w.store, appID).SecretEnc, place(appID))
	must(w.t, err)
	return opened.Reveal()
}

func (w *world) wants(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("error %v, want %v", err, want)
	}
}

// entries are the audit log's actions and targets, the oldest first.
func (w *world) entries() []string {
	w.t.Helper()
	rows, _, err := w.store.AuditPage(w.t.Context(), model.AuditFilter{}, model.AuditKey{}, 100)
	must(w.t, err)
	var all []string
	for _, row := range rows {
		all = append([]string{row.Actor + " " + row.Action + " " + row.Target}, all...)
	}
	return all
}

func TestCreateEditDisableDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	s := panelSettings()
	s.Domains = []string{" h5.example.com", "", "h5.example.com", "*.example.org "}
	s.Tickets = []string{"wx_card", "jsapi"}
	appID, err := w.editor.Create(ctx, annie, s, " good-first\n")
	must(t, err)
	v := w.view(appID)
	if diff := cmp.Diff([]string{"h5.example.com", "*.example.org"}, v.Domains); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"jsapi", "wx_card"}, v.Tickets); diff != "" {
		t.Error(diff)
	}
	if !v.Enabled || v.FromFile || v.Rev != 1 || w.current(appID) != "good-first" || v.Fingerprint != secret.New("good-first").Fingerprint() {
		t.Errorf("created %+v", v)
	}
	if len(v.Profiles["default"].JSAPIList) != 3 {
		t.Errorf("profiles %v, want the default one", v.Profiles)
	}
	if _, err := w.editor.Create(ctx, annie, s, "good-other"); !errors.Is(err, account.ErrTaken) {
		t.Errorf("a second account of the same AppID: %v", err)
	}

	changed, err := w.editor.Edit(ctx, annie, 1, v.Settings)
	must(t, err)
	if changed || w.view(appID).Rev != 1 {
		t.Error("an edit that changes nothing made a revision")
	}
	v.Name, v.Tickets = "new", []string{"jsapi"}
	changed, err = w.editor.Edit(ctx, annie, 1, v.Settings)
	must(t, err)
	if !changed || w.view(appID).Name != "new" || len(kinds(t, w.store, appID)) != 2 {
		t.Errorf("after the edit: %+v, %v", w.view(appID), kinds(t, w.store, appID))
	}
	_, err = w.editor.Edit(ctx, annie, 1, v.Settings)
	w.wants(err, account.ErrOvertaken)

	w.wants(w.editor.Delete(ctx, annie, appID, 2), account.ErrEnabled)
	w.wants(w.editor.SetEnabled(ctx, annie, appID, 1, false), account.ErrOvertaken)
	must(t, w.editor.SetEnabled(ctx, annie, appID, 2, false))
	must(t, w.editor.SetEnabled(ctx, annie, appID, 3, false)) // already so
	must(t, w.editor.SetEnabled(ctx, annie, appID, 3, true))
	must(t, w.editor.SetEnabled(ctx, annie, appID, 4, false))
	w.wants(w.editor.Delete(ctx, annie, appID, 4), account.ErrOvertaken)
	must(t, w.editor.Delete(ctx, annie, appID, 5))
	_, err = w.editor.View(ctx, appID)
	w.wants(err, account.ErrUnknown)
	rows, err := w.store.Credentials(ctx, []string{appID})
	must(t, err)
	if len(rows) != 0 {
		t.Errorf("%d credentials stay behind a deleted account", len(rows))
	}
	if w.create() != 1 || kinds(t, w.store, appID)["access_token"] != 1 {
		t.Error("an account made anew does not begin anew")
	}
	want := []string{
		"ann create_account wxa", "ann edit_account wxa name, tickets", "ann disable_account wxa", "ann enable_account wxa",
		"ann disable_account wxa", "ann delete_account wxa", "ann create_account wxa",
	}
	if diff := cmp.Diff(want, w.entries()); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}

func TestFaultsOfSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*account.Settings)
		secret string
		want   string
	}{
		"nothing wrong":    {func(*account.Settings) {}, "good", ""},
		"no AppID":         {func(s *account.Settings) { s.AppID = " " }, "good", "app_id app_id_missing"},
		"odd AppID":        {func(s *account.Settings) { s.AppID = "wx/1" }, "good", "app_id app_id_shape"},
		"no secret":        {func(*account.Settings) {}, " ", "secret secret_missing"},
		"odd secret":       {func(*account.Settings) {}, "a b", "secret secret_shape"},
		"long secret":      {func(*account.Settings) {}, strings.Repeat("x", 513), "secret secret_long"},
		"long name":        {func(s *account.Settings) { s.Name = strings.Repeat("长", 40) }, "good", "name name_long"},
		"two lines":        {func(s *account.Settings) { s.Name = "a\nb" }, "good", "name name_long"},
		"mode":             {func(s *account.Settings) { s.TokenMode = "forced" }, "good", "token_mode choice"},
		"platform":         {func(s *account.Settings) { s.Platform = "x" }, "good", "platform choice"},
		"ticket of WeCom":  {func(s *account.Settings) { s.Tickets = []string{"agent_config"} }, "good", "tickets choice"},
		"domain":           {func(s *account.Settings) { s.Domains = []string{"ok.example.com", "https://x"} }, "good", "domains domain_shape"},
		"too many domains": {func(s *account.Settings) { s.Domains = many(201) }, "good", "domains too_many"},
		"profile name": {
			func(s *account.Settings) { *s = s.WithProfile("A B", []string{"scanQRCode"}, nil, false) }, "good",
			"profiles profile_name",
		},
		"empty profile": {func(s *account.Settings) { *s = s.WithProfile("a", nil, nil, false) }, "good", "profiles profile_empty"},
		"odd API":       {func(s *account.Settings) { *s = s.WithProfile("a", []string{"1x"}, nil, false) }, "good", "profiles api_shape"},
		"no corp":       {func(s *account.Settings) { s.Platform, s.AgentID, s.Tickets = "wecom", 1, nil }, "good", "corp_id app_id_missing"},
		"no agent":      {func(s *account.Settings) { s.Platform, s.CorpID, s.Tickets = "wecom", "ww1", nil }, "good", "agent_id agent_id_missing"},
		"colon in corp": {func(s *account.Settings) { s.Platform, s.CorpID, s.AgentID, s.Tickets = "wecom", "ww1:2", 3, nil }, "good", "corp_id corp_id_shape"},
		"corp too long": {func(s *account.Settings) {
			s.Platform, s.CorpID, s.AgentID, s.Tickets = "wecom", strings.Repeat("w", 96), 3, nil
		}, "good", "corp_id app_id_shape"},
		"everything": {func(s *account.Settings) { s.AppID, s.Name = "", "a\nb" }, "", "app_id app_id_missing, secret secret_missing, name name_long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := panelSettings()
			c.change(&s)
			_, err := w.editor.Create(t.Context(), annie, s, c.secret)
			var found []string
			if invalid, is := errors.AsType[*account.InvalidError](err); is {
				for _, f := range invalid.Faults {
					found = append(found, f.Field+" "+f.Code)
				}
				if strings.Contains(err.Error(), "x x") || f0(invalid).Mend == "" {
					t.Errorf("error %q", err)
				}
			} else {
				must(t, err)
			}
			if got := strings.Join(found, ", "); got != c.want {
				t.Errorf("faults %q, want %q", got, c.want)
			}
			if n := len(w.entries()); c.want != "" && n != 0 {
				t.Errorf("%d audit entries for what was refused", n)
			}
		})
	}
}

func f0(e *account.InvalidError) account.FieldFault { return e.Faults[0] }

func many(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("h%d.example.com", i))
	}
	return list
}

func TestWeComAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := account.Settings{Platform: "wecom", CorpID: "ww1", AgentID: 1000002, Tickets: []string{"agent_config", "jsapi"}, TokenMode: "classic"}
	appID, err := w.editor.Create(t.Context(), annie, s, "good")
	must(t, err)
	v := w.view("ww1:1000002")
	if appID != v.AppID || v.CorpID != "ww1" || v.AgentID != 1000002 || v.TokenMode != "stable" {
		t.Errorf("%+v", v)
	}
	changed, err := w.editor.Edit(t.Context(), annie, 1, account.Settings{AppID: appID, Name: "x", Tickets: []string{"jsapi"}})
	must(t, err)
	if got := w.view(appID); !changed || got.Name != "x" || got.Platform != "wecom" {
		t.Errorf("%+v", got)
	}
}

func TestFileAccountIsReadOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	must(t, newRegistry(t, w.store, w.ring).RegisterFile(ctx, []account.Settings{settings()}))
	_, editErr := w.editor.Edit(ctx, annie, 1, settings())
	for name, err := range map[string]error{
		"edit": editErr, "disable": w.editor.SetEnabled(ctx, annie, "wxa", 1, false), "delete": w.editor.Delete(ctx, annie, "wxa", 1),
		"enter": w.editor.EnterSecret(ctx, annie, "wxa", "good-next"), "test": w.editor.TestSecret(ctx, annie, "wxa"),
		"switch": w.editor.SwitchSecret(ctx, annie, "wxa", 1), "back": w.editor.RollBackSecret(ctx, annie, "wxa", 1),
		"drop": w.editor.DropSecret(ctx, annie, "wxa", account.NextSecret),
	} {
		if !errors.Is(err, account.ErrFromFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.entries()) != 0 || read(t, w.store, "wxa").ConfigRev != 1 || !w.view("wxa").FromFile {
		t.Error("something was done to an account of the file")
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.create()
	w.wants(w.editor.SwitchSecret(ctx, annie, "wxa", 1), account.ErrNoSecret)
	w.wants(w.editor.EnterSecret(ctx, annie, "wxa", "good-first"), account.ErrSameSecret)
	if _, is := errors.AsType[*account.InvalidError](w.editor.EnterSecret(ctx, annie, "wxa", " ")); !is {
		t.Error("an empty AppSecret was taken")
	}
	must(t, w.editor.EnterSecret(ctx, annie, "wxa", "bad"))
	if next := w.view("wxa").Next; next == nil || next.Accepted || next.Errcode != 40001 || next.Mend != "copy it again" || next.By != "ann" || next.Tested.IsZero() {
		t.Errorf("the refused one: %+v", next)
	}
	w.wants(w.editor.SwitchSecret(ctx, annie, "wxa", 1), account.ErrUntested)

	must(t, w.editor.EnterSecret(ctx, annie, "wxa", " good-second\n"))
	must(t, w.editor.TestSecret(ctx, annie, "wxa"))
	if v := w.view("wxa"); !v.Next.Accepted || v.Rev != 1 || w.current("wxa") != "good-first" || w.tested != 3 {
		t.Errorf("before the switch: %+v, tested %d times", v.Next, w.tested)
	}
	w.wants(w.editor.SwitchSecret(ctx, annie, "wxa", 7), account.ErrOvertaken)
	must(t, w.editor.SwitchSecret(ctx, annie, "wxa", 1))
	v := w.view("wxa")
	if w.current("wxa") != "good-second" || v.Next != nil || v.Previous == nil || v.Previous.Fingerprint != secret.New("good-first").Fingerprint() {
		t.Errorf("after the switch: %+v", v)
	}
	if life := v.Previous.Until.Sub(v.Previous.At); life.Hours() != 7*24 {
		t.Errorf("the one before is kept for %s", life)
	}

	must(t, w.editor.RollBackSecret(ctx, annie, "wxa", v.Rev))
	v = w.view("wxa")
	if w.current("wxa") != "good-first" || v.Previous.Fingerprint != secret.New("good-second").Fingerprint() {
		t.Errorf("after going back: %+v", v)
	}
	must(t, w.editor.DropSecret(ctx, annie, "wxa", account.PreviousSecret))
	w.wants(w.editor.DropSecret(ctx, annie, "wxa", account.PreviousSecret), account.ErrNoSecret)
	w.wants(w.editor.RollBackSecret(ctx, annie, "wxa", v.Rev), account.ErrNoSecret)
	for _, entry := range w.entries() {
		if strings.Contains(entry, "good") || strings.Contains(entry, "bad") {
			t.Errorf("a secret stands in the audit log: %s", entry)
		}
	}
}

// Somebody enters another AppSecret while WeChat is being asked about the first:
// the verdict must not be written beside the wrong one.
func TestVerdictBelongsToItsSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.create()
	w.onTest = func() {
		w.onTest = nil
		must(t, w.editor.EnterSecret(ctx, audit.Entry{Actor: "bob"}, "wxa", "bad"))
	}
	w.wants(w.editor.EnterSecret(ctx, annie, "wxa", "good-second"), account.ErrOvertaken)
	if next := w.view("wxa").Next; next.Accepted || next.By != "bob" {
		t.Errorf("%+v", next)
	}
}

// A process that ended between the two writes of a switch leaves nothing odd.
func TestHalfASwitch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.create()
	must(t, w.editor.EnterSecret(ctx, annie, "wxa", "good-second"))
	hold := func(role, value string) {
		at := account.HeldSecretPlace(place, "wxa", role)
		must(t, w.store.HoldSecret(ctx, model.HeldSecret{AppID: "wxa", Role: role, SecretEnc: w.ring.Seal(secret.New(value), at)}, 60_000))
	}
	hold(model.SecretPrevious, "good-first") // and no further
	if v := w.view("wxa"); v.Previous != nil || v.Next == nil {
		t.Errorf("before the account changed: %+v", v)
	}
	must(t, w.editor.SwitchSecret(ctx, annie, "wxa", 1))
	hold(model.SecretNext, "good-second") // as if it had not been dropped
	if v := w.view("wxa"); v.Next != nil || v.Previous == nil {
		t.Errorf("after the account changed: %+v", v)
	}
}

// faster is a store in which somebody else is always faster.
type faster struct{ *model.Store }

func (faster) SwitchSecret(context.Context, model.SecretSwitch) (bool, error) {
	return false, nil
}

// Regression: a way back that was refused half-way had lost the AppSecret to go
// back to.
func TestRefusedRollBackLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.create()
	must(t, w.editor.EnterSecret(ctx, annie, "wxa", "good-second"))
	must(t, w.editor.SwitchSecret(ctx, annie, "wxa", 1))
	late := *w.editor
	late.Store = faster{w.store}
	w.wants(late.RollBackSecret(ctx, annie, "wxa", w.view("wxa").Rev), account.ErrOvertaken)
	if v := w.view("wxa"); w.current("wxa") != "good-second" || v.Previous == nil || v.Previous.Fingerprint != secret.New("good-first").Fingerprint() {
		t.Errorf("after a refusal the one before is %+v", v.Previous)
	}
}

func TestHeldSecretOpensOnlyInItsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create()
	must(t, w.editor.EnterSecret(t.Context(), annie, "wxa", "good-second"))
	rows, nowMs, err := w.store.HeldSecrets(t.Context(), []string{"wxa"})
	must(t, err)
	if len(rows) != 1 || strings.Contains(string(rows[0].SecretEnc), "good") || nowMs == 0 {
		t.Fatalf("held %+v", rows)
	}
	if _, err := w.ring.Open(rows[0].SecretEnc, place("wxa")); err == nil {
		t.Error("what was entered opens as the AppSecret in use")
	}
}

func TestRefreshAndReveal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.create()
	_, err := w.editor.Refresh(ctx, annie, "wxa", "jsapi", "  ")
	w.wants(err, account.ErrReason)
	_, err = w.editor.Refresh(ctx, annie, "wxa", "agent_config", "why")
	w.wants(err, account.ErrUnknown)
	_, err = w.editor.Refresh(ctx, annie, "nobody", "jsapi", "why")
	w.wants(err, account.ErrUnknown)
	result, err := w.editor.Refresh(ctx, annie, "wxa", "jsapi", " pages fail ")
	must(t, err)
	if diff := cmp.Diff([]string{"wxa|jsapi|ann|pages fail"}, w.asked); diff != "" || result != "renewed" {
		t.Errorf("%s: %s", result, diff)
	}

	_, err = w.editor.Reveal(ctx, annie, "wxa", "jsapi", "")
	w.wants(err, account.ErrReason)
	_, err = w.editor.Reveal(ctx, annie, "wxa", "jsapi", "look")
	w.wants(err, account.ErrNoValue)
	w.publish("jsapi", valuePlace("wxa", "jsapi", "p1"), 60_000)
	value, err := w.editor.Reveal(ctx, annie, "wxa", "jsapi", "look")
	must(t, err)
	if value.Reveal() != "the value" {
		t.Error("another value was shown")
	}
	w.publish("access_token", "another place", 60_000)
	_, err = w.editor.Reveal(ctx, annie, "wxa", "access_token", "look")
	w.wants(err, account.ErrSealed)
	w.publish("wx_card", valuePlace("wxa", "wx_card", "p1"), -1)
	_, err = w.editor.Reveal(ctx, annie, "wxa", "wx_card", "look")
	w.wants(err, account.ErrNoValue)
	want := []string{"ann create_account wxa", "ann refresh wxa jsapi: pages fail"}
	for _, kind := range []string{"jsapi", "jsapi", "access_token", "wx_card"} {
		want = append(want, "ann reveal wxa "+kind+": look")
	}
	if diff := cmp.Diff(want, w.entries()); diff != "" {
		t.Errorf("audit log (-want +got):\n%s", diff)
	}
}

// publish gives a credential a value that is sealed for a place.
func (w *world) publish(kind, place string, leftMs int64) {
	w.t.Helper()
	ctx := w.t.Context()
	tended, err := w.store.Tended(ctx, "wxa")
	must(w.t, err)
	row := tended.Credential(kind)
	g := model.Grant{AppID: "wxa", Kind: kind, Owner: "test/1", Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev}
	claimed, err := w.store.Claim(ctx, g, 60_000)
	must(w.t, err)
	published, err := w.store.Publish(ctx, g, model.Publication{
		PublishID: "p1", ValueEnc: w.ring.Seal(secret.New("the value"), place), IssuedMs: tended.NowMs, ExpiresMs: tended.NowMs + leftMs, LifeMs: 60_000,
	})
	must(w.t, err)
	if !claimed || !published {
		w.t.Fatal("not published")
	}
}

// No entry, no action: with the audit log away, nothing at all is done.
func TestNoEntryNoAction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.create()
	must(t, w.editor.EnterSecret(ctx, annie, "wxa", "good-second"))
	must(t, w.editor.SwitchSecret(ctx, annie, "wxa", 1))
	must(t, w.editor.EnterSecret(ctx, annie, "wxa", "good-third"))
	before, tested := w.view("wxa"), w.tested
	w.audit.down = true
	other := panelSettings()
	other.AppID = "wxb"
	renamed := panelSettings()
	renamed.Name = "x"
	for name, act := range map[string]func() error{
		"create":  func() error { _, err := w.editor.Create(ctx, annie, other, "good"); return err },
		"edit":    func() error { _, err := w.editor.Edit(ctx, annie, 2, renamed); return err },
		"disable": func() error { return w.editor.SetEnabled(ctx, annie, "wxa", 2, false) },
		"enter":   func() error { return w.editor.EnterSecret(ctx, annie, "wxa", "good-fourth") },
		"test":    func() error { return w.editor.TestSecret(ctx, annie, "wxa") },
		"switch":  func() error { return w.editor.SwitchSecret(ctx, annie, "wxa", 2) },
		"back":    func() error { return w.editor.RollBackSecret(ctx, annie, "wxa", 2) },
		"drop":    func() error { return w.editor.DropSecret(ctx, annie, "wxa", account.NextSecret) },
		"refresh": func() error { _, err := w.editor.Refresh(ctx, annie, "wxa", "jsapi", "why"); return err },
		"reveal":  func() error { _, err := w.editor.Reveal(ctx, annie, "wxa", "jsapi", "why"); return err },
	} {
		if err := act(); !errors.Is(err, errAudit) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(before, w.view("wxa"), cmp.AllowUnexported(secret.Secret{})); diff != "" || w.tested != tested || len(w.asked) != 0 {
		t.Errorf("something was done without an entry: %s", diff)
	}
	if _, err := w.editor.View(ctx, "wxb"); !errors.Is(err, account.ErrUnknown) {
		t.Error("an account was made without an entry")
	}
	w.audit.down = false
	must(t, w.editor.SetEnabled(ctx, annie, "wxa", 2, false))
	w.audit.down = true
	w.wants(w.editor.Delete(ctx, annie, "wxa", 3), errAudit)
	if w.view("wxa").Enabled {
		t.Error("it is enabled")
	}
}

func TestNewEditorChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := account.NewEditor(account.EditorOptions{}); err == nil {
		t.Error("no error without a store")
	}
}
