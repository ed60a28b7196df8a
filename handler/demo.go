package handler

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"

	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/web"
)

// demoPolicy is the demo page's Content-Security-Policy. It differs from the
// panel's where WeChat needs more: jweixin comes from WeChat's two script hosts
// and must not be self-hosted (JS-SDK documentation, FAQ 18), WeCom's addition to
// it from a third (企业微信: agentConfig); jweixin reports by loading
// an image, and in old clients talks to the app through frames; the picture of a
// share card can lie anywhere.
const demoPolicy = "default-src 'none'; script-src 'self' https://res.wx.qq.com https://res2.wx.qq.com https://open.work.weixin.qq.com; " +
	"style-src 'self'; img-src 'self' data: https:; connect-src 'self'; frame-src weixin: wx:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const (
	assetMaxAge = time.Hour
	verifyMax   = 16 << 10 // body of a simulated verification, in bytes
)

// DemoAccount is an account that the demo page may show.
type DemoAccount struct {
	AppID    string
	Name     string
	Profiles []string // at least one; the first is the one that is chosen at first
	Agent    bool     // of WeCom, with a ticket for wx.agentConfig
}

// DemoOptions says what the demo page shows.
type DemoOptions struct {
	Accounts []DemoAccount // at least one; the first is the one that is chosen at first
	// PublicURL is the server's address as phones reach it, for the QR code;
	// empty: the address that the request came to.
	PublicURL string
	// Simulated offers the simulated WeChat and the stand-in for jweixin.
	Simulated bool
	// Verify is the simulator's answer to "is this signature right?"; needed
	// with Simulated.
	Verify http.Handler
	// Reports takes in the verdicts.
	Reports *qa.Desk
}

// Demo serves the demo share page, its files, and takes in what it finds.
type Demo struct {
	options  DemoOptions
	pages    *template.Template
	examples map[string]string // sources by name
	texts    []demoText        // the order in which languages are preferred
	match    language.Matcher
	assets   map[string]asset
	helper   string // address of the page helper
}

// NewDemo checks the options and reads the embedded page.
func NewDemo(o DemoOptions) (*Demo, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	script, err := NewScript()
	if err != nil {
		return nil, fmt.Errorf("demo page: %w", err)
	}
	d := &Demo{options: o, helper: scriptPath + "?v=" + script.classic.version}
	d.pages, err = template.New("").Option("missingkey=error").ParseFS(web.Demo(), "share.html")
	if err == nil {
		d.pages, err = d.pages.ParseFS(web.Examples(), "index.html")
	}
	if err != nil {
		return nil, fmt.Errorf("demo page: %w", err)
	}
	if d.examples, err = readExamples(); err != nil {
		return nil, fmt.Errorf("examples: %w", err)
	}
	if d.texts, err = readDemoTexts(); err != nil {
		return nil, fmt.Errorf("demo page: %w", err)
	}
	d.match = language.NewMatcher([]language.Tag{d.texts[0].tag, d.texts[1].tag})
	d.assets, err = readDemoAssets(o.Simulated)
	if err != nil {
		return nil, fmt.Errorf("demo page: %w", err)
	}
	return d, nil
}

func (o DemoOptions) check() error {
	if len(o.Accounts) == 0 {
		return errors.New("demo page: at least one account is needed")
	}
	for _, account := range o.Accounts {
		if len(account.Profiles) == 0 {
			return fmt.Errorf("demo page: account %s needs a profile", account.AppID)
		}
	}
	if o.Reports == nil {
		return errors.New("demo page: Reports is needed")
	}
	if o.Simulated && o.Verify == nil {
		return errors.New("demo page: Simulated needs Verify")
	}
	if o.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Host == "" {
		return fmt.Errorf("demo page: the public URL %q is not like https://wx.example.com", o.PublicURL)
	}
	return nil
}

func readDemoAssets(simulated bool) (map[string]asset, error) {
	names := map[string]fs.FS{
		"demo.css": web.Demo(), "demo.js": web.Demo(), "share.png": web.Demo(),
		"examples.css": web.Examples(), "watch.js": web.Examples(),
	}
	if simulated {
		names["bridge.js"], names[standInFile] = web.Demo(), web.Demo()
	}
	assets := map[string]asset{}
	for name, room := range names {
		body, err := fs.ReadFile(room, name)
		if err != nil {
			return nil, err
		}
		assets[name] = newAsset(name, body)
	}
	return assets, nil
}

// Share answers GET /demo/share?app_id=&profile=&lang=&client=.
func (d *Demo) Share(c *gin.Context) error {
	view, err := d.view(c)
	if err != nil {
		return err
	}
	return d.render(c, "share.html", view.text.name, view)
}

// render answers with a page of this visitor's.
func (d *Demo) render(c *gin.Context, page, lang string, view any) error {
	var body strings.Builder
	if err := d.pages.ExecuteTemplate(&body, page, view); err != nil {
		return fmt.Errorf("demo page: %w", err)
	}
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", demoPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store") // the nonce is this visitor's
	h.Set("Vary", "Accept-Language")
	h.Set("Content-Language", lang)
	c.Data(http.StatusOK, contentTypes[".html"], []byte(body.String()))
	return nil
}

// Asset answers GET /demo/static/*path.
func (d *Demo) Asset(c *gin.Context) error {
	file, known := d.assets[strings.TrimPrefix(c.Param("path"), "/")]
	if !known {
		return ErrNotFound
	}
	file.serve(c, assetMaxAge)
	return nil
}

// Report answers POST /demo/report: the verdict of a page that Share showed.
func (d *Demo) Report(c *gin.Context) error {
	var body struct {
		Nonce   string `json:"nonce"`
		AppID   string `json:"app_id"`
		Profile string `json:"profile"`
		PageURL string `json:"page_url"`
		Client  string `json:"client"`
		Verdict string `json:"verdict"`
		Detail  string `json:"detail"`
	}
	if err := readJSON(c, qa.MaxBody, &body); err != nil {
		return err
	}
	err := d.options.Reports.File(c.Request.Context(), qa.Report{
		Nonce: body.Nonce, AppID: body.AppID, Profile: body.Profile, PageURL: body.PageURL,
		UserAgent: c.Request.UserAgent(), Client: body.Client, Verdict: body.Verdict, Detail: body.Detail,
	})
	if err != nil {
		return err
	}
	c.Status(http.StatusNoContent)
	return nil
}

// SimVerify answers POST /demo/sim/verify: what a simulated WeChat asks. It is
// here, and not only on the simulator's own address, so that connect-src 'self'
// holds and a phone reaches it.
func (d *Demo) SimVerify(c *gin.Context) error {
	if !d.options.Simulated {
		return ErrNotFound
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, verifyMax)
	c.Header("Cache-Control", "no-store")
	d.options.Verify.ServeHTTP(c.Writer, c.Request)
	return nil
}
