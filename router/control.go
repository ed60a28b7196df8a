package router

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// ControlOptions of Control. Zero fields mean: no relay, Logger =
// slog.Default().
type ControlOptions struct {
	Control *handler.Control
	Health  *handler.Health
	// Relay gets what has no route here, and all of /sns/.
	Relay          handler.Func
	TrustedProxies []string
	Logger         *slog.Logger
}

// Control serves business servers: all that gives out or uses a credential. Every
// route but the document and the probes needs an API key and refuses browsers.
func Control(o ControlOptions) (http.Handler, error) {
	if o.Control == nil || o.Health == nil {
		return nil, errors.New("router: Control and Health are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Relay == nil {
		o.Relay = func(*gin.Context) error { return handler.ErrNotFound }
	}
	engine, err := newControlEngine(o)
	if err != nil {
		return nil, err
	}
	h := o.Control
	both(engine, "/healthz", o.Health.Healthz)
	both(engine, "/readyz", o.Health.Readyz)
	both(engine, "/openapi.yaml", handler.OpenAPI)

	account := engine.Group("/v1/accounts/:app_id", handler.RefuseBrowsers)
	both(account, "/access_token", h.Token)
	account.POST("/access_token/report", handler.Func(h.ReportToken).Gin)
	both(account, "/tickets/:kind", h.Ticket)
	account.POST("/tickets/:kind/report", handler.Func(h.ReportTicket).Gin)
	account.POST("/sign", handler.Func(h.Sign).Gin)

	// Tencent answers every method, wrong ones in its own shape.
	engine.Any("/cgi-bin/token", handler.DropIn(http.MethodGet, h.TencentToken))
	engine.Any("/cgi-bin/stable_token", handler.DropIn(http.MethodPost, h.TencentStableToken))
	engine.Any("/cgi-bin/ticket/getticket", handler.DropIn("", h.TencentTicket))
	engine.Any("/cgi-bin/gettoken", handler.DropIn(http.MethodGet, h.WeComToken))
	engine.Any("/cgi-bin/get_jsapi_ticket", handler.DropIn(http.MethodGet, h.WeComTicket))
	engine.Any("/cgi-bin/ticket/get", handler.DropIn(http.MethodGet, h.WeComAgentTicket))

	engine.Any("/sns/*path", handler.RefuseBrowsers, o.Relay.Gin)
	engine.NoRoute(handler.RefuseBrowsers, unrouted(o.Relay))
	return engine, nil
}

func newControlEngine(o ControlOptions) (*gin.Engine, error) {
	releaseMode()
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	if err := trust(engine, o.TrustedProxies); err != nil {
		return nil, err
	}
	engine.Use(requestID(), accessLog(o.Logger, nil), recovery(o.Logger), secureHeaders, plainPath)
	engine.NoMethod(fail(handler.ErrMethodNotAllowed))
	return engine, nil
}

// ownPath is where our own routes for callers are; nothing below it is relayed.
const ownPath = "/v1/"

// unrouted gives to the relay what could be one of Tencent's paths.
func unrouted(relay handler.Func) gin.HandlerFunc {
	return func(c *gin.Context) {
		if strings.HasPrefix(c.Request.URL.Path, ownPath) {
			handler.Fail(c, handler.ErrNotFound)
			return
		}
		relay.Gin(c)
	}
}

// BesideControl puts the routes for business servers on the listener of the
// pages: those that are theirs alone, and whatever else carries an access_token,
// which no page's route does.
func BesideControl(pages, control http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isControl(r.URL.Path, r.URL.RawQuery) {
			control.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

var (
	controlPaths = []string{ownPath, "/cgi-bin/", "/sns/", "/openapi.yaml"}                           // never changed
	pagePaths    = []string{"/jssdk/", "/demo/", "/healthz", "/readyz", "/MP_verify_", "/WW_verify_"} // never changed
)

func isControl(path, rawQuery string) bool {
	begins := func(prefix string) bool { return strings.HasPrefix(path, prefix) }
	switch {
	case slices.ContainsFunc(pagePaths, begins):
		return false
	case slices.ContainsFunc(controlPaths, begins):
		return true
	}
	return strings.HasPrefix(rawQuery, "access_token=") || strings.Contains(rawQuery, "&access_token=")
}
