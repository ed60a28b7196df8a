package router

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// signingSample: of so many successful signing requests one is logged. All
// failures are.
const signingSample = 100

// signingRoute is the one that every page of every visitor asks.
const signingRoute = "/jssdk/config"

// accessLog writes one line per request, always with the same keys. Of the
// address it holds the route, never what was typed: the query holds the page's
// URL, keys and AppSecrets of drop-in callers, and an unrouted path anything.
func accessLog(log *slog.Logger) gin.HandlerFunc {
	var signed atomic.Uint64
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		took, status, route := time.Since(start), c.Writer.Status(), c.FullPath()
		sample := 1
		if status == http.StatusOK && route == signingRoute {
			sample = signingSample
			if signed.Add(1)%signingSample != 1 {
				return
			}
		}
		ctx, level := c.Request.Context(), levelOf(c.Request, status, route)
		if !log.Enabled(ctx, level) {
			return
		}
		if route == "" {
			route = "unrouted"
		}
		log.LogAttrs(ctx, level, "request",
			slog.String("method", c.Request.Method), slog.String("path", route), slog.Int("status", status), slog.String("code", codeOf(c, status)),
			slog.Duration("took", took), slog.Int("bytes", max(0, c.Writer.Size())), slog.String("client", c.ClientIP()),
			slog.Int("sample", sample), slog.String("request_id", handler.RequestID(c)))
	}
}

// codeOf is the code of the answer's JSON. Pages of the panel have none: where
// they fail, their status stands for it.
func codeOf(c *gin.Context, status int) string {
	code := handler.Code(c)
	if code == "ok" && status >= http.StatusBadRequest {
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
	poll := r.Method == http.MethodGet && r.Header.Get("HX-Request") == "true" && strings.HasPrefix(route, adminPath+"/")
	return poll || status == http.StatusNotModified
}
