package router_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/signature"
)

// spoiled is a signer that has gone wrong in some way.
type spoiled func() (signature.Config, error)

func (f spoiled) Config(signature.Request) (signature.Config, error) { return f() }

func (f spoiled) AwaitConfig(context.Context, signature.Request) (signature.Config, error) {
	return f()
}

// newSpoiledSite also gathers what handlers log on their own: there is one
// default logger, so its tests do not run in parallel.
func newSpoiledSite(t *testing.T, signer spoiled) *site {
	t.Helper()
	s := newSite(t, func(o *router.Options) { o.JSSDK = handler.NewJSSDK(signer, (*router.Limiter)(nil)) })
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewJSONHandler(s.log, nil)))
	return s
}

// What goes wrong inside is logged once, with the request id, and told to
// nobody outside.
//
//nolint:paralleltest // see newSpoiledSite
func TestInternalErrorsTellNothing(t *testing.T) {
	const inside = "dial tcp 10.1.2.3:3306: password is hunter2"
	var missing map[string]int
	for name, tt := range map[string]struct {
		signer spoiled
		logged string
	}{
		"error":                {func() (signature.Config, error) { return signature.Config{}, errors.New(inside) }, "10.1.2.3"},
		"wrapped error":        {func() (signature.Config, error) { return signature.Config{}, fmt.Errorf("x: %w", errors.New(inside)) }, "10.1.2.3"},
		"panic of the runtime": {func() (signature.Config, error) { missing["x"] = 1; return signature.Config{}, nil }, "nil map"},
		"panic with text":      {func() (signature.Config, error) { panic(inside) }, "panic: string"},
		"panic with error":     {func() (signature.Config, error) { panic(errors.New(inside)) }, "errorString"},
		"panic with nil":       {func() (signature.Config, error) { panic(nil) }, "nil argument"}, //nolint:govet // on purpose
	} {
		t.Run(name, func(t *testing.T) {
			s := newSpoiledSite(t, tt.signer)
			w := s.ask(t, http.MethodGet, configPath("https://h5.example.com/", ""), "", "Origin", "https://h5.example.com")
			p := checkProblem(t, w, 500, "internal")
			for _, word := range []string{"dial", "10.1.2.3", "hunter2", "goroutine", ".go:", "nil map"} {
				if strings.Contains(w.Body.String(), word) {
					t.Errorf("the answer tells %q: %s", word, w.Body)
				}
			}
			if !strings.Contains(p.Message, "request_id") || w.Header().Get("Access-Control-Allow-Origin") == "" {
				t.Errorf("the page cannot read it: %s, %v", p.Message, w.Header())
			}
			var told []string
			for line := range strings.Lines(s.log.String()) {
				if strings.Contains(line, `"level":"ERROR"`) {
					told = append(told, line)
				}
			}
			if len(told) != 1 || !strings.Contains(told[0], p.RequestID) || !strings.Contains(told[0], tt.logged) {
				t.Errorf("want one line with %q and the request id, got %q", tt.logged, told)
			}
			if strings.HasPrefix(name, "panic") && strings.Contains(s.log.String(), "hunter2") {
				t.Errorf("the log holds what the panic carried: %s", s.log)
			}
		})
	}
}

// http.ErrAbortHandler is a word to net/http, not a fault.
//
//nolint:paralleltest // see newSpoiledSite
func TestAbortedAnswerIsPassedOn(t *testing.T) {
	s := newSpoiledSite(t, func() (signature.Config, error) { panic(http.ErrAbortHandler) })
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler { //nolint:errorlint // the value of a panic
			t.Errorf("net/http was told %v", cause)
		}
	}()
	s.ask(t, http.MethodGet, configPath("https://h5.example.com/", ""), "")
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, tt := range map[string]struct {
		given string
		kept  bool
	}{
		"of a proxy":     {"0a1b2c3d-4e5f-6789.x_Y", true},
		"8 characters":   {"abcdefgh", true},
		"64 characters":  {strings.Repeat("a", 64), true},
		"none":           {"", false},
		"7 characters":   {"abcdefg", false},
		"65 characters":  {strings.Repeat("a", 65), false},
		"blank":          {"abcd efgh", false},
		"line break":     {"abcdefgh\nlevel=ERROR", false},
		"quotes":         {`abc"defgh`, false},
		"markup":         {"<script>alert(1)</script>", false},
		"other alphabet": {"请求标识请求标识", false},
		"trailing line":  {"abcdefgh\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if tt.given != "" {
				headers = []string{"X-Request-Id", tt.given}
			}
			p := checkProblem(t, s.ask(t, http.MethodGet, "/jssdk/config", "", headers...), 400, "url_missing")
			if (p.RequestID == tt.given) != tt.kept || len(p.RequestID) < 8 {
				t.Errorf("given %q, answered %q", tt.given, p.RequestID)
			}
		})
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	seen := map[string]bool{}
	for range 1000 {
		seen[s.ask(t, http.MethodGet, "/healthz", "").Header().Get("X-Request-Id")] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d different ids in 1000 requests", len(seen))
	}
}

// Regression: an id was a number behind a beginning that stayed, and told every
// stranger how many requests came between two of his.
func TestRequestIDsAreNoCount(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	next := func() string { return s.ask(t, http.MethodGet, "/healthz", "").Header().Get("X-Request-Id") }
	last := next()
	for range 200 {
		id, same := next(), 0
		for i := range min(len(id), len(last)) {
			if id[i] == last[i] {
				same++
			}
		}
		if len(id) != 26 || same > len(id)/2 { // by chance once in 10^17
			t.Fatalf("%s comes after %s", id, last)
		}
		last = id
	}
}

// logLine is a line of the access log.
type logLine struct {
	Level     string `json:"level"`
	Msg       string `json:"msg"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Status    int    `json:"status"`
	Client    string `json:"client"`
	Sample    int    `json:"sample"`
	RequestID string `json:"request_id"`
}

func (s *site) accessLog(t testing.TB) []logLine {
	t.Helper()
	var all []logLine
	for line := range strings.Lines(s.log.String()) {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if l.Msg == "request" {
			all = append(all, l)
		}
	}
	return all
}

// The page's URL holds whatever the page keeps there, and paths that nobody
// serves hold whatever was typed.
func TestAccessLogHoldsNoQueryAndNoUnknownPath(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	const private = "code-of-a-visitor"
	w := s.ask(t, http.MethodGet, configPath("https://h5.example.com/?code="+private, ""), "",
		"Authorization", "Bearer "+private, "Cookie", private, "Referer", "https://h5.example.com/?code="+private, "User-Agent", private)
	checkSigned(t, w, "https://h5.example.com/?code="+private)
	s.ask(t, http.MethodPost, "/jssdk/config", `{"url":"https://evil.example/?code=`+private+`"}`)
	s.ask(t, http.MethodGet, "/"+private+"?"+private, "")
	for _, secret := range []string{private, liveTicket, "evil.example"} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q: %s", secret, s.log)
		}
	}
	all := s.accessLog(t)
	if len(all) != 3 || all[0].Path != "/jssdk/config" || all[2].Path != "unrouted" || all[2].Status != 404 {
		t.Fatalf("access log %+v", all)
	}
	if all[0].RequestID != w.Header().Get("X-Request-Id") || all[0].Client != "192.0.2.1" {
		t.Errorf("access log %+v", all[0])
	}
}

func TestAccessLogSamplesSigning(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for range 250 {
		s.ask(t, http.MethodGet, configPath("https://h5.example.com/", ""), "")
	}
	for range 3 {
		s.ask(t, http.MethodGet, configPath("https://example.com/", ""), "")
		s.ask(t, http.MethodGet, configPath("https://empty.example.com/", ""), "")
	}
	count := map[int]int{}
	for _, l := range s.accessLog(t) {
		count[l.Status]++
		if l.Status == http.StatusOK && l.Sample != 100 || l.Status != http.StatusOK && l.Sample != 1 {
			t.Errorf("status %d stands for %d requests", l.Status, l.Sample)
		}
		if warns := l.Level == "WARN"; warns != (l.Status >= 500) {
			t.Errorf("status %d at level %s", l.Status, l.Level)
		}
	}
	if count[200] != 3 || count[403] != 3 || count[503] != 3 {
		t.Errorf("lines by status: %v, want 3 of 200 (1 in 100), 403 and 503", count)
	}
}

func TestSecureHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, target := range []string{
		configPath("https://h5.example.com/", ""), "/jssdk/config", "/healthz", "/nothing",
		"/jssdk/wxsign.js", "/jssdk/wxsign.mjs", "/jssdk/wxsign.d.ts",
	} {
		h := s.ask(t, http.MethodGet, target, "").Header()
		policy := h.Get("Content-Security-Policy")
		if script := strings.HasPrefix(target, "/jssdk/wxsign"); script && h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", target, h.Get("Referrer-Policy"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: headers %v", target, h)
		}
		for _, telling := range []string{"Server", "X-Powered-By", "Set-Cookie"} {
			if h.Get(telling) != "" {
				t.Errorf("%s: %s: %s", target, telling, h.Get(telling))
			}
		}
	}
}
