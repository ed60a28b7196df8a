package handler

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"
	"rsc.io/qr"

	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/web"
)

// Addresses that the page names; router mounts them.
const (
	demoPath   = "/demo/share"
	staticPath = "/demo/static/"
	scriptPath = "/jssdk/wxsign.js"
)

// standInFile replaces jweixin where the CDN cannot be reached.
const standInFile = "jweixin-standin.js"

// simulatedClients are the values of ?client= that web/demo/bridge.js knows.
var simulatedClients = []string{"android", "ios", "pc", "wecom"}

// demoSteps are the rows of the page, in the order in which they happen.
var demoSteps = []string{"client", "script", "sign", "verify", stepAgent, "api", "share"}

// stepAgent is only there for agents of WeCom.
const stepAgent = "agent"

// demoView is what share.html shows.
type demoView struct {
	demo *Demo
	text demoText

	Text          map[string]any
	OtherLanguage string // address of this page in the other language
	OtherLang     string
	AccountName   string
	Steps         []demoStep
	QR            template.URL // data URI of a PNG
	PageURL       string       // what the QR code says
	Loopback      bool         // PageURL cannot be reached from a phone
	ImageURL      string
	Accounts      []demoChoice // empty where there is nothing to choose
	Profiles      []string
	Simulations   []demoChoice
	Gallery       string // address of the examples
	Data          demoData
}

// demoData is what demo.js and bridge.js read.
type demoData struct {
	AppID     string         `json:"appId"`
	Profile   string         `json:"profile"`
	Lang      string         `json:"lang"`
	Client    string         `json:"client"`
	Simulated bool           `json:"simulated"`
	Agent     bool           `json:"agent,omitempty"` // run wx.agentConfig
	Fallback  string         `json:"fallback"`
	Nonce     string         `json:"nonce"`
	Text      map[string]any `json:"text"`
}

type demoStep struct{ Name, Title string }

type demoChoice struct {
	AppID, Name string
	Href        string
	Chosen      bool
}

// Asset is the address of a file of this page, with its version.
func (v *demoView) Asset(name string) string {
	return staticPath + name + "?v=" + v.demo.assets[name].version
}

// Helper is the address of the page helper, with its version.
func (v *demoView) Helper() string { return v.demo.helper }

// demoText is the page in one language.
type demoText struct {
	name  string // zh, en
	tag   language.Tag
	words map[string]any
}

// readDemoTexts reads both languages. The first is for people whose language we
// do not have.
func readDemoTexts() ([]demoText, error) {
	texts := []demoText{{name: "en", tag: language.English}, {name: "zh", tag: language.Chinese}}
	for i := range texts {
		raw, err := fs.ReadFile(web.Demo(), "text."+texts[i].name+".json")
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &texts[i].words); err != nil {
			return nil, fmt.Errorf("text.%s.json: %w", texts[i].name, err)
		}
	}
	return texts, nil
}

// text chooses by ?lang= and then by Accept-Language.
func (d *Demo) text(c *gin.Context) (chosen, other demoText) {
	_, i := language.MatchStrings(d.match, c.Query("lang"), c.GetHeader("Accept-Language"))
	return d.texts[i], d.texts[1-i]
}

// view collects what the page shows to this visitor.
func (d *Demo) view(c *gin.Context) (*demoView, error) {
	account, profile, err := d.chosen(c)
	if err != nil {
		return nil, err
	}
	text, other := d.text(c)
	query := c.Request.URL.Query()
	v := &demoView{
		demo: d, text: text, Text: text.words,
		OtherLanguage: address(demoPath, query, "lang", other.name), OtherLang: other.name,
		PageURL:     d.base(c) + address(demoPath, query, "client", ""),
		ImageURL:    d.base(c) + staticPath + "share.png",
		AccountName: account.Name, Profiles: account.Profiles, Gallery: address(examplesPath, query, "client", ""),
		Data: demoData{
			AppID: account.AppID, Profile: profile, Lang: text.name, Simulated: d.options.Simulated, Agent: account.Agent,
			Nonce: d.options.Reports.Nonce(account.AppID), Text: text.words,
		},
	}
	v.Loopback = isLoopback(v.PageURL)
	v.chooseSimulation(c)
	v.listSteps()
	if len(d.options.Accounts) > 1 || len(account.Profiles) > 1 {
		v.listAccounts(account.AppID)
	}
	v.QR = qrImage(v.PageURL)
	return v, nil
}

// chosen is the account and profile that the query names, else the first ones.
func (d *Demo) chosen(c *gin.Context) (DemoAccount, string, error) {
	account := d.options.Accounts[0]
	if id := c.Query("app_id"); id != "" {
		i := slices.IndexFunc(d.options.Accounts, func(a DemoAccount) bool { return a.AppID == id })
		if i < 0 {
			return account, "", signature.ErrAccountUnknown
		}
		account = d.options.Accounts[i]
	}
	profile := c.Query("profile")
	if profile == "" {
		return account, account.Profiles[0], nil
	}
	if !slices.Contains(account.Profiles, profile) {
		return account, "", signature.ErrProfileUnknown
	}
	return account, profile, nil
}

func (v *demoView) chooseSimulation(c *gin.Context) {
	if !v.demo.options.Simulated {
		return
	}
	v.Data.Fallback = v.Asset(standInFile)
	if client := c.Query("client"); slices.Contains(simulatedClients, client) {
		v.Data.Client = client
	}
	query := c.Request.URL.Query()
	for _, client := range v.clients() {
		v.Simulations = append(v.Simulations, demoChoice{
			Name: words(v.Text, "systems", client), Href: address(demoPath, query, "client", client), Chosen: client == v.Data.Client,
		})
	}
	if v.Data.Client != "" {
		v.Simulations = append(v.Simulations, demoChoice{Name: words(v.Text, "simulate", "off"), Href: address(demoPath, query, "client", "")})
	}
}

// clients are those that can be simulated here.
func (v *demoView) clients() []string {
	if !v.demo.options.Simulated {
		return nil
	}
	return simulatedClients
}

// simulation names the simulated WeChat, empty without one.
func (v *demoView) simulation() string {
	if v.Data.Client == "" {
		return ""
	}
	return words(v.Text, "simulated") + " (" + words(v.Text, "systems", v.Data.Client) + ")"
}

// words is the text at a path of keys. Both languages have the same keys, and a
// test says so.
func words(text map[string]any, keys ...string) string {
	for _, key := range keys[:len(keys)-1] {
		text, _ = text[key].(map[string]any)
	}
	return fmt.Sprint(text[keys[len(keys)-1]])
}

func (v *demoView) listSteps() {
	for _, name := range demoSteps {
		if name == stepAgent && !v.Data.Agent {
			continue
		}
		v.Steps = append(v.Steps, demoStep{Name: name, Title: words(v.Text, "steps", name)})
	}
}

func (v *demoView) listAccounts(chosen string) {
	for _, a := range v.demo.options.Accounts {
		v.Accounts = append(v.Accounts, demoChoice{AppID: a.AppID, Name: a.Name, Chosen: a.AppID == chosen})
	}
}

// base is the server's address as the visitor's phone can reach it.
func (d *Demo) base(c *gin.Context) string {
	if d.options.PublicURL != "" {
		return strings.TrimRight(d.options.PublicURL, "/")
	}
	scheme := "http"
	if c.Request.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + c.Request.Host
}

// address is a path with the page's parameters, one of them changed, or taken out
// where the value is empty.
func address(path string, query url.Values, key, value string) string {
	kept := url.Values{}
	for _, name := range []string{"app_id", "profile", "lang", "client"} {
		if v := query.Get(name); v != "" {
			kept.Set(name, v)
		}
	}
	kept.Del(key)
	if value != "" {
		kept.Set(key, value)
	}
	if len(kept) == 0 {
		return path
	}
	return path + "?" + kept.Encode()
}

func isLoopback(page string) bool {
	u, err := url.Parse(page)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip.IsLoopback()
}

// qrImage draws text as a QR code that a phone reads off a screen; empty for a
// text too long for one, which only a made-up Host header is.
func qrImage(text string) template.URL {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return ""
	}
	png := base64.StdEncoding.EncodeToString(code.PNG())
	return template.URL("data:image/png;base64," + png) //nolint:gosec // made here, from base64's alphabet
}
