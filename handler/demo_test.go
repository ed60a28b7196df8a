package handler_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"
	"rsc.io/qr"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/qa"
)

// shelf keeps reports in memory.
type shelf struct{ rows []model.QAReport }

func (s *shelf) AddQAReport(_ context.Context, r model.QAReport, _ int) error {
	s.rows = append(s.rows, r)
	return nil
}

type demo struct {
	http.Handler
	desk  *qa.Desk
	shelf *shelf
}

func newDesk(t *testing.T) (*qa.Desk, *shelf) {
	t.Helper()
	store := &shelf{}
	now := func() time.Time { return time.Date(2026, 9, 17, 12, 0, 0, 0, time.UTC) }
	desk, err := qa.New(qa.Options{Store: store, Key: bytes.Repeat([]byte{7}, 32), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return desk, store
}

var demoAccounts = []handler.DemoAccount{
	{AppID: "wx1", Name: "First", Profiles: []string{"default", "media"}},
	{AppID: "wx2", Name: `Second </script><b>`, Profiles: []string{"default"}},
}

func newDemo(t *testing.T, o handler.DemoOptions) demo {
	t.Helper()
	desk, store := newDesk(t)
	o.Reports = desk
	if o.Accounts == nil {
		o.Accounts = demoAccounts
	}
	d, err := handler.NewDemo(o)
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	engine.GET("/demo/share", handler.Func(d.Share).Gin)
	engine.GET("/demo/static/*path", handler.Func(d.Asset).Gin)
	engine.POST("/demo/report", handler.Func(d.Report).Gin)
	engine.POST("/demo/sim/verify", handler.Func(d.SimVerify).Gin)
	return demo{Handler: engine, desk: desk, shelf: store}
}

// simulated has a simulator that repeats what it is asked.
func simulated() handler.DemoOptions {
	return handler.DemoOptions{Simulated: true, Verify: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(body)
	})}
}

func TestDemoPageHeaders(t *testing.T) {
	t.Parallel()
	res := ask(newDemo(t, handler.DemoOptions{}), http.MethodGet, "/demo/share", "")
	if res.Code != http.StatusOK {
		t.Fatalf("status %d", res.Code)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self' https://res.wx.qq.com https://res2.wx.qq.com https://open.work.weixin.qq.com; " +
			"style-src 'self'; img-src 'self' data: https:; connect-src 'self'; frame-src weixin: wx:; " +
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		"Content-Type": "text/html; charset=utf-8", "Vary": "Accept-Language",
	} {
		if got := res.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// What the policy forbids must not be there in the first place: a phone would
// not show the page as it was meant.
func TestDemoPageHasNothingInline(t *testing.T) {
	t.Parallel()
	body := ask(newDemo(t, simulated()), http.MethodGet, "/demo/share?client=ios&app_id=wx2", "").Body.String()
	for name, pattern := range map[string]string{
		"inline script": `<script>|<script [^>]*type="(text/javascript|module)"`,
		"event handler": `<[a-z][^>]* on[a-z]+=`,
		"inline style":  `<style|<[a-z][^>]* style=`,
		"open markup":   `</script><b>`,
	} {
		if found := regexp.MustCompile(pattern).FindString(body); found != "" {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// pageData is what the scripts of the page are given.
func pageData(t *testing.T, body string) map[string]any {
	t.Helper()
	found := regexp.MustCompile(`(?s)<script type="application/json" id="page">(.*?)</script>`).FindStringSubmatch(body)
	if found == nil {
		t.Fatal("no data in the page")
	}
	var data map[string]any
	if err := json.Unmarshal([]byte(found[1]), &data); err != nil {
		t.Fatal(err)
	}
	delete(data, "text")
	return data
}

func TestDemoPageData(t *testing.T) {
	t.Parallel()
	plain, simulator := newDemo(t, handler.DemoOptions{}), newDemo(t, simulated())
	for _, tt := range []struct {
		name          string
		demo          demo
		query, accept string
		app, profile  string
		lang, client  string
	}{
		{"as it comes", plain, "", "", "wx1", "default", "en", ""},
		{"another account", plain, "?app_id=wx2", "", "wx2", "default", "en", ""},
		{"a profile", plain, "?profile=media", "", "wx1", "media", "en", ""},
		{"Chinese browser", plain, "", "zh-CN,zh;q=0.9,en;q=0.8", "wx1", "default", "zh", ""},
		{"Taiwanese browser", plain, "", "zh-TW", "wx1", "default", "zh", ""},
		{"French browser", plain, "", "fr", "wx1", "default", "en", ""},
		{"language by hand", plain, "?lang=zh", "en-GB", "wx1", "default", "zh", ""},
		{"no simulator, so no client", plain, "?client=ios", "", "wx1", "default", "en", ""},
		{"simulated client", simulator, "?client=ios", "", "wx1", "default", "en", "ios"},
		{"unknown client", simulator, "?client=fridge", "", "wx1", "default", "en", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := ask(tt.demo, http.MethodGet, "/demo/share"+tt.query, "", "Accept-Language: "+tt.accept).Body.String()
			hasSimulator := tt.demo.Handler == simulator.Handler
			got := pageData(t, body)
			if nonce := got["nonce"]; nonce != tt.demo.desk.Nonce(tt.app) {
				t.Errorf("nonce %v is not one for %s", nonce, tt.app)
			}
			if fallback, _ := got["fallback"].(string); strings.HasPrefix(fallback, "/demo/static/jweixin-standin.js?v=") != hasSimulator {
				t.Errorf("stand-in: %q", fallback)
			}
			if bridge := strings.Contains(body, `src="/demo/static/bridge.js`); bridge != (tt.client != "") {
				t.Errorf("the page loads the simulated bridge: %v", bridge)
			}
			delete(got, "nonce")
			delete(got, "fallback")
			want := map[string]any{"appId": tt.app, "profile": tt.profile, "lang": tt.lang, "client": tt.client, "simulated": hasSimulator}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDemoPageRefusesWhatItDoesNotShow(t *testing.T) {
	t.Parallel()
	server := newDemo(t, handler.DemoOptions{})
	for query, want := range map[string]string{
		"?app_id=wx3": "account_unknown", "?app_id=WX1": "account_unknown",
		"?profile=nope": "profile_unknown", "?app_id=wx2&profile=media": "profile_unknown",
	} {
		res := ask(server, http.MethodGet, "/demo/share"+query, "")
		if body := res.Body.String(); res.Code != http.StatusNotFound || !strings.Contains(body, `"code":"`+want+`"`) {
			t.Errorf("%s: %d %s", query, res.Code, body)
		}
	}
}

func TestDemoQRCode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, public, target, want string
		loopback                   bool
	}{
		{"by public_url", "https://wx.example.com/", "http://10.0.0.1:8080/demo/share?app_id=wx2&client=ios", "https://wx.example.com/demo/share?app_id=wx2", false},
		{"by the request", "", "http://10.0.0.1:8080/demo/share", "http://10.0.0.1:8080/demo/share", false},
		{"https", "", "https://h5.example.com/demo/share?lang=zh", "https://h5.example.com/demo/share?lang=zh", false},
		{"only its own parameters", "", "http://h5.example.com/demo/share?x=1", "http://h5.example.com/demo/share", false},
		{"this machine only", "", "http://localhost:8080/demo/share", "http://localhost:8080/demo/share", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := ask(newDemo(t, withPublicURL(simulated(), tt.public)), http.MethodGet, tt.target, "").Body.String()
			code, err := qr.Encode(tt.want, qr.M)
			if err != nil {
				t.Fatal(err)
			}
			image := "data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG())
			if !strings.Contains(html.UnescapeString(body), image) {
				t.Errorf("the QR code does not say %s", tt.want)
			}
			if got := strings.Contains(body, `<p class="quiet">Only this computer`); got != tt.loopback {
				t.Errorf("hint that phones cannot come here: %v", got)
			}
		})
	}
}

func withPublicURL(o handler.DemoOptions, public string) handler.DemoOptions {
	o.PublicURL = public
	return o
}

func TestDemoSurvivesAHugeHostHeader(t *testing.T) {
	t.Parallel()
	host := strings.Repeat("a", 5000)
	res := ask(newDemo(t, handler.DemoOptions{}), http.MethodGet, "http://"+host+"/demo/share", "")
	if res.Code != http.StatusOK || strings.Contains(res.Body.String(), "data:image/png") {
		t.Errorf("status %d; want the page without a QR code", res.Code)
	}
}

func TestDemoAssets(t *testing.T) {
	t.Parallel()
	plain, simulator := newDemo(t, handler.DemoOptions{}), newDemo(t, simulated())
	for _, tt := range []struct {
		demo   demo
		path   string
		status int
	}{
		{plain, "demo.css", 200},
		{plain, "demo.js", 200},
		{plain, "share.png", 200},
		{plain, "bridge.js", 404},
		{plain, "jweixin-standin.js", 404},
		{simulator, "bridge.js", 200},
		{simulator, "jweixin-standin.js", 200},
		{simulator, "share.html", 404},
		{simulator, "text.en.json", 404},
		{simulator, "", 404},
		{simulator, "../jssdk/wxsign.js", 404},
	} {
		res := ask(tt.demo, http.MethodGet, "/demo/static/"+tt.path, "")
		if res.Code != tt.status {
			t.Errorf("%s (simulator: %v): status %d, want %d", tt.path, tt.demo.Handler == simulator.Handler, res.Code, tt.status)
		}
		if tt.status == 200 && (res.Header().Get("ETag") == "" || res.Header().Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s: headers %v", tt.path, res.Header())
		}
	}
	for _, link := range regexp.MustCompile(`/demo/static/[^"&]+|/jssdk/wxsign\.js\?v=\w+`).FindAllString(
		ask(simulator, http.MethodGet, "/demo/share?client=pc", "").Body.String(), -1) {
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(link, "/demo/") && ask(simulator, http.MethodGet, u.String(), "").Code != 200 {
			t.Errorf("the page names %s, which is not there", link)
		}
	}
}

func TestDemoReport(t *testing.T) {
	t.Parallel()
	good := func(d demo) map[string]any {
		return map[string]any{
			"nonce": d.desk.Nonce("wx1"), "app_id": "wx1", "profile": "default", "page_url": "https://h5.example.com/demo/share",
			"client": "ios", "verdict": "ok", "detail": "{}",
		}
	}
	for _, tt := range []struct {
		name   string
		change func(map[string]any)
		status int
		code   string
	}{
		{"good", func(map[string]any) {}, 204, ""},
		{"no nonce", func(b map[string]any) { delete(b, "nonce") }, 403, "report_nonce_invalid"},
		{"another account's nonce", func(b map[string]any) { b["app_id"] = "wx2" }, 403, "report_nonce_invalid"},
		{"unknown verdict", func(b map[string]any) { b["verdict"] = "fine" }, 400, "report_invalid"},
		{"unknown field", func(b map[string]any) { b["admin"] = true }, 400, "json_invalid"},
		{"too long", func(b map[string]any) { b["detail"] = strings.Repeat("x", qa.MaxBody) }, 413, "body_too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newDemo(t, handler.DemoOptions{})
			body := good(server)
			tt.change(body)
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			res := ask(server, http.MethodPost, "/demo/report", string(raw), "User-Agent: MicroMessenger/8.0.49")
			if answer := res.Body.String(); res.Code != tt.status || !strings.Contains(answer, tt.code) {
				t.Errorf("%d %s, want %d %s", res.Code, answer, tt.status, tt.code)
			}
			var want []model.QAReport
			if tt.status == 204 {
				want = []model.QAReport{{
					AppID: "wx1", Profile: "default", PageURL: "https://h5.example.com/demo/share",
					UserAgent: "MicroMessenger/8.0.49", Client: "ios", Verdict: "ok", Detail: "{}",
				}}
			}
			if diff := cmp.Diff(want, server.shelf.rows); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSimVerify(t *testing.T) {
	t.Parallel()
	simulator := newDemo(t, simulated())
	const question = `{"appid":"wx1"}`
	if res := ask(simulator, http.MethodPost, "/demo/sim/verify", question); res.Code != 200 || res.Body.String() != question {
		t.Errorf("the simulator was not asked: %d", res.Code)
	}
	if res := ask(simulator, http.MethodPost, "/demo/sim/verify", strings.Repeat("x", 20<<10)); res.Code != 400 {
		t.Errorf("a body of 20 KiB: %d", res.Code)
	}
	if res := ask(newDemo(t, handler.DemoOptions{}), http.MethodPost, "/demo/sim/verify", `{}`); res.Code != 404 {
		t.Errorf("without the simulator: %d", res.Code)
	}
}

func TestNewDemoChecksItsOptions(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t)
	for name, o := range map[string]handler.DemoOptions{
		"no account":           {Reports: desk},
		"no profile":           {Accounts: []handler.DemoAccount{{AppID: "wx1"}}, Reports: desk},
		"no desk":              {Accounts: demoAccounts},
		"no verify":            {Accounts: demoAccounts, Reports: desk, Simulated: true},
		"a path as public URL": {Accounts: demoAccounts, Reports: desk, PublicURL: "/wx"},
	} {
		if _, err := handler.NewDemo(o); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}
