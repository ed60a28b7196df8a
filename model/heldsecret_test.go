package model_test

import (
	"errors"
	"testing"

	"github.com/wxsign/wxsign/model"
)

// A switch of the AppSecret changes the account and what is held beside it, or
// neither.
func TestSwitchSecret(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		kinds := []string{"access_token", "jsapi"}
		panelAccount(t, s, "wxa", "", true)
		expect := func(what string, rev int64, used, held byte) {
			t.Helper()
			a, err := s.Account(ctx, "wxa")
			must(t, err)
			rows, _, err := s.HeldSecrets(ctx, []string{"wxa"})
			must(t, err)
			got := byte(0)
			for _, row := range rows {
				got = row.SecretEnc[0]
			}
			if a.ConfigRev != rev || a.SecretEnc[0] != used || got != held || len(rows) > 1 {
				t.Errorf("%s: revision %d, in use %d, held %d of %d, want revision %d, in use %d, held %d",
					what, a.ConfigRev, a.SecretEnc[0], got, len(rows), rev, used, held)
			}
		}
		to := func(rev int64, use, left byte) model.SecretSwitch {
			a, err := s.Account(ctx, "wxa")
			must(t, err)
			a.ConfigRev, a.SecretEnc = rev, []byte{use}
			return model.SecretSwitch{Account: a, Kinds: kinds, LifeMs: 60_000, Left: model.HeldSecret{
				AppID: "wxa", Role: model.SecretPrevious, SecretEnc: []byte{left}, KeyID: "0badcafe", Actor: "ann",
			}}
		}
		does := func(w model.SecretSwitch, want bool) {
			t.Helper()
			if done, err := s.SwitchSecret(ctx, w); done != want || err != nil {
				t.Errorf("switch: %v, %v, want %v", done, err, want)
			}
		}
		does(to(7, 2, 1), false)
		expect("overtaken", 1, 1, 0)
		does(to(1, 2, 1), true)
		expect("the first switch", 2, 2, 1)
		does(to(2, 3, 2), true)
		expect("the second", 3, 3, 2)
		does(to(2, 1, 3), false)
		expect("overtaken again", 3, 3, 2)
		for _, at := range []string{"UPDATE account", "UPDATE held_secret"} {
			mend, err := s.Cut(at)
			must(t, err)
			if done, err := s.SwitchSecret(ctx, to(3, 4, 3)); done || !errors.Is(err, model.ErrCut) {
				t.Errorf("cut at %s: %v, %v", at, done, err)
			}
			must(t, mend())
			expect("cut at "+at, 3, 3, 2)
		}
		rows, err := s.Credentials(ctx, []string{"wxa"})
		must(t, err)
		for _, row := range rows {
			if row.ConfigRev != 3 {
				t.Errorf("%s is at revision %d, want 3", row.Kind, row.ConfigRev)
			}
		}
	})
}
