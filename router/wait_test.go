package router_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// askLater starts a request and returns how to get its answer.
func (s *site) askLater(r *http.Request) func() *httptest.ResponseRecorder {
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() { answered <- s.send(r) }()
	return func() *httptest.ResponseRecorder { return <-answered }
}

func waiterRequest(ctx context.Context) *http.Request {
	return httptest.NewRequestWithContext(ctx, http.MethodGet, configPath("https://waiter.example.com/", ""), nil)
}

func TestConfigWaitsForARenewalInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		answer := s.askLater(waiterRequest(t.Context()))
		start := time.Now()
		time.Sleep(time.Second)
		s.table.SetTrouble(waiterApp, snapshot.KindAccessToken, snapshot.Trouble{}) // a change that does not help
		time.Sleep(900 * time.Millisecond)
		s.table.PutCredential(waiterApp, snapshot.Credential{
			Kind: snapshot.KindJSAPI, Value: secret.New(liveTicket), Deadline: time.Now().Add(time.Hour),
		})
		checkSigned(t, answer(), "https://waiter.example.com/")
		if waited := time.Since(start); waited != 1900*time.Millisecond {
			t.Errorf("answered after %s", waited)
		}
	})
}

func TestConfigWaitsTwoSecondsAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		start := time.Now()
		w := s.send(waiterRequest(t.Context()))
		checkProblem(t, w, 503, "ticket_not_ready")
		if waited := time.Since(start); waited != 2*time.Second || w.Header().Get("Retry-After") != "1" {
			t.Errorf("waited %s, Retry-After %q", waited, w.Header().Get("Retry-After"))
		}
	})
}

// A dying ticket that is put in place while a page waits signs nothing.
func TestConfigDoesNotWakeUpForAnExpiredTicket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		answer := s.askLater(waiterRequest(t.Context()))
		time.Sleep(time.Second)
		s.table.PutCredential(waiterApp, snapshot.Credential{Kind: snapshot.KindJSAPI, Value: secret.New(liveTicket), Deadline: time.Now()})
		checkProblem(t, answer(), 503, "ticket_not_ready")
	})
}

// Where the keeper comes back only later there is nothing to wait for.
func TestConfigDoesNotWaitWithoutHope(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		start := time.Now()
		checkProblem(t, s.ask(t, http.MethodGet, configPath("https://empty.example.com/", ""), ""), 503, "ticket_not_ready")
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestConfigStopsWaitingWhenThePageIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		ctx, leave := context.WithCancel(t.Context())
		start := time.Now()
		answer := s.askLater(waiterRequest(ctx))
		time.Sleep(300 * time.Millisecond)
		leave()
		answer()
		if waited := time.Since(start); waited != 300*time.Millisecond {
			t.Errorf("went on for %s", waited)
		}
	})
}

func TestConfigAccountRemovedWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, nil)
		answer := s.askLater(waiterRequest(t.Context()))
		time.Sleep(time.Second)
		s.table.Remove(waiterApp)
		checkProblem(t, answer(), 403, "domain_not_allowed")
	})
}
