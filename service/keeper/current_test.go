package keeper_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
)

// shortLived makes credentials that live for three minutes.
var shortLived = simulator.Options{CredentialLife: 3 * time.Minute} // never changed

func TestCurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(10 * time.Second)
		token, err := r.keeper.Current(appID, keeper.KindAccessToken)
		must(t, err)
		if token.Version != 1 || token.PublishID == "" || token.SHA256() != token.Value.Hash() || !r.keeper.Holds(token.SHA256()) {
			t.Errorf("%+v", token)
		}
		left := time.Until(token.ExpiresAt)
		if got := token.ExpiresIn(); got > int64(left/time.Second) || got < int64(left/time.Second)-1 {
			t.Errorf("expires in %d s, at %v: in %s", got, token.ExpiresAt, left)
		}
		for _, tt := range []struct {
			appID, kind string
			want        error
		}{
			{appID, keeper.KindJSAPI, nil},
			{appID, keeper.KindWXCard, keeper.ErrKindUnknown},
			{appID, "", keeper.ErrKindUnknown},
			{"wxnobody", keeper.KindAccessToken, keeper.ErrAccountUnknown},
			{"", keeper.KindAccessToken, keeper.ErrAccountUnknown},
			{strings.ToUpper(appID), keeper.KindAccessToken, keeper.ErrAccountUnknown},
		} {
			_, err := r.keeper.Current(tt.appID, tt.kind)
			_, awaited := r.keeper.Await(t.Context(), tt.appID, tt.kind, func(keeper.Current) bool { return true })
			if !errors.Is(err, tt.want) || !errors.Is(awaited, tt.want) {
				t.Errorf("%q of %q: %v and %v, want %v", tt.kind, tt.appID, err, awaited, tt.want)
			}
		}
		w.edit(appID, func(a *model.Account) { a.Enabled = false })
		time.Sleep(2 * time.Second)
		if _, err := r.keeper.Current(appID, keeper.KindAccessToken); !errors.Is(err, keeper.ErrAccountDisabled) {
			t.Errorf("disabled: %v", err)
		}
	})
}

// Before the stored accounts are known, none is unknown.
func TestCurrentWhileStarting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newWorld(t, setup{}).prepare("one", nil)
		for _, kind := range []string{keeper.KindAccessToken, keeper.KindJSAPI} {
			_, err := r.keeper.Current(appID, kind)
			var notReady *keeper.NotReady
			if !errors.As(err, &notReady) || notReady.RetryAfter < time.Second || !errors.Is(err, keeper.ErrNotReady) {
				t.Errorf("%s: %v", kind, err)
			}
			isToken, isTicket := errors.Is(err, keeper.ErrTokenNotReady), errors.Is(err, keeper.ErrTicketNotReady)
			if isToken == isTicket || isToken != (kind == keeper.KindAccessToken) {
				t.Errorf("%s: %v is of the wrong class", kind, err)
			}
		}
	})
}

// A value is served to its true end and not a moment longer; then the answer
// says why there is none.
func TestCurrentToTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: shortLived})
		r := w.start("one", nil)
		time.Sleep(10 * time.Second)
		token, err := r.keeper.Current(appID, keeper.KindAccessToken)
		must(t, err)
		w.fault(map[string]any{"path": "*", "errcode": 40164, "count": 1_000_000})
		time.Sleep(time.Until(token.ExpiresAt) - 500*time.Millisecond)
		again, err := r.keeper.Current(appID, keeper.KindAccessToken)
		must(t, err)
		if again.SHA256() != token.SHA256() || again.ExpiresIn() != 1 {
			t.Errorf("half a second before its end it expires in %d s", again.ExpiresIn())
		}
		ticket, err := r.keeper.Current(appID, keeper.KindJSAPI)
		must(t, err)
		time.Sleep(time.Until(ticket.ExpiresAt)) // not before the token's
		for _, kind := range []string{keeper.KindAccessToken, keeper.KindJSAPI} {
			_, err = r.keeper.Current(appID, kind)
			var notReady *keeper.NotReady
			if !errors.As(err, &notReady) || !strings.Contains(notReady.Reason, "40164") || notReady.RetryAfter < time.Second {
				t.Errorf("%s: %v", kind, err)
			}
		}
	})
}

func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: shortLived})
		here, there := w.start("here", nil), w.start("there", nil)
		time.Sleep(10 * time.Second)
		first, err := here.keeper.Current(appID, keeper.KindAccessToken)
		must(t, err)
		differs := func(c keeper.Current) bool { return c.Version != first.Version }

		// Both replicas tell the next token, whichever of them fetched it.
		var waits sync.WaitGroup
		for _, r := range []*replica{here, there} {
			waits.Go(func() {
				next, err := r.keeper.Await(t.Context(), appID, keeper.KindAccessToken, differs)
				if err != nil || next.Version != first.Version+1 || next.SHA256() == first.SHA256() {
					t.Errorf("%s: version %d, %v", r.name, next.Version, err)
				}
			})
		}
		waits.Wait()

		// Nothing new until the end of the wait; a newer value is told at once.
		began := time.Now()
		next, err := there.keeper.Current(appID, keeper.KindAccessToken)
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		same, err := there.keeper.Await(ctx, appID, keeper.KindAccessToken, func(c keeper.Current) bool { return c.Version != next.Version })
		if !errors.Is(err, keeper.ErrUnchanged) || same.SHA256() != next.SHA256() || time.Since(began) != 30*time.Second {
			t.Errorf("after %s: version %d, %v", time.Since(began), same.Version, err)
		}
		if _, err := there.keeper.Await(t.Context(), appID, keeper.KindAccessToken, differs); err != nil {
			t.Errorf("what differs already: %v", err)
		}

		// The end of the process ends all waits.
		waits.Go(func() {
			_, err := here.keeper.Await(t.Context(), appID, keeper.KindAccessToken, func(keeper.Current) bool { return false })
			if !errors.Is(err, keeper.ErrUnchanged) {
				t.Errorf("at the end: %v", err)
			}
		})
		synctest.Wait()
		here.stop()
		waits.Wait()
	})
}

// Who waits while a value expires is told that there is none; who waits for a
// first one gets it.
func TestAwaitWithoutALiveValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: shortLived})
		w.fault(map[string]any{"path": "*", "errcode": -1, "count": 3})
		r := w.start("one", nil)
		first, err := r.keeper.Await(t.Context(), appID, keeper.KindJSAPI, func(keeper.Current) bool { return true })
		if err != nil || first.Version != 1 {
			t.Fatalf("the first ticket: version %d, %v", first.Version, err)
		}
		w.fault(map[string]any{"path": "*", "errcode": -1, "count": 1_000_000})
		time.Sleep(time.Until(first.ExpiresAt) - 10*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, err = r.keeper.Await(ctx, appID, keeper.KindJSAPI, func(c keeper.Current) bool { return c.Version != first.Version })
		if !errors.Is(err, keeper.ErrTicketNotReady) {
			t.Errorf("expired meanwhile: %v", err)
		}
	})
}

func TestAgents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newWorld(t, setup{}).prepare("one", nil)
		for _, id := range []string{"ww1:9", "ww1:10", "ww2:9", "ww11:9", "ww1"} {
			r.table.PutAccounts(snapshot.Account{AppID: id})
		}
		if got := strings.Join(r.keeper.Agents("ww1"), " "); got != "ww1:10 ww1:9" {
			t.Errorf("agents of ww1: %s", got)
		}
		if got := r.keeper.Agents("ww3"); len(got) != 0 {
			t.Errorf("agents of nobody: %v", got)
		}
	})
}

func TestUntilNewBudget(t *testing.T) {
	t.Parallel()
	// 15:59:30 UTC is half a minute before midnight in China.
	if got := keeper.UntilNewBudget(time.Date(2026, 3, 1, 15, 59, 30, 0, time.UTC)); got != 30*time.Second {
		t.Errorf("%s", got)
	}
}
