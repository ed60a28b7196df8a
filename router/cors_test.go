package router_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestCORSOrigins(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, origin string
		allowed      bool
	}{
		{"a page of the account", "https://h5.example.com", true},
		{"a listed port", "https://dev.example.com:8443", true},
		{"a subdomain of a wildcard", "https://a.b.shop.example.com", true},
		{"a domain with a path", "https://path.example.com", true},
		{"http where allowed", "http://127.0.0.1:8080", true},
		{"of two accounts", "https://both.example.com", true},
		{"none", "", false},
		{"null", "null", false},
		{"star", "*", false},
		{"another host", "https://example.com", false},
		{"another port", "https://h5.example.com:8443", false},
		{"default port where another is listed", "https://dev.example.com", false},
		{"another scheme", "http://h5.example.com", false},
		{"ws", "wss://h5.example.com", false},
		{"suffix", "https://evilh5.example.com", false},
		{"prefix", "https://h5.example.com.evil.example", false},
		{"apex of a wildcard", "https://shop.example.com", false},
		{"userinfo", "https://h5.example.com@evil.example", false},
		{"path", "https://h5.example.com/", false},
		{"query", "https://h5.example.com?", false},
		{"fragment", "https://h5.example.com#", false},
		{"two at once", "https://h5.example.com https://evil.example", false},
		{"comma", "https://h5.example.com,https://evil.example", false},
		{"capitals, which no browser sends", "https://H5.EXAMPLE.COM", false},
		{"extension", "chrome-extension://h5.example.com", false},
	}
	s := newSite(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if tt.origin != "" {
				headers = []string{"Origin", tt.origin}
			}
			// Whether a page is signed for is decided by its URL, not by Origin.
			good := s.ask(t, http.MethodGet, configPath("https://h5.example.com/", ""), "", headers...)
			checkSigned(t, good, "https://h5.example.com/")
			checkOrigin(t, good.Header(), tt.origin, tt.allowed)
			// A page must be able to read why it was refused, too.
			bad := s.ask(t, http.MethodPost, "/jssdk/config", `{}`, headers...)
			checkProblem(t, bad, 400, "url_missing")
			checkOrigin(t, bad.Header(), tt.origin, tt.allowed)

			preflight := s.ask(t, http.MethodOptions, "/jssdk/config", "", append(headers,
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")...)
			if preflight.Code != http.StatusNoContent || preflight.Body.Len() > 0 {
				t.Errorf("preflight: status %d, body %q", preflight.Code, preflight.Body)
			}
			checkOrigin(t, preflight.Header(), tt.origin, tt.allowed)
			if methods := preflight.Header().Get("Access-Control-Allow-Methods"); tt.allowed != (methods == "POST") {
				t.Errorf("preflight: allowed methods %q", methods)
			}
		})
	}
}

func checkOrigin(t testing.TB, h http.Header, origin string, allowed bool) {
	t.Helper()
	want := ""
	if allowed {
		want = origin
	}
	if got := h.Values("Access-Control-Allow-Origin"); strings.Join(got, "|") != want {
		t.Errorf("Access-Control-Allow-Origin %q, want %q", got, want)
	}
	if got := h.Values("Access-Control-Allow-Credentials"); len(got) > 0 {
		t.Errorf("Access-Control-Allow-Credentials %q", got)
	}
	// A cache must not answer one origin with what another one got.
	if vary := strings.Split(strings.Join(h.Values("Vary"), ", "), ", "); !slices.Contains(vary, "Origin") {
		t.Errorf("Vary %q lacks Origin", vary)
	}
}

func TestCORSExposesWhatPagesNeed(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.ask(t, http.MethodGet, configPath("https://empty.example.com/", ""), "", "Origin", "https://empty.example.com")
	checkProblem(t, w, 503, "ticket_not_ready")
	exposed := w.Header().Get("Access-Control-Expose-Headers")
	if !strings.Contains(exposed, "Retry-After") || !strings.Contains(exposed, "X-Request-Id") {
		t.Errorf("exposed: %q", exposed)
	}
}

func TestPreflightRefusesOtherMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.ask(t, http.MethodOptions, "/jssdk/config", "", "Origin", "https://h5.example.com", "Access-Control-Request-Method", "DELETE")
	if got := w.Header().Get("Access-Control-Allow-Methods"); w.Code != http.StatusNoContent || got != "" {
		t.Errorf("status %d, allowed methods %q", w.Code, got)
	}
}

func TestPlainOptions(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := s.ask(t, http.MethodOptions, "/jssdk/config?url=whatever", "")
	if w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
}
