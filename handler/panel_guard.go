package handler

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/auth"
)

var (
	errForbidden = errors.New("this is not for your role")
	errInsecure  = errors.New("the panel is served by https, or on this machine")
	// ErrCrossOrigin says that another site made the browser send a request.
	ErrCrossOrigin = errors.New("this request came from another site")
)

// transport is how safe a browser's way to the panel is.
type transport int

const (
	exposed   transport = iota // passwords and cookies could be read on the way
	loopback                   // does not leave the machine
	encrypted                  // https, here or at the proxy in front
)

// transportOf judges a request. Host is the visitor's own word, but it only
// decides about the visitor's own cookie.
func (p *Panel) transportOf(c *gin.Context) transport {
	r := c.Request
	public, err := url.Parse(p.options.PublicURL)
	switch {
	case r.TLS != nil,
		p.proxies.Trusts(peerAddress(r)) && r.Header.Get("X-Forwarded-Proto") == "https",
		err == nil && public.Scheme == "https" && strings.EqualFold(public.Host, r.Host):
		return encrypted
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if ip, err := netip.ParseAddr(strings.Trim(host, "[]")); host == "localhost" || err == nil && ip.IsLoopback() {
		return loopback
	}
	return exposed
}

// cookieName is the session cookie's. Where the way is encrypted, browsers
// hold __Host- cookies to Secure, to this host and to Path=/.
func (p *Panel) cookieName(c *gin.Context) string {
	if p.transportOf(c) == encrypted {
		return "__Host-wxsign"
	}
	return "wxsign"
}

// setCookie gives the browser a session, or takes it away where token is "".
// The cookie itself has no end: the server knows when the session ends.
func (p *Panel) setCookie(c *gin.Context, token string) {
	cookie := &http.Cookie{ //nolint:gosec // Secure wherever the way is https
		Name: p.cookieName(c), Value: token, Path: "/", HttpOnly: true,
		Secure: p.transportOf(c) == encrypted, SameSite: http.SameSiteLaxMode,
	}
	if token == "" {
		cookie.MaxAge = -1
	} else {
		p.seen.note(token, nil) // who has just signed in comes in
	}
	http.SetCookie(c.Writer, cookie)
}

// Safe refuses ways on which a password could be read by others.
func (p *Panel) Safe(c *gin.Context) {
	if p.transportOf(c) == exposed {
		p.Fail(c, errInsecure)
		return
	}
	c.Next()
}

// panelSession is where SignedIn puts the session.
const panelSession = "panel_session"

func sessionOf(c *gin.Context) (auth.Session, bool) {
	s, signedIn := c.Get(panelSession)
	if !signedIn {
		return auth.Session{}, false
	}
	session, ok := s.(auth.Session)
	return session, ok
}

// visit is where the request comes from, as auth wants to know it.
func (p *Panel) visit(c *gin.Context) auth.Visit {
	token, _ := c.Cookie(p.cookieName(c))
	return auth.Visit{Token: token, Address: AddressText(c), UserAgent: c.Request.UserAgent(), RequestID: RequestID(c)}
}

// SignedIn lets through who has a session, and sends everybody else to the
// sign-in page. Who must choose a password is sent to do so by May.
func (p *Panel) SignedIn(c *gin.Context) {
	session, err := p.session(c, !isRefresh(c))
	switch {
	case errors.Is(err, auth.ErrNoSession):
		p.toSignIn(c)
	case err != nil:
		p.Fail(c, err)
	default:
		c.Set(panelSession, session)
		c.Next()
	}
}

// pageTime is how long a page may take: refreshing a credential asks WeChat twice,
// and where the database is slow the page that says so must still arrive.
const pageTime = 30 * time.Second

// Patient gives a page more time than the server gives an answer by itself. It
// stands behind SignedIn: strangers hold no connection for so long.
func (p *Panel) Patient(c *gin.Context) {
	allowTime(c, pageTime)
	ctx, cancel := context.WithTimeout(c.Request.Context(), pageTime)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

// The roles that a route may be meant for; an administrator may do all that a
// viewer may.
const (
	RoleViewer = auth.RoleViewer
	RoleAdmin  = auth.RoleAdmin
)

// May lets through who may do what is meant for a role; it stands behind
// SignedIn.
func (p *Panel) May(role string) gin.HandlerFunc {
	return func(c *gin.Context) {
		session, _ := sessionOf(c)
		switch {
		case session.Person.MustChange:
			p.sendTo(c, panelPath+"/password")
		case !session.Person.May(role):
			p.Fail(c, errForbidden)
		default:
			c.Next()
		}
	}
}

// toSignIn remembers where somebody wanted to go, if it was a page.
func (p *Panel) toSignIn(c *gin.Context) {
	where := panelPath + "/sign-in"
	if next := here(c.Request.URL); c.Request.Method == http.MethodGet && next != panelPath+"/" {
		where += "?next=" + url.QueryEscape(next)
	}
	p.sendTo(c, where)
}

// sendTo redirects the whole page, also where htmx asked for a part of it.
func (p *Panel) sendTo(c *gin.Context, where string) {
	if isRefresh(c) {
		c.Header("HX-Redirect", where)
		c.AbortWithStatus(http.StatusOK)
		return
	}
	_ = seeOther(c, where)
}

// nextPage is where to go after signing in: a page of the panel, never another
// site. Of the address only path and query are kept.
func nextPage(next string) string {
	u, err := url.Parse(next)
	if err != nil || !strings.HasPrefix(u.Path, panelPath+"/") || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") {
		return panelPath + "/"
	}
	return here(u)
}
