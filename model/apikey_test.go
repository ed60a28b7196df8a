package model_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/model"
)

// apiKey is the n-th key of a name.
func apiKey(name string, n int) model.APIKey {
	return model.APIKey{
		ID: fmt.Sprintf("%.7s%03d", name, n), Name: name, KeyHash: fmt.Sprintf("%064s", fmt.Sprint(name, n)),
		Scopes: model.Strings{"token"}, Accounts: model.Strings{"wx1", "ww1:2"}, CIDRs: model.Strings{"10.0.0.0/8"}, CreatedBy: "ann",
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		mark, err := s.APIKeysMark(ctx)
		must(t, err)
		want := apiKey("shop", 1)
		must(t, s.AddAPIKey(ctx, want, 0))
		got, nowMs, err := s.LiveAPIKey(ctx, want.KeyHash)
		must(t, err)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(model.APIKey{}, "CreatedMs")); diff != "" {
			t.Errorf("as stored: %s", diff)
		}
		if age := nowMs - got.CreatedMs; age < 0 || age > 60_000 {
			t.Errorf("it was made %d ms ago by the database clock", age)
		}
		after, err := s.APIKeysMark(ctx)
		must(t, err)
		if after == mark {
			t.Error("the mark does not show the new key")
		}

		must(t, s.NoteAPIKeyUsed(ctx, want.ID, strings.Repeat("1", 100), 5_000))
		must(t, s.NoteAPIKeyUsed(ctx, want.ID, "too old", 50_000))
		got, nowMs, err = s.LiveAPIKey(ctx, want.KeyHash)
		must(t, err)
		if ago := nowMs - got.UsedMs; ago < 5_000 || ago >= 50_000 || got.UsedAddress != strings.Repeat("1", 64) {
			t.Errorf("used %d ms ago from %q", ago, got.UsedAddress)
		}
		if used, _ := s.APIKeysMark(ctx); used != after {
			t.Error("a use moves the mark, so every replica would read all keys again")
		}

		if revoked, err := s.RevokeAPIKey(ctx, want.ID); err != nil || !revoked {
			t.Fatalf("revoke: %v, %v", revoked, err)
		}
		if revoked, err := s.RevokeAPIKey(ctx, want.ID); err != nil || revoked {
			t.Errorf("revoke again: %v, %v", revoked, err)
		}
		if _, _, err := s.LiveAPIKey(ctx, want.KeyHash); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("a revoked key is found: %v", err)
		}
		if revoked, _ := s.APIKeysMark(ctx); revoked == after {
			t.Error("the mark does not show the revocation")
		}
		live, _, err := s.LiveAPIKeys(ctx)
		must(t, err)
		all, _, err := s.APIKeys(ctx)
		must(t, err)
		if len(live) != 0 || len(all) != 1 || all[0].RevokedMs == 0 {
			t.Errorf("%d live keys, %d in all: %+v", len(live), len(all), all)
		}
	})
}

func TestAPIKeyOfANameHasTwoSlots(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		must(t, s.AddAPIKey(ctx, apiKey("shop", 1), 60_000))
		must(t, s.AddAPIKey(ctx, apiKey("shop", 2), 0))
		if err := s.AddAPIKey(ctx, apiKey("shop", 3), 0); !errors.Is(err, model.ErrDuplicate) {
			t.Fatalf("a third live key: %v", err)
		}
		must(t, s.AddAPIKey(ctx, apiKey("other", 1), 0))
		if _, err := s.RevokeAPIKey(ctx, apiKey("shop", 2).ID); err != nil {
			t.Fatal(err)
		}
		must(t, s.AddAPIKey(ctx, apiKey("shop", 3), -1)) // over at once
		if _, _, err := s.LiveAPIKey(ctx, apiKey("shop", 3).KeyHash); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("an expired key is found: %v", err)
		}
		must(t, s.AddAPIKey(ctx, apiKey("shop", 4), 0))
		live, _, err := s.LiveAPIKeys(ctx)
		must(t, err)
		if len(live) != 3 {
			t.Errorf("%d live keys, want shop's two and other's one", len(live))
		}
	})
}

// Of many that make a key of one name at once, two succeed.
func TestAPIKeySlotsAreNotTakenTwice(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		var made, refused atomic.Int32
		var all sync.WaitGroup
		for n := range 12 {
			all.Go(func() {
				err := s.AddAPIKey(t.Context(), apiKey("race", n), 0)
				for errors.Is(err, model.ErrNotApplied) { // a deadlock is told as such: try again
					err = s.AddAPIKey(t.Context(), apiKey("race", n), 0)
				}
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, model.ErrDuplicate):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if made.Load() != 2 || refused.Load() != 10 {
			t.Errorf("%d made and %d refused, want 2 and 10", made.Load(), refused.Load())
		}
	})
}
