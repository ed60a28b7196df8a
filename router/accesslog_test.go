package router_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/keeper"
)

// What machines ask every few seconds fills a log in which people look for
// something else; where it fails it is what they look for.
func TestAccessLogPassesOverRoutine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target  string
		headers []string
		ready   bool
		level   string
	}{
		"probe of a balancer":         {"/readyz", nil, true, "DEBUG"},
		"probe that fails":            {"/readyz", nil, false, "WARN"},
		"liveness":                    {"/healthz", nil, true, "DEBUG"},
		"signing":                     {configPath("https://h5.example.com/", ""), nil, true, "INFO"},
		"signing that hides as htmx":  {configPath("https://h5.example.com/", ""), []string{"HX-Request", "true"}, true, "INFO"},
		"refusal that hides as htmx":  {"/jssdk/config", []string{"HX-Request", "true"}, true, "INFO"},
		"wrong address":               {"/nothing", nil, true, "INFO"},
		"script, first time":          {"/jssdk/wxsign.js", nil, true, "INFO"},
		"probe with a trailing slash": {"/healthz/", nil, true, "INFO"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &lines{}
			s := newSite(t, func(o *router.Options) {
				o.Health = handler.NewHealth(func() keeper.Status { return keeper.Status{Ready: tt.ready} })
				o.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			s.log = log
			s.ask(t, http.MethodGet, tt.target, "", tt.headers...)
			all := s.accessLog(t)
			if len(all) != 1 || all[0].Level != tt.level {
				t.Errorf("want one line at %s, got %+v", tt.level, all)
			}
		})
	}
}

// Nothing new is no news.
func TestAccessLogPassesOverNotModified(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	first := s.ask(t, http.MethodGet, "/jssdk/wxsign.js", "")
	again := s.ask(t, http.MethodGet, "/jssdk/wxsign.js", "", "If-None-Match", first.Header().Get("ETag"))
	if again.Code != http.StatusNotModified {
		t.Fatalf("status %d", again.Code)
	}
	if all := s.accessLog(t); len(all) != 1 || all[0].Status != http.StatusOK {
		t.Errorf("want the first request alone, got %+v", all)
	}
}

// The keys are fixed: people have queries and dashboards on them.
func TestAccessLogKeys(t *testing.T) {
	t.Parallel()
	want := []string{"bytes", "client", "code", "level", "method", "msg", "path", "request_id", "sample", "status", "time", "took"}
	s := newSite(t, nil)
	s.ask(t, http.MethodGet, configPath("https://h5.example.com/", ""), "")
	s.ask(t, http.MethodGet, "/jssdk/config", "")
	s.ask(t, http.MethodHead, "/nothing", "")
	s.ask(t, http.MethodPost, "/healthz", "")
	s.send(httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/jssdk/config", http.NoBody))
	var codes []any
	for line := range strings.Lines(s.log.String()) {
		var keys map[string]any
		if err := json.Unmarshal([]byte(line), &keys); err != nil {
			t.Fatal(err)
		}
		var names []string
		for name := range keys {
			names = append(names, name)
		}
		slices.Sort(names)
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("keys of %s (-want +got):\n%s", line, diff)
		}
		codes = append(codes, keys["code"])
	}
	if diff := cmp.Diff([]any{"ok", "url_missing", "not_found", "method_not_allowed", "ok"}, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// A method is whatever word the sender likes.
func TestAccessLogCutsMethods(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	s.ask(t, strings.Repeat("A", 9000), "/nothing", "")
	s.ask(t, http.MethodOptions, "/nothing", "")
	all := s.accessLog(t)
	if len(all) != 2 || all[0].Method != strings.Repeat("A", 20) || all[1].Method != http.MethodOptions {
		t.Errorf("%d lines, %.200v", len(all), all)
	}
}

// A tab of the overview that stays open asks every ten seconds.
func TestAccessLogPassesOverOpenPanels(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, header string
		status         int
		level, code    string
	}{
		"a person":        {http.MethodGet, "", 200, "INFO", "ok"},
		"an open tab":     {http.MethodGet, "true", 200, "DEBUG", "ok"},
		"signed out":      {http.MethodGet, "true", 303, "DEBUG", "ok"},
		"tab that fails":  {http.MethodGet, "true", 500, "WARN", "http_500"},
		"tab, refused":    {http.MethodGet, "true", 403, "INFO", "http_403"},
		"a form":          {http.MethodPost, "true", 200, "INFO", "ok"},
		"header of a lie": {http.MethodGet, "1", 200, "INFO", "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{log: &lines{}}
			engine := gin.New()
			engine.Use(router.AccessLog(slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			engine.Handle(tt.method, "/admin/", func(c *gin.Context) { c.Status(tt.status) })
			s.Handler = engine
			s.ask(t, tt.method, "/admin/", "", "HX-Request", tt.header)
			if text := s.log.String(); !strings.Contains(text, `"level":"`+tt.level+`"`) || !strings.Contains(text, `"code":"`+tt.code+`"`) {
				t.Errorf("want %s and %s: %s", tt.level, tt.code, text)
			}
		})
	}
}
