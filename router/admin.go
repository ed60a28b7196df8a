package router

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
	// Visits limits cookies that have opened no session lately per client address:
	// whose they are, the database must be asked. nil = no limit.
	Visits *Limiter
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
	if err := trust(engine, o.TrustedProxies); err != nil {
		return nil, err
	}
	engine.Use(requestID(), accessLog(o.Logger, nil), recovery(o.Logger), secureHeaders, plainPath)
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
	both(anyone.Group("", p.Visits(o.Visits)), "/sign-in", p.Page(p.SignInPage))
	anyone.POST("/sign-in", slow(p, o.SignIns), p.Page(p.SignIn).Gin)

	entered := anyone.Group("", p.Visits(o.Visits), p.SignedIn)
	entered.GET("/history.csv", p.May(handler.RoleViewer), p.Page(p.HistoryCSV).Gin) // as long as it goes on
	signedIn := entered.Group("", p.Patient)
	both(signedIn, "/password", p.Page(p.PasswordPage))
	signedIn.POST("/password", slow(p, o.SignIns), p.Page(p.ChangePassword).Gin)
	signedIn.POST("/sign-out", p.Page(p.SignOut).Gin)

	viewers := signedIn.Group("", p.May(handler.RoleViewer))
	both(viewers, "/", p.Page(p.Overview))
	both(viewers, "/accounts/:app_id", p.Page(p.Account))
	both(viewers, "/accounts/:app_id/timeline", p.Page(p.Timeline))
	mountDesks(viewers, p)

	admins := signedIn.Group("", p.May(handler.RoleAdmin))
	mountAccounts(admins, p)
	admins.POST("/alerts/:id", p.Page(p.AcknowledgeAlert).Gin)
	admins.POST("/alert-test", p.Page(p.TestAlert).Gin)
	admins.POST("/deliveries", p.Page(p.SendAllAgain).Gin)
	admins.POST("/deliveries/:id", p.Page(p.SendAgain).Gin)
	admins.POST("/keys", p.Page(p.CreateKey).Gin)
	admins.POST("/keys/:id/revoke", p.Page(p.RevokeKey).Gin)
	both(admins, "/people", p.Page(p.People))
	admins.POST("/people", p.Page(p.AddPerson).Gin)
	both(admins, "/people/:name", p.Page(p.OnePerson))
	admins.POST("/people/:name", p.Page(p.ChangePerson).Gin)
	return nil
}

// mountDesks adds the lists and questions that everybody who is signed in may use.
func mountDesks(viewers *gin.RouterGroup, p *handler.Panel) {
	both(viewers, "/history", p.Page(p.History))
	both(viewers, "/history/overwritten", p.Page(p.Losses))
	both(viewers, "/history/:id", p.Page(p.HistoryRow))
	both(viewers, "/checker", p.Page(p.CheckerPage))
	viewers.POST("/checker", p.Page(p.Check).Gin) // a question, too long for an address
	both(viewers, "/qa", p.Page(p.QA))
	both(viewers, "/help/errors", p.Page(p.Handbook))
	both(viewers, "/qa/:id", p.Page(p.QAReport))
	both(viewers, "/alerts", p.Page(p.AlertList))
	both(viewers, "/deliveries", p.Page(p.DeliveryList))
	both(viewers, "/deliveries/:id", p.Page(p.OneDelivery))
	both(viewers, "/keys", p.Page(p.KeyList))
	both(viewers, "/audit", p.Page(p.Audit))
	both(viewers, "/audit/chain", p.Page(p.AuditChain))
	both(viewers, "/sessions", p.Page(p.Sessions))
	viewers.POST("/sessions", p.Page(p.EndSessions).Gin) // their own
}

// mountAccounts adds what administrators do with accounts.
func mountAccounts(admins *gin.RouterGroup, p *handler.Panel) {
	both(admins, "/new-account", p.Page(p.NewAccountPage))
	admins.POST("/new-account", p.Page(p.NewAccount).Gin)
	account := admins.Group("/accounts/:app_id")
	both(account, "/edit", p.Page(p.EditAccountPage))
	account.POST("/edit", p.Page(p.EditAccount).Gin)
	both(account, "/secret", p.Page(p.SecretPage))
	account.POST("/secret/:step", p.Page(p.Secret).Gin)
	account.POST("/refresh", p.Page(p.Refresh).Gin)
	account.POST("/reveal", p.Page(p.Reveal).Gin)
	account.POST("/enable", p.Page(p.SetEnabled(true)).Gin)
	account.POST("/disable", p.Page(p.SetEnabled(false)).Gin)
	both(account, "/delete", p.Page(p.DeletePage))
	account.POST("/delete", p.Page(p.Delete).Gin)
	account.POST("/files", p.Page(p.AddVerifyFile).Gin)
	account.POST("/files/remove", p.Page(p.RemoveVerifyFile).Gin)
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

// slow keeps one address from trying names, each of which costs a hash and a row.
func slow(p *handler.Panel, limiter *Limiter) gin.HandlerFunc {
	return func(c *gin.Context) {
		if wait, granted := limiter.Take(handler.NetworkOf(handler.AddressOf(c))); !granted {
			p.Fail(c, &handler.RetryLater{Err: handler.ErrTooManyRequests, After: wait})
			return
		}
		c.Next()
	}
}
