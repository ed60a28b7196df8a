package keeper_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// Several people press "refresh now" on all replicas: one call, and what it
// brings depends on the mode.
func TestRefreshByHand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode wechat.Mode
		kind string
		want string
		path string
	}{
		"stable token, alive": {wechat.Stable, snapshot.KindAccessToken, keeper.ResultUnchanged, stablePath},
		"classic token":       {wechat.Classic, snapshot.KindAccessToken, keeper.ResultRenewed, tokenPath},
		"ticket":              {wechat.Stable, snapshot.KindJSAPI, keeper.ResultUnchanged, ticketPath},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: c.mode})
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(time.Minute)
				before := w.calls()
				results := make(chan string, 10)
				for range 5 {
					for _, r := range []*replica{one, two} {
						go func() {
							result, err := r.keeper.Refresh(t.Context(), keeper.RefreshRequest{AppID: appID, Kind: c.kind, Actor: "admin", Reason: "why not"})
							if err != nil && errors.Is(err, keeper.ErrRefreshFailed) {
								result = c.want // the other replica's was done already
							}
							results <- result
						}()
					}
				}
				for range 10 {
					if got := <-results; got != c.want {
						t.Errorf("%q, want %q", got, c.want)
					}
				}
				w.checkSpent(before, map[string]int{c.path: 1})
				time.Sleep(time.Second) // the row is written beside the renewal
				if h := w.newest(c.kind, c.want); h.TriggerName != model.TriggerManual || h.Actor != "admin" || h.Errmsg != "why not" {
					t.Errorf("the row is %+v", h)
				}
				_, err := one.keeper.Refresh(t.Context(), keeper.RefreshRequest{AppID: appID, Kind: c.kind, Actor: "admin"})
				failed, ok := errors.AsType[*keeper.RefreshFailed](err)
				if !ok || failed.RetryAfter > 30*time.Second || failed.RetryAfter < 25*time.Second {
					t.Errorf("right after: %#v", err)
				}
				w.checkSpent(before, map[string]int{c.path: 1})
				w.watch(time.Minute, time.Second, one, two)
			})
		})
	}
}

// What a person has mended is tried at once, whatever back-off there is.
func TestRefreshEndsTheBackoff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		w.fault(map[string]any{"path": stablePath, "errcode": 40164, "count": -1})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		refresh := func(kind string) (string, error) {
			return r.keeper.Refresh(t.Context(), keeper.RefreshRequest{AppID: appID, Kind: kind, Actor: "admin"})
		}
		_, err := refresh(snapshot.KindAccessToken)
		if failed, ok := errors.AsType[*keeper.RefreshFailed](err); !ok || failed.Errcode != 40164 || failed.RetryAfter < 5*time.Minute {
			t.Errorf("while the address is not listed: %#v", err)
		}
		if _, err := refresh(snapshot.KindJSAPI); !errors.Is(err, keeper.ErrRefreshFailed) {
			t.Errorf("a ticket without a token: %v", err)
		}
		w.heal()
		time.Sleep(31 * time.Second)
		if result, err := refresh(snapshot.KindAccessToken); result != keeper.ResultRenewed || err != nil {
			t.Errorf("%q, %v", result, err)
		}
		if calls := w.tokenCalls(); calls != 3 {
			t.Errorf("%d calls, want 3", calls)
		}
	})
}

// Tokens are known as ours for four hours, on every replica and after a restart.
func TestIssued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic, follow: 10 * time.Second})
		one := w.start("one", nil)
		time.Sleep(time.Minute)
		old := one.hash(snapshot.KindAccessToken)
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(6 * time.Second)
		two := w.start("two", nil) // has never seen the old one
		knows := func(r *replica, hash string, want bool) {
			t.Helper()
			id, found, err := r.keeper.Issued(t.Context(), hash)
			if err != nil || found != want || found && id != appID {
				t.Errorf("replica %s: %q, %t, %v; want %t", r.name, id, found, err, want)
			}
		}
		for _, r := range []*replica{one, two} {
			knows(r, old, true)
			knows(r, one.hash(snapshot.KindAccessToken), true)
			knows(r, one.hash(snapshot.KindJSAPI), false)
			knows(r, "", false)
		}
		time.Sleep(3*time.Hour + 57*time.Minute)
		knows(one, old, true)
		knows(two, old, true)
		time.Sleep(4 * time.Minute)
		knows(one, old, false)
		knows(two, old, false)
	})
}
