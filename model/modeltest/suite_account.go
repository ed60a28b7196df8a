package modeltest

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/model"
)

func accountCases() map[string]func(subject) {
	return map[string]func(subject){
		"comes back as it went in":             accountRoundTrip,
		"twice is refused":                     accountDuplicate,
		"many at once":                         accountMany,
		"many at once, all or none":            accountAllOrNone,
		"case makes another account":           accountCase,
		"blanks at the ends are refused":       accountBlanks,
		"an edit by the revision that it read": accountEdit,
		"of many edits at once one wins":       accountEditRace,
		"kinds come and go":                    accountKinds,
		"an edit ends the back-off":            accountBackoff,
		"an edit keeps what lives":             accountKeeps,
		"aligning late harms nothing":          accountAlignLate,
	}
}

func accountRoundTrip(x subject) {
	secret := make([]byte, 256)
	for i := range secret {
		secret[i] = byte(i)
	}
	for name, a := range map[string]model.Account{
		"nothing set": {SecretEnc: []byte{}},
		"all set": {
			Name: `演示 😀 O'Brien \ "x" ?  `, Platform: "wecom", Origin: model.OriginPanel, Enabled: true,
			SecretEnc: secret, KeyID: "0badcafe", TokenMode: "classic",
			Tickets: model.Strings{"jsapi", "wx_card"}, Domains: model.Strings{"例子.中国", "*.example.com:8443/a?b"}, AllowHTTP: true,
			Profiles: model.Profiles{"默认": {JSAPIList: []string{"scanQRCode"}, OpenTagList: []string{"wx-open-launch-app"}, Debug: true}, "": {}},
		},
	} {
		a.AppID = "wx" + id()
		from := x.now()
		x.ok(x.store.InsertAccount(x.Context(), a, []string{token}))
		got, err := x.store.Account(x.Context(), a.AppID)
		x.ok(err)
		if got.CreatedMs < from || got.CreatedMs > x.now() || got.UpdatedMs != got.CreatedMs {
			x.Errorf("%s: created %d, updated %d, inserted at %d", name, got.CreatedMs, got.UpdatedMs, from)
		}
		a.ConfigRev, a.CreatedMs, a.UpdatedMs = 1, got.CreatedMs, got.UpdatedMs
		if diff := cmp.Diff(a, got, cmpopts.EquateEmpty()); diff != "" {
			x.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func accountDuplicate(x subject) {
	before, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	a := account(x.appID)
	a.Name = "another"
	if err := x.store.InsertAccount(x.Context(), a, []string{token, "wx_card"}); !errors.Is(err, model.ErrDuplicate) {
		x.Errorf("inserted twice: %v, want ErrDuplicate", err)
	}
	after, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	if diff := cmp.Diff(before, after); diff != "" || len(x.tended().Credentials) != 2 {
		x.Errorf("%d credentials; the refused insert left a trace:\n%s", len(x.tended().Credentials), diff)
	}
}

func accountMany(x subject) {
	all := make([]model.Account, 200)
	for i := range all {
		all[i] = account("wx" + id())
		all[i].Name = `O'Brien \ "?" 😀 ` + strconv.Itoa(i)
		all[i].Profiles = model.Profiles{"默认": {JSAPIList: []string{"scanQRCode"}}}
		all[i].Tickets = []model.Strings{{jsapi}, {"wx_card", jsapi}, nil}[i%3]
	}
	from := x.now()
	x.ok(x.store.InsertAccounts(x.Context(), nil))
	x.ok(x.store.InsertAccounts(x.Context(), all))
	for _, want := range all {
		got, err := x.store.Account(x.Context(), want.AppID)
		x.ok(err)
		if got.CreatedMs < from || got.CreatedMs > x.now() || got.UpdatedMs != got.CreatedMs {
			x.Errorf("created %d, updated %d, inserted at %d", got.CreatedMs, got.UpdatedMs, from)
		}
		want.ConfigRev, want.CreatedMs, want.UpdatedMs = 1, got.CreatedMs, got.UpdatedMs
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			x.Errorf("(-want +got):\n%s", diff)
		}
		of := subject{TB: x.TB, store: x.store, appID: want.AppID}
		var kinds []string
		for _, c := range of.tended().Credentials {
			kinds = append(kinds, c.Kind)
			if c.ConfigRev != 1 || c.NextRefreshMs != 0 {
				x.Errorf("%s: revision %d, due at %d", c.Kind, c.ConfigRev, c.NextRefreshMs)
			}
		}
		slices.Sort(kinds)
		if wantKinds := slices.Sorted(slices.Values(want.Kinds())); !slices.Equal(kinds, wantKinds) {
			x.Errorf("kinds %v, want %v", kinds, wantKinds)
		}
	}
}

// accountAllOrNone: those beside one that is there, or twice among them, are not
// inserted either.
func accountAllOrNone(x subject) {
	twin := account("wx" + id())
	for name, second := range map[string][]model.Account{"there": {account(x.appID)}, "twice": {twin, twin}} {
		first, last := account("wx"+id()), account("wx"+id())
		err := x.store.InsertAccounts(x.Context(), slices.Concat([]model.Account{first}, second, []model.Account{last}))
		if !errors.Is(err, model.ErrDuplicate) {
			x.Errorf("%s: %v, want ErrDuplicate", name, err)
		}
		for _, appID := range []string{first.AppID, last.AppID, twin.AppID} {
			if _, err := x.store.Account(x.Context(), appID); !errors.Is(err, model.ErrNotFound) {
				x.Errorf("%s: an account beside it: %v, want ErrNotFound", name, err)
			}
		}
	}
	good := account("wx" + id())
	if err := x.store.InsertAccounts(x.Context(), []model.Account{good, account(" blank")}); err == nil {
		x.Error("an app_id with a blank was taken")
	}
	x.ok(x.store.InsertAccounts(x.Context(), []model.Account{good}))
}

func accountCase(x subject) {
	upper := subject{TB: x.TB, store: x.store, appID: strings.ToUpper(x.appID)}
	x.ok(x.store.InsertAccount(x.Context(), account(upper.appID), []string{token}))
	upper.publish(hour)
	if x.row(token).Version != 0 || upper.row(token).Version != 1 || len(upper.tended().Credentials) != 1 {
		x.Error("accounts whose ids differ by case share a row")
	}
}

func accountBlanks(x subject) {
	for _, appID := range []string{"", " ", x.appID + " ", " " + x.appID, x.appID + "\t", x.appID + "\u3000"} {
		err := x.store.InsertAccount(x.Context(), account(appID), []string{token})
		if err == nil || errors.Is(err, model.ErrDuplicate) {
			x.Errorf("InsertAccount(%q): %v, want it refused", appID, err)
		}
	}
}

func accountEdit(x subject) {
	first, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	second := first
	first.Name, second.Name = "first", "second"
	settle(x)
	x.yes(x.store.UpdateAccount(x.Context(), first, []string{token, jsapi}))
	x.no(x.store.UpdateAccount(x.Context(), second, []string{token, jsapi, "wx_card"}))
	got, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	if got.Name != "first" || got.ConfigRev != 2 || got.UpdatedMs <= got.CreatedMs || got.CreatedMs != first.CreatedMs {
		x.Errorf("name %q, revision %d, created %d, updated %d", got.Name, got.ConfigRev, got.CreatedMs, got.UpdatedMs)
	}
	if n := len(x.tended().Credentials); n != 2 {
		x.Errorf("%d credentials: the refused edit added one", n)
	}
	absent := account("absent")
	absent.ConfigRev = 1
	x.no(x.store.UpdateAccount(x.Context(), absent, []string{token}))
}

func accountEditRace(x subject) {
	a, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	var won atomic.Int32
	var editors sync.WaitGroup
	for range 8 {
		editors.Go(func() {
			done, err := x.store.UpdateAccount(x.Context(), a, []string{token, jsapi})
			if err != nil {
				x.Error(err)
			}
			if done {
				won.Add(1)
			}
		})
	}
	editors.Wait()
	if t := x.tended(); won.Load() != 1 || t.ConfigRev != 2 || t.Credential(token).ConfigRev != 2 {
		x.Errorf("%d edits won, want 1; revision %d, the token's %d", won.Load(), t.ConfigRev, t.Credential(token).ConfigRev)
	}
}

func accountKinds(x subject) {
	x.publish(hour)
	other := newSubject(x.TB, x.store)
	for _, kinds := range [][]string{{token, "wx_card"}, {token, jsapi, "wx_card"}, {token}} {
		a, err := x.store.Account(x.Context(), x.appID)
		x.ok(err)
		x.yes(x.store.UpdateAccount(x.Context(), a, kinds))
		var got []string
		for _, c := range x.tended().Credentials {
			got = append(got, c.Kind)
			if c.ConfigRev != a.ConfigRev+1 || (c.Kind != token && c.NextRefreshMs != 0) {
				x.Errorf("%s: revision %d, due %d", c.Kind, c.ConfigRev, c.NextRefreshMs)
			}
		}
		slices.Sort(got)
		if slices.Sort(kinds); !slices.Equal(got, kinds) {
			x.Errorf("kinds %v, want %v", got, kinds)
		}
	}
	if x.row(token).Version != 1 || len(other.tended().Credentials) != 2 {
		x.Error("an edit of kinds reached further than its account's tickets")
	}
}

func accountBackoff(x subject) {
	x.publish(0)
	x.fail(token, hour)
	x.edit()
	row := x.row(token)
	if row.FailCount != 0 || row.NextRefreshMs > x.now() || row.Version != 1 {
		x.Errorf("%d failures, due %d, version %d", row.FailCount, row.NextRefreshMs, row.Version)
	}
	x.claim("next")
}

func accountKeeps(x subject) {
	p := x.publish(hour)
	before := x.row(token)
	x.edit()
	want := before
	got := x.row(token)
	want.ConfigRev, want.UpdatedMs = 2, got.UpdatedMs
	if diff := cmp.Diff(want, got); diff != "" || got.NextRefreshMs != p.NextRefreshMs {
		x.Errorf("(-want +got):\n%s", diff)
	}
}

// accountAlignLate: a process that stopped between editing an account and
// aligning its credentials goes on after a newer edit.
func accountAlignLate(x subject) {
	old, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	x.yes(x.store.UpdateAccount(x.Context(), old, []string{token, jsapi}))
	before := x.tended()
	x.ok(x.store.AlignCredentials(x.Context(), old, []string{token, "wx_card"}))
	after := x.tended()
	if diff := cmp.Diff(before.Credentials, after.Credentials); diff != "" {
		x.Errorf("the older edit moved what the newer one had set (-before +after):\n%s", diff)
	}
	fresh, err := x.store.Account(x.Context(), x.appID)
	x.ok(err)
	for range 2 {
		x.ok(x.store.AlignCredentials(x.Context(), fresh, []string{token, "wx_card"}))
		if t := x.tended(); t.Credential("wx_card") == nil || t.Credential(jsapi) != nil || len(t.Credentials) != 2 {
			x.Errorf("aligned: %d credentials", len(t.Credentials))
		}
	}
}

func listCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"accounts in pages": func(t *testing.T, s *model.Store) {
			t.Helper()
			x := subject{TB: t, store: s}
			want := []string{"WX2", "wx1", "wx10", "wx2", "wxa:1000002", "企业"} // by bytes
			for _, appID := range []string{"wx2", "企业", "wx10", "WX2", "wxa:1000002", "wx1"} {
				x.ok(s.InsertAccount(t.Context(), account(appID), []string{token}))
			}
			var paged []string
			for after := ""; ; after = paged[len(paged)-1] {
				rows, err := s.Accounts(t.Context(), after, 4)
				x.ok(err)
				if len(rows) == 0 {
					break
				}
				if len(rows) > 4 {
					t.Fatalf("a page of %d, want at most 4", len(rows))
				}
				for _, a := range rows {
					paged = append(paged, a.AppID)
				}
			}
			if !slices.Equal(paged, want) {
				t.Errorf("pages: %v, want %v", paged, want)
			}
			all, err := s.AppIDs(t.Context())
			x.ok(err)
			if slices.Sort(all); !slices.Equal(all, want) {
				t.Errorf("AppIDs: %v, want %v", all, want)
			}
		},
	}
}

func keyCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"key checks": func(t *testing.T, s *model.Store) {
			t.Helper()
			x := subject{TB: t, store: s}
			first, second := model.KeyCheck{KeyID: "ffffffff", CheckEnc: []byte{0, 255}}, model.KeyCheck{KeyID: "00000000", CheckEnc: []byte{1}}
			x.ok(s.AddKeyCheck(t.Context(), first))
			settle(x)
			x.ok(s.AddKeyCheck(t.Context(), second))
			x.ok(s.AddKeyCheck(t.Context(), model.KeyCheck{KeyID: "ffffffff", CheckEnc: []byte("another")}))
			got, err := s.KeyChecks(t.Context())
			x.ok(err)
			if diff := cmp.Diff([]model.KeyCheck{first, second}, got); diff != "" {
				t.Errorf("oldest first, the first of a key kept (-want +got):\n%s", diff)
			}
		},
	}
}
