package router

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// signingSample: of so many successful signing requests one is logged. All
// failures are.
const signingSample = 100

// accessLog writes one line per request: the path without its query, because
// that holds the page's URL and with it whatever the page keeps there.
func accessLog(log *slog.Logger) gin.HandlerFunc {
	var signed atomic.Uint64
	return func(c *gin.Context) {
		start := time.Now()
		c.Next()
		status, path := c.Writer.Status(), c.FullPath()
		level := levelOf(status)
		sample := 1
		if status == http.StatusOK && path == "/jssdk/config" {
			sample = signingSample
			if signed.Add(1)%signingSample != 1 {
				return
			}
		}
		ctx := c.Request.Context()
		if !log.Enabled(ctx, level) {
			return
		}
		if path == "" {
			path = "unrouted"
		}
		log.LogAttrs(ctx, level, "request",
			slog.String("method", c.Request.Method), slog.String("path", path), slog.Int("status", status),
			slog.Duration("took", time.Since(start)), slog.Int("bytes", c.Writer.Size()), slog.String("client", c.ClientIP()),
			slog.Int("sample", sample), slog.String("request_id", handler.RequestID(c)))
	}
}

// levelOf makes our own failures stand out; a caller's are everyday.
func levelOf(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
