package wechat_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/wechat"
)

// A host that was never reached may be replaced, for every call.
func TestFallbackWhenNotConnected(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]string{
		"refused":      "http://" + closedPort(t),
		"unknown name": noHost,
		"TLS hangs":    "https://" + mutePort(t),
		"unknown CA":   tlsServer(t, func(*tls.Config) {}).URL,
	} {
		for _, call := range calls {
			t.Run(name+" "+call.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, say(call.good))
				c := newClient(t, wechat.Options{
					BaseURL: base, FallbackURL: s.URL, Timeout: 10 * time.Second, ConnectTimeout: time.Second,
				})
				if _, err := call.ask(t.Context(), c); err != nil {
					t.Error(err)
				}
				if n := len(s.requests()); n != 1 {
					t.Errorf("the fallback got %d requests", n)
				}
			})
		}
	}
}

// After a time-out only stable_token in normal mode may be asked again: any
// other call may have been carried out.
func TestFallbackAfterTimeout(t *testing.T) {
	t.Parallel()
	for _, call := range calls {
		t.Run(call.name, func(t *testing.T) {
			t.Parallel()
			slow := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			s := serve(t, say(call.good))
			c := newClient(t, wechat.Options{
				BaseURL: slow.URL, FallbackURL: s.URL, Timeout: 2 * time.Second, ConnectTimeout: 500 * time.Millisecond,
			})
			start := time.Now()
			_, err := call.ask(t.Context(), c)
			took := time.Since(start)
			if call.name == "stable" {
				if err != nil || len(s.requests()) != 1 || took < 990*time.Millisecond {
					t.Errorf("got %v after %v, want a grant after half the time", err, took)
				}
				return
			}
			wantTimeout(t, err)
			if n := len(s.requests()); n != 0 || took < 1990*time.Millisecond {
				t.Errorf("the fallback got %d requests, gave up after %v", n, took)
			}
		})
	}
}

// A transport may time out before our own limit does; the rule is the same.
func TestFallbackAfterTransportsTimeout(t *testing.T) {
	t.Parallel()
	for _, call := range calls {
		slow := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		s := serve(t, say(call.good))
		c := newClient(t, wechat.Options{
			BaseURL: slow.URL, FallbackURL: s.URL, Transport: &http.Transport{ResponseHeaderTimeout: 100 * time.Millisecond},
		})
		_, err := call.ask(t.Context(), c)
		if call.name == "stable" {
			if err != nil || len(s.requests()) != 1 {
				t.Errorf("stable: got %v", err)
			}
			continue
		}
		wantTimeout(t, err)
		if n := len(s.requests()); n != 0 {
			t.Errorf("%s: the fallback got %d requests", call.name, n)
		}
	}
}

// Whoever answered, answered: no second host for an errcode, a wrong status,
// garbage, or a connection that broke after the request.
func TestNoFallbackAfterAnAnswer(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]http.HandlerFunc{
		"errcode -1":    say(`{"errcode":-1,"errmsg":"system error"}`),
		"errcode 40013": say(`{"errcode":40013,"errmsg":"invalid appid"}`),
		"errcode 45009": say(`{"errcode":45009,"errmsg":"reach max api daily quota limit"}`),
		"garbage":       say("<html>"),
		"502":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/?"+r.URL.RawQuery, http.StatusFound)
		},
		"broken": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		},
	} {
		for _, call := range calls {
			t.Run(name+" "+call.name, func(t *testing.T) {
				t.Parallel()
				first, second := serve(t, handle), serve(t, say(call.good))
				c := newClient(t, wechat.Options{BaseURL: first.URL, FallbackURL: second.URL})
				_, err := call.ask(t.Context(), c)
				if e := mustFail(t, err); strings.Contains(e.Error(), "fallback") {
					t.Errorf("got %v", e)
				}
				if len(first.requests()) != 1 || len(second.requests()) != 0 {
					t.Errorf("%d and %d requests, want 1 and 0", len(first.requests()), len(second.requests()))
				}
			})
		}
	}
}

// When both hosts fail the error names both causes, and still no secret.
func TestBothHostsFail(t *testing.T) {
	t.Parallel()
	c := newClient(t, wechat.Options{BaseURL: "http://" + closedPort(t), FallbackURL: noHost})
	for _, call := range calls {
		_, err := call.ask(t.Context(), c)
		e := mustFail(t, err)
		if !strings.Contains(e.Error(), "refused") || !strings.Contains(e.Error(), "-wechat.invalid") {
			t.Errorf("%s: %v does not name both", call.name, e)
		}
	}
	// The fallback's errcode is an answer and stands alone.
	s := serve(t, say(`{"errcode":40164,"errmsg":"invalid ip 1.2.3.4, not in whitelist"}`))
	c = newClient(t, wechat.Options{BaseURL: "http://" + closedPort(t), FallbackURL: s.URL})
	_, err := calls[0].ask(t.Context(), c)
	if e := mustFail(t, err); e.Errcode != 40164 || e.Class != wechat.NeedsHuman || e.Err != nil {
		t.Errorf("got %+v", e)
	}
}
