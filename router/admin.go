package router

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// AdminOptions of Admin. Zero fields mean: Logger = slog.Default().
type AdminOptions struct {
	Panel *handler.Panel
	// SignIns limits attempts to sign in per client address, whatever the name;
	// nil = no limit. The throttle per name is in the database.
	SignIns *Limiter
	// PublicURL is an origin that the panel is reached by, where that is
	// configured: a proxy in front may give the Host header another name.
	PublicURL      string
	TrustedProxies []string
	Logger         *slog.Logger
}

// adminPath is where all of the panel is.
const adminPath = "/admin"

// Admin serves the panel, for people.
func Admin(o AdminOptions) (http.Handler, error) {
	if o.Panel == nil {
		return nil, errors.New("router: Panel is required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	if err := engine.SetTrustedProxies(o.TrustedProxies); err != nil {
		return nil, fmt.Errorf("server.trusted_proxies: %w", err)
	}
	engine.Use(requestID, accessLog(o.Logger), recovery(o.Logger), secureHeaders)
	p := o.Panel
	engine.NoRoute(p.Headers, p.Language, p.Page(p.NotFound).Gin)
	engine.NoMethod(p.Headers, p.Language, p.Page(p.NoMethod).Gin)
	engine.GET("/", toPanel)
	engine.GET(adminPath, toPanel)
	return engine, mountAdmin(engine.Group(adminPath), o)
}

// mountAdmin adds the panel's routes, grouped by who may enter.
func mountAdmin(group *gin.RouterGroup, o AdminOptions) error {
	p := o.Panel
	sameOrigin, err := sameOrigin(o)
	if err != nil {
		return err
	}
	group.Use(p.Headers, p.Language)
	both(group, "/static/*path", p.Page(p.Asset))

	anyone := group.Group("", p.Safe, sameOrigin)
	both(anyone, "/sign-in", p.Page(p.SignInPage))
	anyone.POST("/sign-in", slowSignIns(o), p.Page(p.SignIn).Gin)

	signedIn := anyone.Group("", p.SignedIn)
	both(signedIn, "/password", p.Page(p.PasswordPage))
	signedIn.POST("/password", slowSignIns(o), p.Page(p.ChangePassword).Gin)
	signedIn.POST("/sign-out", p.Page(p.SignOut).Gin)

	viewers := signedIn.Group("", p.May(handler.RoleViewer))
	both(viewers, "/", p.Page(p.Overview))
	both(viewers, "/history", p.Page(p.History))
	return nil
}

// Beside puts the panel on the listener of the pages: everything at and below
// /admin is the panel's.
func Beside(pages, admin http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == adminPath || strings.HasPrefix(r.URL.Path, adminPath+"/") {
			admin.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

func toPanel(c *gin.Context) { c.Redirect(http.StatusSeeOther, adminPath+"/") }

// sameOrigin refuses what another site made a browser send, on all methods
// that change something.
func sameOrigin(o AdminOptions) (gin.HandlerFunc, error) {
	rules := http.NewCrossOriginProtection()
	if public, err := url.Parse(o.PublicURL); err == nil && public.Host != "" {
		if err := rules.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
			return nil, fmt.Errorf("server.public_url: %w", err)
		}
	}
	return func(c *gin.Context) {
		if err := rules.Check(c.Request); err != nil {
			o.Panel.Fail(c, handler.ErrCrossOrigin)
			return
		}
		c.Next()
	}, nil
}

// slowSignIns keeps one address from trying many names, each of which costs a
// hash and a row.
func slowSignIns(o AdminOptions) gin.HandlerFunc {
	return func(c *gin.Context) {
		key := c.ClientIP()
		if addr, err := netip.ParseAddr(key); err == nil {
			key = network(addr)
		}
		if wait, granted := o.SignIns.Take(key); !granted {
			o.Panel.Fail(c, &handler.RetryLater{Err: handler.ErrTooManyRequests, After: wait})
			return
		}
		c.Next()
	}
}
