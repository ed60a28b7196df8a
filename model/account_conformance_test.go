package model_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/model"
)

// panelAccount adds an account of the panel with two credentials.
func panelAccount(t *testing.T, s *model.Store, appID, name string, enabled bool) {
	t.Helper()
	must(t, s.InsertAccount(t.Context(), model.Account{
		AppID: appID, Name: name, Platform: "official_account", Origin: model.OriginPanel, Enabled: enabled,
		SecretEnc: []byte{1}, KeyID: "0badcafe", TokenMode: "stable",
	}, []string{"access_token", "jsapi"}))
}

func TestHeldSecret(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		held := func() []model.HeldSecret {
			t.Helper()
			rows, nowMs, err := s.HeldSecrets(ctx, []string{"wxa", "wxb"})
			must(t, err)
			for i := range rows {
				if rows[i].MadeMs > nowMs || rows[i].UntilMs <= nowMs {
					t.Errorf("made at %d, until %d, now %d", rows[i].MadeMs, rows[i].UntilMs, nowMs)
				}
				rows[i].MadeMs, rows[i].UntilMs = 0, 0
				if rows[i].TestedMs != 0 {
					rows[i].TestedMs = 1
				}
			}
			return rows
		}
		next := model.HeldSecret{AppID: "wxa", Role: model.SecretNext, SecretEnc: []byte{1, 0, 255}, KeyID: "0badcafe", Actor: "ann"}
		previous := model.HeldSecret{AppID: "wxa", Role: model.SecretPrevious, SecretEnc: []byte{2}, KeyID: "0badcafe", Actor: "bob"}
		must(t, s.HoldSecret(ctx, next, 60_000))
		must(t, s.HoldSecret(ctx, previous, 60_000))
		if diff := cmp.Diff([]model.HeldSecret{next, previous}, held()); diff != "" {
			t.Error(diff)
		}
		tested := next
		tested.Accepted, tested.TestErrcode, tested.TestText = true, -1, "gut ✓"
		if done, err := s.NoteSecretTest(ctx, tested); !done || err != nil {
			t.Errorf("note a test: %v, %v", done, err)
		}
		tested.TestedMs = 1
		if diff := cmp.Diff(tested, held()[0]); diff != "" {
			t.Error(diff)
		}
		next.SecretEnc = []byte{3}
		must(t, s.HoldSecret(ctx, next, 60_000)) // another one: not tested
		if diff := cmp.Diff(next, held()[0]); diff != "" {
			t.Error(diff)
		}
		if done, err := s.NoteSecretTest(ctx, tested); done || err != nil {
			t.Errorf("a test of the one before counts: %v, %v", done, err)
		}
		resealed, err := s.ResealHeldSecret(ctx, "wxa", model.SecretNext, model.Reseal{Was: []byte{3}, Is: []byte{4}, KeyID: "11111111"})
		if again, err2 := s.ResealHeldSecret(ctx, "wxa", model.SecretNext, model.Reseal{Was: []byte{3}, Is: []byte{5}, KeyID: "22222222"}); !resealed || again || err != nil || err2 != nil {
			t.Errorf("seal anew: %v, then %v, %v, %v", resealed, again, err, err2)
		}
		if row := held()[0]; row.SecretEnc[0] != 4 || row.KeyID != "11111111" {
			t.Errorf("sealed anew: %+v", row)
		}
		for _, want := range []bool{true, false} {
			if done, err := s.DropSecret(ctx, "wxa", model.SecretNext); done != want || err != nil {
				t.Errorf("drop: %v, %v", done, err)
			}
		}
		must(t, s.HoldSecret(ctx, model.HeldSecret{AppID: "wxb", Role: model.SecretNext, SecretEnc: []byte{1}, KeyID: "0badcafe"}, -1))
		if rows := held(); len(rows) != 1 || rows[0].Role != model.SecretPrevious {
			t.Errorf("with one whose time is over: %+v", rows)
		}
		if n, err := s.PurgeSecrets(ctx); n != 1 || err != nil {
			t.Errorf("purged %d, %v", n, err)
		}
	})
}

func TestDeleteAccount(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		panelAccount(t, s, "wxa", "", false)
		panelAccount(t, s, "wxb", "", true)
		must(t, s.InsertAccount(ctx, model.Account{AppID: "wxf", Origin: model.OriginFile, SecretEnc: []byte{1}, KeyID: "0badcafe"}, []string{"access_token"}))
		for _, appID := range []string{"wxa", "wxb"} {
			must(t, s.HoldSecret(ctx, model.HeldSecret{AppID: appID, Role: model.SecretNext, SecretEnc: []byte{1}, KeyID: "0badcafe"}, 60_000))
			must(t, s.AddVerifyFile(ctx, model.VerifyFile{Name: "MP_verify_" + appID + ".txt", AppID: appID, Body: "x"}))
		}
		for what, c := range map[string]struct {
			appID string
			rev   int64
		}{"another revision": {"wxa", 2}, "an enabled one": {"wxb", 1}, "the file's": {"wxf", 1}, "nobody's": {"wxn", 1}} {
			if done, err := s.DeleteAccount(ctx, c.appID, c.rev); done || err != nil {
				t.Errorf("%s: %v, %v", what, done, err)
			}
		}
		if done, err := s.DeleteAccount(ctx, "wxa", 1); !done || err != nil {
			t.Fatalf("delete: %v, %v", done, err)
		}
		if _, err := s.Account(ctx, "wxa"); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("after it: %v", err)
		}
		count := func(appID string) string {
			credentials, err := s.Credentials(ctx, []string{appID})
			must(t, err)
			held, _, err := s.HeldSecrets(ctx, []string{appID})
			must(t, err)
			files, err := s.VerifyFiles(ctx, appID)
			must(t, err)
			return fmt.Sprint(len(credentials), len(held), len(files))
		}
		if got := count("wxa") + ", " + count("wxb"); got != "0 0 0, 2 1 1" {
			t.Errorf("credentials, held secrets and files of the deleted and of the other: %s", got)
		}
		must(t, s.ClearRemains(ctx, "wxb")) // of an account that is there: nothing
		if got := count("wxb"); got != "2 1 1" {
			t.Errorf("an account lost what is its own: %s", got)
		}
	})
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		if rows, nowMs, err := s.Replicas(ctx, 60_000, 10); len(rows) != 0 || nowMs != 0 || err != nil {
			t.Errorf("on an empty table: %v, %d, %v", rows, nowMs, err)
		}
		for range 3 {
			must(t, s.SeeReplica(ctx, model.Replica{Name: "主机/1", Version: "1.0", Config: "c"}))
		}
		must(t, s.SeeReplica(ctx, model.Replica{Name: "b/2"}))
		rows, nowMs, err := s.Replicas(ctx, 60_000, 10)
		must(t, err)
		if len(rows) != 2 || nowMs == 0 {
			t.Fatalf("%+v at %d", rows, nowMs)
		}
		for _, r := range rows {
			if r.StartedMs > r.SeenMs || r.SeenMs > nowMs || r.Name == "主机/1" && (r.Version != "1.0" || r.Config != "c") {
				t.Errorf("%+v at %d", r, nowMs)
			}
		}
		if rows, _, err := s.Replicas(ctx, 60_000, 1); len(rows) != 1 || err != nil {
			t.Errorf("with a limit: %+v, %v", rows, err)
		}
		must(t, s.ForgetReplica(ctx, "b/2"))
		if n, err := s.PurgeReplicas(ctx, -60_000); n != 1 || err != nil {
			t.Errorf("purged %d, %v", n, err)
		}
	})
}

func TestSearchAccounts(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		for appID, name := range map[string]string{"wx1": "商城一", "wx2": "Shop", "Shop3": "other", "wx4": "a%b"} {
			panelAccount(t, s, appID, name, true)
		}
		for _, c := range []struct {
			prefixes []string
			limit    int
			want     string
		}{
			{[]string{"wx"}, 10, "wx1 wx2 wx4"},
			{[]string{"wx"}, 2, "wx1 wx2"},
			{[]string{"商"}, 10, "wx1"},
			{[]string{"Shop"}, 10, "Shop3 wx2"},
			{[]string{"shop"}, 10, ""},
			{[]string{"shop", "Shop"}, 10, "Shop3 wx2"},
			{[]string{"a%"}, 10, "wx4"},
			{[]string{"%"}, 10, ""},
			{nil, 10, ""},
		} {
			rows, nowMs, err := s.SearchAccounts(t.Context(), c.prefixes, c.limit)
			must(t, err)
			got := ""
			for _, r := range rows {
				got += " " + r.AppID
				if len(r.Credentials) != 2 {
					t.Errorf("%s has %d credentials", r.AppID, len(r.Credentials))
				}
			}
			if got != "" {
				got = got[1:]
			}
			if got != c.want || (nowMs == 0) != (c.want == "") {
				t.Errorf("%q finds %q at %d, want %q", c.prefixes, got, nowMs, c.want)
			}
		}
	})
}

func TestTimelineRows(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		for i := range int64(5) {
			must(t, s.AddHistory(t.Context(), model.History{
				AttemptID: fmt.Sprint(i), AppID: "wx", Kind: "jsapi", AtMs: 1000 + i, Version: i, TriggerName: "schedule", Outcome: "failed",
				Errcode: 45011, LatencyMs: 7, ExpiresMs: 9,
			}))
		}
		must(t, s.AddHistory(t.Context(), model.History{AttemptID: "x", AppID: "other", Kind: "jsapi", AtMs: 1002}))
		rows, err := s.Timeline(t.Context(), model.TimelineQuery{AppID: "wx", FromMs: 1001, ToMs: 1004, Limit: 2})
		must(t, err)
		moment := func(i int64) model.Moment {
			return model.Moment{
				AtMs: 1000 + i, FirstMs: 1000 + i, Count: 1, Kind: "jsapi", Version: i, TriggerName: "schedule", Outcome: "failed", Errcode: 45011,
				LatencyMs: 7, ExpiresMs: 9,
			}
		}
		if diff := cmp.Diff([]model.Moment{moment(3), moment(2)}, rows); diff != "" {
			t.Error(diff)
		}
		must(t, s.AddHistory(t.Context(), model.History{
			AttemptID: "y", AppID: "wx", Kind: "jsapi", AtMs: 1004, Outcome: "renewed", ExpiresMs: 5000,
		}))
		rows, err = s.Timeline(t.Context(), model.TimelineQuery{AppID: "wx", FromMs: 1001, ToMs: 1005, StepMs: 2, Limit: 9})
		must(t, err)
		two := moment(3)
		two.FirstMs, two.Count = 1002, 2
		one := model.Moment{AtMs: 1004, FirstMs: 1004, Count: 1, Kind: "jsapi", Outcome: "renewed", ExpiresMs: 5000}
		want := []model.Moment{one, moment(4), two, moment(1)}
		alike := cmpopts.SortSlices(func(a, b model.Moment) bool { return a.AtMs > b.AtMs || a.AtMs == b.AtMs && a.Outcome > b.Outcome })
		if diff := cmp.Diff(want, rows, alike); diff != "" {
			t.Errorf("of a time, what is alike (-want +got):\n%s", diff)
		}
		for skip, want := range map[int]int64{0: 1004, 2: 1003, 5: 1000, 6: 0} {
			if at, err := s.AttemptBefore(t.Context(), "wx", 1000, skip); err != nil || at != want {
				t.Errorf("before %d newer ones: %d, %v; want %d", skip, at, err, want)
			}
		}
	})
}
