package router

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/rs/cors"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/panics"
)

// requestIDHeader names a request through all replicas, proxies and logs.
const requestIDHeader = "X-Request-Id"

// requestID takes the id that a proxy gave, or makes one.
func requestID() gin.HandlerFunc {
	return func(c *gin.Context) {
		id := ""
		if given := c.Request.Header[requestIDHeader]; len(given) > 0 {
			id = given[0]
		}
		if !isRequestID(id) {
			id = newRequestID()
		}
		handler.SetRequestID(c, id)
	}
}

// recovery answers a panic as "internal" and logs where it came from. It does
// not log the request: its headers may hold keys.
func recovery(log *slog.Logger) gin.HandlerFunc {
	return func(c *gin.Context) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // a sentinel that is never wrapped
				panic(cause)
			}
			err := fmt.Errorf("panic: %s\n%s", panics.Describe(cause), debug.Stack())
			if !c.Writer.Written() {
				handler.Fail(c, err) // logs it, too
				return
			}
			log.Error("panic behind the start of an answer", "request_id", handler.RequestID(c), "path", c.FullPath(), "err", err)
			c.Abort()
		}()
		c.Next()
	}
}

// The values of headers that never change, made once for all answers. Nobody
// writes into them, and append makes a copy.
var (
	noSniff    = []string{"nosniff"}
	noContents = []string{"default-src 'none'; frame-ancestors 'none'"}
)

// secureHeaders are right for answers that are no page; pages set their own. There is
// no Referrer-Policy: nothing leads away from JSON, and what loads more has its own.
func secureHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h["X-Content-Type-Options"] = noSniff
	h["Content-Security-Policy"] = noContents
}

// preflightAge is how long a browser may remember what OPTIONS said.
const preflightAge = 10 * time.Minute

// crossOrigin lets the pages of the accounts' domains read the answer. Other
// origins are answered without the header that would let them: whether they
// get a signature is decided by the page URL, not by Origin.
func crossOrigin(allows func(origin string) bool) gin.HandlerFunc {
	rules := cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool { return origin != "" && allows(origin) },
		AllowedMethods:  []string{http.MethodGet, http.MethodPost, http.MethodHead},
		AllowedHeaders:  []string{"Content-Type", requestIDHeader},
		ExposedHeaders:  []string{"Retry-After", requestIDHeader},
		MaxAge:          int(preflightAge.Seconds()),
	})
	return func(c *gin.Context) {
		rules.HandlerFunc(c.Writer, c.Request)
		if c.Request.Method == http.MethodOptions {
			c.Status(http.StatusNoContent)
			c.Abort()
		}
	}
}
