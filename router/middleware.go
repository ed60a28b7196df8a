package router

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/rs/cors"

	"github.com/wxsign/wxsign/handler"
)

// requestIDHeader names a request through all replicas, proxies and logs.
const requestIDHeader = "X-Request-Id"

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// requestID takes the id that a proxy gave, or makes one.
func requestID(c *gin.Context) {
	id := c.GetHeader(requestIDHeader)
	if !requestIDForm.MatchString(id) {
		id = rand.Text()
	}
	handler.SetRequestID(c, id)
	c.Header(requestIDHeader, id)
	c.Next()
}

// recovery answers a panic as "internal" and logs where it came from. It does
// not log the request: its headers may hold keys. Of the panic itself it logs
// the text only where Go's runtime wrote it: other values may hold anything.
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
			err := fmt.Errorf("panic: %s\n%s", describe(cause), debug.Stack())
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

func describe(cause any) string {
	if err, ok := cause.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", cause)
}

// secureHeaders are right for answers that are no page; pages set their own.
func secureHeaders(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	c.Next()
}

// preflightAge is how long a browser may remember what OPTIONS said.
const preflightAge = 10 * time.Minute

// crossOrigin lets the pages of the accounts' domains read the answer. Other
// origins are answered without the header that would let them: whether they
// get a signature is decided by the page URL, not by Origin.
func crossOrigin(allows func(origin string) bool) gin.HandlerFunc {
	rules := cors.New(cors.Options{
		AllowOriginFunc: allows,
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
			return
		}
		c.Next()
	}
}

// observe tells how each request ended and how long it took.
func observe(tell func(code string, took time.Duration)) gin.HandlerFunc {
	return func(c *gin.Context) {
		if tell == nil || c.Request.Method == http.MethodOptions {
			c.Next()
			return
		}
		start := time.Now()
		c.Next()
		tell(handler.Code(c), time.Since(start))
	}
}
