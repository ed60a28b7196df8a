// Package router is every route on one screen, grouped by who may enter, and
// the middleware in front of them.
package router

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// Options of Pages. Demo, PageReports and VerifyFiles may be nil: then their
// routes are not there. Zero fields mean: Logger = slog.Default().
type Options struct {
	JSSDK  *handler.JSSDK
	Script *handler.Script
	Demo   *handler.Demo
	Health *handler.Health
	// PageReports takes in what wxsign.js says of failures.
	PageReports *handler.PageReports
	// VerifyFiles are the files by which WeChat's console proves domains.
	VerifyFiles *handler.VerifyFiles
	// AllowsOrigin says which origins may read /jssdk/config by CORS.
	AllowsOrigin func(origin string) bool
	// Signed is told of every request to /jssdk/config; nil = nobody counts.
	Signed func(code string, took time.Duration)
	// Signing and Reports limit requests per client address, Reports those that
	// touch the database; nil = no limit.
	Signing *Limiter
	Reports *Limiter
	// TrustedProxies are addresses or CIDRs whose X-Forwarded-For counts.
	TrustedProxies []string
	Logger         *slog.Logger
}

// Pages serves front-end pages, QA and balancers: all that may face the
// internet. No route of it needs a key and none gives out a credential.
func Pages(o Options) (http.Handler, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	engine, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	both(engine, "/healthz", o.Health.Healthz)
	both(engine, "/readyz", o.Health.Readyz)

	jssdk := engine.Group("/jssdk")
	both(jssdk, "/wxsign.js", o.Script.Classic)
	both(jssdk, "/wxsign.mjs", o.Script.Module)
	both(jssdk, "/wxsign.d.ts", o.Script.Types)
	signing := jssdk.Group("/config", crossOrigin(o.AllowsOrigin))
	signing.OPTIONS("", noContent)
	limits := &addressLimits{log: o.Logger}
	limited := signing.Group("", limits.of(o.Signing, nil))
	both(limited, "", o.JSSDK.Get)
	limited.POST("", handler.Func(o.JSSDK.Post).Gin)

	if o.PageReports != nil {
		reports := jssdk.Group("/report", crossOrigin(o.AllowsOrigin))
		reports.OPTIONS("", noContent)
		reports.POST("", limits.of(o.Reports, nil), handler.Func(o.PageReports.Post).Gin)
	}
	// What belongs to no account, and so has no limit per account.
	stored := limits.of(o.Reports, NewLimiter(proxiedPerSecond, proxiedAtOnce))
	if o.VerifyFiles != nil {
		for _, file := range []string{"/MP_verify_:code", "/WW_verify_:code"} {
			both(engine.Group("", stored), file, o.VerifyFiles.Get)
		}
	}

	if o.Demo != nil {
		demo := engine.Group("/demo")
		both(demo, "/share", o.Demo.Share)
		both(demo, "/examples", o.Demo.Examples)
		both(demo, "/examples/*path", o.Demo.Example)
		both(demo, "/static/*path", o.Demo.Asset)
		demo.POST("/report", stored, handler.Func(o.Demo.Report).Gin)
		demo.POST("/sim/verify", handler.Func(o.Demo.SimVerify).Gin)
	}
	return engine, nil
}

// proxiedPerSecond and proxiedAtOnce are for all clients behind a proxy that
// nobody has named.
const (
	proxiedPerSecond = 20
	proxiedAtOnce    = 200
)

// Ops serves operators on an address of its own: metrics and profiles.
func Ops(health *handler.Health, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	releaseMode()
	engine := gin.New()
	both(engine, "/healthz", health.Healthz)
	both(engine, "/readyz", health.Readyz)
	mux.Handle("/", engine)
	return mux
}

// forwardedFor is the header in which proxies name the client.
const forwardedFor = "X-Forwarded-For"

func newEngine(o Options) (*gin.Engine, error) {
	if o.JSSDK == nil || o.Script == nil || o.Health == nil || o.AllowsOrigin == nil {
		return nil, errors.New("router: JSSDK, Script, Health and AllowsOrigin are required")
	}
	releaseMode()
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	if err := trust(engine, o.TrustedProxies); err != nil {
		return nil, err
	}
	engine.Use(requestID(), accessLog(o.Logger, o.Signed), recovery(o.Logger), secureHeaders, plainPath)
	engine.NoRoute(fail(handler.ErrNotFound))
	engine.NoMethod(fail(handler.ErrMethodNotAllowed))
	return engine, nil
}

// trust makes an engine believe the proxies, and nobody else, about the client.
func trust(engine *gin.Engine, list []string) error {
	proxies, err := handler.ParseProxies(list)
	if err != nil {
		return fmt.Errorf("server.trusted_proxies: %w", err)
	}
	// gin's own default trusts every sender of a header; and what it cannot read it
	// takes for the proxy itself. The error is for proxies that are not addresses.
	_ = engine.SetTrustedProxies(nil)
	engine.Use(proxies.Read)
	return nil
}

// releaseMode keeps gin from printing its routes; gin has one mode per process.
var releaseMode = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

// both answers GET and HEAD.
func both(group gin.IRoutes, path string, f handler.Func) {
	group.GET(path, f.Gin)
	group.HEAD(path, f.Gin)
}

func fail(err error) gin.HandlerFunc {
	return func(c *gin.Context) { handler.Fail(c, err) }
}

func noContent(c *gin.Context) { c.Status(http.StatusNoContent) }
