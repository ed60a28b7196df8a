package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// maxHelper is what the page helper may weigh on the wire, in bytes.
const maxHelper = 4 << 10

func scriptServer(t *testing.T) http.Handler {
	t.Helper()
	script, err := handler.NewScript()
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	engine.GET("/jssdk/wxsign.js", handler.Func(script.Classic).Gin)
	engine.HEAD("/jssdk/wxsign.js", handler.Func(script.Classic).Gin)
	engine.GET("/jssdk/wxsign.mjs", handler.Func(script.Module).Gin)
	engine.GET("/jssdk/wxsign.d.ts", handler.Func(script.Types).Gin)
	return engine
}

// ask sends one request; headers are "Name: value".
func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageHelperHeaders(t *testing.T) {
	t.Parallel()
	server := scriptServer(t)
	for path, contentType := range map[string]string{
		"/jssdk/wxsign.js":   "text/javascript; charset=utf-8",
		"/jssdk/wxsign.mjs":  "text/javascript; charset=utf-8",
		"/jssdk/wxsign.d.ts": "text/plain; charset=utf-8",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			res := ask(server, http.MethodGet, path, "")
			etag := res.Header().Get("ETag")
			for name, want := range map[string]string{
				"Content-Type": contentType, "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
				"X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=600",
			} {
				if got := res.Header().Get(name); got != want {
					t.Errorf("%s = %q, want %q", name, got, want)
				}
			}
			if res.Code != http.StatusOK || len(res.Body.String()) < 100 {
				t.Errorf("status %d, or no body", res.Code)
			}
			again := ask(server, http.MethodGet, path, "", "If-None-Match: "+etag)
			if again.Code != http.StatusNotModified || again.Body.String() != "" {
				t.Errorf("with its ETag: status %d", again.Code)
			}
			named := ask(server, http.MethodGet, path+"?v="+strings.Trim(etag, `"`), "")
			if got := named.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("by its version: Cache-Control = %q", got)
			}
			other := ask(server, http.MethodGet, path+"?v=0123456789abcdef", "")
			if got := other.Header().Get("Cache-Control"); strings.Contains(got, "immutable") {
				t.Errorf("another version would be kept for ever: %q", got)
			}
		})
	}
}

func TestPageHelperIsSmall(t *testing.T) {
	t.Parallel()
	server := scriptServer(t)
	if res := ask(server, http.MethodGet, "/jssdk/wxsign.js", "", "Accept-Encoding: gzip"); res.Body.Len() >= maxHelper {
		t.Errorf("%d bytes on the wire, must stay below %d", res.Body.Len(), maxHelper)
	}
	body := ask(server, http.MethodGet, "/jssdk/wxsign.js", "").Body.String()
	if !strings.HasPrefix(body, "/*! wxsign") || strings.Contains(body, "// First of all") {
		t.Error("the licence line is gone, or comments are still there")
	}
}
