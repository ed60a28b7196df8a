package model_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// One probe per interval, whoever sees that it is due, and only of a token that
// is worth it.
func TestProbeClaims(t *testing.T) {
	t.Parallel()
	const hourMs = 3_600_000
	for _, e := range modeltest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			ctx, store := t.Context(), modeltest.Open(t, e)
			check := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			due := func(want int, why string) []model.DueProbe {
				t.Helper()
				probes, err := store.DueProbes(ctx, 1000, 10)
				check(err)
				if len(probes) != want {
					t.Fatalf("%s: %d probes due, want %d", why, len(probes), want)
				}
				return probes
			}
			account := model.Account{
				AppID: "wx1", Platform: "official_account", Origin: model.OriginPanel, Enabled: true,
				SecretEnc: []byte{1}, TokenMode: "stable", Tickets: model.Strings{}, Domains: model.Strings{}, Profiles: model.Profiles{},
			}
			check(store.InsertAccount(ctx, account, []string{"access_token", "jsapi"}))
			due(0, "no value yet")

			now, err := store.Now(ctx)
			check(err)
			g := model.Grant{AppID: "wx1", Kind: "access_token", Owner: "me/1", ConfigRev: 1}
			_, err = store.Claim(ctx, g, hourMs)
			check(err)
			_, err = store.Publish(ctx, g, model.Publication{
				PublishID: "p", ValueEnc: []byte{7}, ValueHash: "hash",
				IssuedMs: now - 2000, ExpiresMs: now + hourMs, NextRefreshMs: now + hourMs,
			})
			check(err)
			probe := due(1, "a live token")[0]
			if probe.AppID != "wx1" || probe.PublishID != "p" || probe.ValueHash != "hash" || probe.Version != 1 || len(probe.ValueEnc) != 1 {
				t.Errorf("%+v", probe)
			}

			var won atomic.Int32
			var racers sync.WaitGroup
			for range 8 {
				racers.Go(func() {
					if claimed, _ := store.ClaimProbe(ctx, probe, 0); claimed {
						won.Add(1)
					}
				})
			}
			racers.Wait()
			if won.Load() != 1 {
				t.Errorf("%d of 8 won one probe", won.Load())
			}

			probe = due(1, "due again at once")[0]
			if claimed, err := store.ClaimProbe(ctx, probe, hourMs); err != nil || !claimed {
				t.Errorf("claim: %t, %v", claimed, err)
			}
			due(0, "taken")
			if probed, err := store.ProbedDead(ctx, "wx1", "hash"); err != nil || probed {
				t.Errorf("dead before it was noted: %t, %v", probed, err)
			}
			for hash, want := range map[string]bool{"other": false, "hash": true} {
				if noted, err := store.NoteProbedDead(ctx, "wx1", hash); err != nil || noted != want {
					t.Errorf("note %s: %t, %v", hash, noted, err)
				}
			}
			if probed, err := store.ProbedDead(ctx, "wx1", "hash"); err != nil || !probed {
				t.Errorf("not dead after it was noted: %t, %v", probed, err)
			}
		})
	}
}
