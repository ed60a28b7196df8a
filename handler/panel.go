package handler

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/auth"
	"github.com/wxsign/wxsign/service/fleet"
	"github.com/wxsign/wxsign/service/history"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/web"
)

// panelPath is where router mounts the panel.
const panelPath = "/admin"

// panelPolicy is the Content-Security-Policy of every page of the panel:
// nothing inline, nothing from elsewhere, in nobody's frame.
const panelPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// PanelOptions says what the panel shows. Zero fields mean: Location = the
// process's own time zone.
type PanelOptions struct {
	People  *auth.Auth
	History *history.Desk
	// Accounts is what people do with accounts.
	Accounts    *account.Editor
	VerifyFiles *account.VerifyFiles
	Budgets     Budgets
	Fleet       *fleet.Fleet // the replicas
	Checker     *signature.Checker
	Reports     *qa.Archive
	Audit       *audit.Log
	Alerts      Alerts
	Deliveries  Deliveries
	APIKeys     *apikey.Keys
	// Status is how this replica is.
	Status func() keeper.Status
	// Troubles lists what is wrong with which account.
	Troubles func() []keeper.AccountTrouble
	Replica  string // this process among the replicas
	Database string // the driver's name
	Version  string // of wxsign
	// PublicURL is how browsers reach the panel, where that is configured.
	PublicURL string
	// TrustedProxies are addresses or CIDRs whose X-Forwarded-Proto counts.
	TrustedProxies []string
	Location       *time.Location // of the times on the pages
}

// Panel serves the pages below /admin/.
type Panel struct {
	options PanelOptions
	proxies Proxies
	pages   map[string]func() (*template.Template, error)
	texts   panelTexts
	assets  map[string]asset
	seen    seenCookies
}

// NewPanel checks the options and reads the embedded pages.
func NewPanel(o PanelOptions) (*Panel, error) {
	if o.People == nil || o.History == nil || o.Status == nil || o.Troubles == nil {
		return nil, errors.New("panel: People, History, Status and Troubles are required")
	}
	if o.Accounts == nil || o.VerifyFiles == nil || o.Budgets == nil || o.Fleet == nil {
		return nil, errors.New("panel: Accounts, VerifyFiles, Budgets and Fleet are required")
	}
	if o.Checker == nil || o.Reports == nil || o.Audit == nil {
		return nil, errors.New("panel: Checker, Reports and Audit are required")
	}
	if o.Alerts == nil || o.Deliveries == nil || o.APIKeys == nil {
		return nil, errors.New("panel: Alerts, Deliveries and APIKeys are required")
	}
	if o.Location == nil {
		o.Location = time.Local
	}
	p := &Panel{options: o, seen: newSeenCookies()}
	var err error
	if p.proxies, err = ParseProxies(o.TrustedProxies); err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	if p.texts, err = readPanelTexts(); err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	if p.assets, err = readPanelAssets(); err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	if p.pages, err = readPanelPages(); err != nil {
		return nil, fmt.Errorf("panel: %w", err)
	}
	return p, nil
}

// panelBase is the frame around every page, panelParts what several pages show.
const (
	panelBase  = "base.html"
	panelParts = "parts/*.html"
)

// readPanelPages finds the pages; each is read, into a frame of its own, when
// somebody asks for it first. All of them are as much memory as the rest of an idle
// replica, the collector looks through it again and again, and most replicas never
// show one.
func readPanelPages() (map[string]func() (*template.Template, error), error) {
	files, err := fs.Glob(web.Admin(), "*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]func() (*template.Template, error){}
	for _, file := range files {
		if file == panelBase {
			continue
		}
		pages[strings.TrimSuffix(file, ".html")] = sync.OnceValues(func() (*template.Template, error) {
			return template.New(panelBase).Option("missingkey=error").ParseFS(web.Admin(), panelBase, panelParts, file)
		})
	}
	return pages, nil
}

func readPanelAssets() (map[string]asset, error) {
	assets := map[string]asset{}
	for _, pattern := range []string{"*.css", "*.js", "*.svg", "vendor/*.css", "vendor/*.js"} {
		names, err := fs.Glob(web.Static(), pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			body, err := fs.ReadFile(web.Static(), name)
			if err != nil {
				return nil, err
			}
			assets[name] = newAsset(name, body)
		}
	}
	return assets, nil
}

// panelView is what every page has: who looks at it, and in which language.
// D is the page's own.
type panelView struct {
	panel *Panel
	text  panelText

	Page   string       // name of the template
	Person *auth.Person // nil where nobody is signed in
	Here   string       // path and query of this page, without lang
	Live   bool         // only the part that refreshes itself is asked for
	D      any
}

// render answers with a page.
func (p *Panel) render(c *gin.Context, status int, page string, data any) error {
	v := panelView{panel: p, text: p.text(c), Page: page, Here: hereOf(c), Live: isRefresh(c), D: data}
	if s, signedIn := sessionOf(c); signedIn {
		v.Person = &s.Person
	}
	if isAway(c) && page != "error" { // all of it is back, not only what refreshes itself
		c.Header("HX-Refresh", "true")
		c.Status(http.StatusOK)
		return nil
	}
	frame, err := p.pages[page]()
	if err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	var body bytes.Buffer
	if err := frame.Execute(&body, v); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	c.Header("Content-Language", v.text.name)
	c.Data(status, contentTypes[".html"], body.Bytes())
	return nil
}

// Headers are right for every answer of the panel.
func (p *Panel) Headers(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", panelPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Accept-Language, HX-Request")
	c.Next()
}

// Asset answers GET /admin/static/*path.
func (p *Panel) Asset(c *gin.Context) error {
	file, known := p.assets[strings.TrimPrefix(c.Param("path"), "/")]
	if !known {
		return ErrNotFound
	}
	c.Writer.Header().Del("Vary")
	file.serve(c, assetMaxAge)
	return nil
}

// isRefresh reports whether htmx asks for the part of a page that refreshes
// itself: nobody has clicked.
func isRefresh(c *gin.Context) bool { return c.GetHeader("HX-Request") == "true" }

// here is an address of the panel without its choice of language.
func here(u *url.URL) string {
	query := u.Query()
	query.Del("lang")
	if len(query) == 0 {
		return u.EscapedPath()
	}
	return u.EscapedPath() + "?" + query.Encode()
}

// hereOf is the address of the page that is answered with.
func hereOf(c *gin.Context) string {
	if address := c.GetString(panelHere); address != "" {
		return address
	}
	return here(c.Request.URL)
}

// seeOther sends the browser on with a GET.
func seeOther(c *gin.Context, where string) error {
	c.Redirect(http.StatusSeeOther, where)
	c.Abort()
	return nil
}
