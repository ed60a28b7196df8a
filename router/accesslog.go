package router

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// signingRoute is the one that every page of every visitor asks.
const signingRoute = "/jssdk/config"

// accessLog writes one line per request, always with the same keys; where there
// are very many of a kind, sample says for how many a line stands. Of the address
// it holds the route, never what was typed: the query holds the page's URL, keys and
// AppSecrets of drop-in callers, and an unrouted path anything.
// signing, if it is not nil, is told of every request to the signing route: what
// would measure it a second time would look at the clock twice more.
func accessLog(log *slog.Logger, signing func(code string, took time.Duration)) gin.HandlerFunc {
	lines := newThinning()
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		if handler.Parked(c) {
			return // it comes again
		}
		took, status, route := time.Since(start), c.Writer.Status(), c.FullPath()
		if route == signingRoute && signing != nil && c.Request.Method != http.MethodOptions {
			signing(handler.Code(c), took)
		}
		if status == http.StatusOK && route == signingRoute && !lines.takeSigned() {
			return
		}
		ctx, level := c.Request.Context(), levelOf(c.Request, status, route)
		if !log.Enabled(ctx, level) {
			return
		}
		if route == "" {
			route = "unrouted"
		}
		kind := kindOfLine{route: route, code: codeOf(c, status), status: status}
		sample, logged := lines.take(kind, handler.AddressOf(c))
		if !logged {
			return
		}
		log.LogAttrs(ctx, level, "request",
			slog.String("method", methodOf(c.Request)), slog.String("path", route), slog.Int("status", status), slog.String("code", kind.code),
			slog.Duration("took", took), slog.Int("bytes", max(0, c.Writer.Size())), slog.String("client", handler.AddressText(c)),
			slog.Int64("sample", sample), slog.String("request_id", handler.RequestID(c)))
	}
}

// methodOf is the request's method, its beginning where it is none: net/http takes
// any word, however long, and a few of those a second would fill a disk.
func methodOf(r *http.Request) string { return r.Method[:min(len(r.Method), longestMethod)] }

// longestMethod is in bytes; WebDAV's longest, which are not ours, fit.
const longestMethod = 20

// codeOf is the code of the answer's JSON. Pages of the panel have none: where
// they fail, their status stands for it.
func codeOf(c *gin.Context, status int) string {
	code := handler.Code(c)
	if code == okCode && status >= http.StatusBadRequest {
		return "http_" + strconv.Itoa(status)
	}
	return code
}

// levelOf makes our own failures stand out. A caller's are everyday, and what
// machines ask again and again is only worth a line where it fails.
func levelOf(r *http.Request, status int, route string) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelWarn
	case status < http.StatusBadRequest && isRoutine(r, status, route):
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// isRoutine tells probes of balancers, open tabs of the panel that look for
// news (htmx names its requests), the panel's own files, and long polls and
// caches that were told "nothing new".
func isRoutine(r *http.Request, status int, route string) bool {
	switch route {
	case "/healthz", "/readyz", adminPath + "/static/*path":
		return true
	}
	if status == http.StatusNotModified {
		return true
	}
	return r.Method == http.MethodGet && strings.HasPrefix(route, adminPath+"/") && r.Header.Get("HX-Request") == "true"
}
