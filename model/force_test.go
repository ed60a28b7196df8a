package model_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func TestForcesSpent(t *testing.T) {
	t.Parallel()
	const today, yesterday, lease = 20260102, 20260101, 600_000
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		spend := func(appID string, day, times int) {
			a := model.Account{AppID: appID, Enabled: true, SecretEnc: []byte("sealed")}
			must(t, s.InsertAccount(t.Context(), a, []string{"access_token", "jsapi"}))
			g := model.Grant{AppID: appID, Kind: "access_token", Owner: "me", ConfigRev: 1}
			if won, err := s.Claim(t.Context(), g, lease); !won || err != nil {
				t.Fatal(won, err)
			}
			for range times {
				if spent, err := s.SpendForce(t.Context(), g, model.ForceBudget{Day: day, Limit: 20}); !spent || err != nil {
					t.Fatal(spent, err)
				}
			}
		}
		spend("wxb", today, 2)
		spend("wxa", today, 2)
		spend("wxmost", today, 7)
		spend("wxold", yesterday, 9)
		spend("wxnone", today, 0)
		got, err := s.ForcesSpent(t.Context(), today, 10)
		must(t, err)
		if diff := cmp.Diff([]model.ForceSpent{{"wxmost", 7}, {"wxa", 2}, {"wxb", 2}}, got); diff != "" {
			t.Errorf("spent today (-want +got):\n%s", diff)
		}
		if got, err = s.ForcesSpent(t.Context(), today, 1); err != nil || len(got) != 1 || got[0].AppID != "wxmost" {
			t.Errorf("the first of them: %+v, %v", got, err)
		}
	})
}
