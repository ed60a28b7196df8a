package paneltest_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/auth"
	"github.com/wxsign/wxsign/web"
)

// Every route × every role. "in" = to the sign-in page, "choose" = to the
// choice of a password; else the status.
func TestPanelRoutesByRole(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	visitors := map[string]visitor{"": k.as(""), "new": k.as("new"), "viewer": k.as("viewer"), "admin": k.as("admin")}
	form := url.Values{"name": {"x"}, "password": {"y"}, "current": {"z"}, "chosen": {"short"}, "repeated": {"short"}}
	for _, route := range []struct {
		method, path string
		want         map[string]string // by role
	}{
		{"GET", "/admin", all("303 /admin/")},
		{"GET", "/", all("200")}, // not the panel's
		{"GET", "/administrator", all("200")},
		{"GET", "/admin/static/admin.css", all("200")},
		{"HEAD", "/admin/static/vendor/htmx.min.js", all("200")},
		{"GET", "/admin/static/VENDOR.md", all("404")},
		{"GET", "/admin/static/../text.en.json", all("404")},
		{"GET", "/admin/nothing", all("404")},
		{"GET", "/admin/sign-in", roles("200", "303 /admin/", "303 /admin/", "303 /admin/")},
		{"POST", "/admin/sign-in", all("403")},
		{"GET", "/admin/", roles("in", "choose", "200", "200")},
		{"HEAD", "/admin/", roles("in", "choose", "200", "200")},
		{"GET", "/admin/history", roles("in", "choose", "200", "200")},
		{"GET", "/admin/password", roles("in", "200", "200", "200")},
		{"POST", "/admin/password", roles("in", "422", "422", "422")},
		{"POST", "/admin/", all("405")},
		{"DELETE", "/admin/history", all("405")},
		{"GET", "/admin/sign-out", all("405")},
		{"POST", "/admin/sign-out", roles("in", "303 /admin/sign-in?out=1", "303 /admin/sign-in?out=1", "303 /admin/sign-in?out=1")}, // last
	} {
		for role, v := range visitors {
			var sent url.Values
			if route.method == http.MethodPost {
				sent = form
			}
			r := v.send(route.method, route.path, sent)
			got := fmt.Sprint(r.StatusCode)
			where := r.Header.Get("Location")
			switch {
			case strings.HasPrefix(where, "/admin/sign-in") && !strings.Contains(where, "out="):
				got = "in"
			case where == "/admin/password":
				got = "choose"
			case where != "":
				got += " " + where
			}
			if got != route.want[role] {
				t.Errorf("%s %s as %q: %s, want %s", route.method, route.path, role, got, route.want[role])
			}
		}
	}
}

func all(what string) map[string]string { return roles(what, what, what, what) }

func roles(nobody, newcomer, viewer, admin string) map[string]string {
	return map[string]string{"": nobody, "new": newcomer, "viewer": viewer, "admin": admin}
}

// The first sign-in to the last sign-out, as a browser sees it.
func TestPanelSignInToSignOut(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	first, err := k.people.FirstStart(t.Context(), true)
	k.ok(err)
	v := k.visitor()
	if r := v.get("/admin/history?kind=jsapi"); r.Header.Get("Location") != "/admin/sign-in?next=%2Fadmin%2Fhistory%3Fkind%3Djsapi" {
		t.Errorf("a stranger is sent to %s", r.Header.Get("Location"))
	}
	form := url.Values{"name": {auth.FirstName}, "password": {"wrong"}, "next": {"/admin/history?kind=jsapi"}}
	r := v.send(http.MethodPost, "/admin/sign-in", form)
	if r.StatusCode != http.StatusForbidden || !strings.Contains(r.body, "Name or password is wrong.") ||
		!strings.Contains(r.body, `value="/admin/history?kind=jsapi"`) ||
		strings.Contains(r.body, "wrong\"") || r.Header.Get("Set-Cookie") != "" {
		t.Errorf("a wrong password: %d\n%s", r.StatusCode, r.body)
	}
	form.Set("password", first.Password.Reveal())
	r = v.send(http.MethodPost, "/admin/sign-in", form)
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/admin/history?kind=jsapi" {
		t.Fatalf("the one-time password: %d to %s", r.StatusCode, r.Header.Get("Location"))
	}
	cookie := r.Header.Get("Set-Cookie")
	if form := regexp.MustCompile(`^wxsign=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax$`); !form.MatchString(cookie) {
		t.Errorf("the cookie is %q, want %s", cookie, form)
	}
	if r = v.get("/admin/history?kind=jsapi"); r.Header.Get("Location") != "/admin/password" {
		t.Errorf("before the choice of a password: %d to %s", r.StatusCode, r.Header.Get("Location"))
	}
	choose := func(current, chosen, repeated string) reply {
		return v.send(http.MethodPost, "/admin/password", url.Values{"current": {current}, "chosen": {chosen}, "repeated": {repeated}})
	}
	for chosen, want := range map[string]string{
		"eleven char": "fewer than 12", first.Password.Reveal(): "is the old one", strings.Repeat("x", 129): "longer than 128",
	} {
		if r = choose("", chosen, chosen); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(r.body, want) || strings.Contains(r.body, chosen) {
			t.Errorf("choose %q: %d, want the words %q and not the password", chosen, r.StatusCode, want)
		}
	}
	if r = choose("", panelPassword, panelPassword+"x"); !strings.Contains(r.body, "differ") {
		t.Error("two different passwords were taken")
	}
	if r = choose("", panelPassword, panelPassword); r.Header.Get("Location") != "/admin/" {
		t.Fatalf("choose a password: %d\n%s", r.StatusCode, r.body)
	}
	if r = choose("not it", panelPassword+"x", panelPassword+"x"); r.StatusCode != http.StatusForbidden || !strings.Contains(r.body, "current password is wrong") {
		t.Errorf("a wrong current password: %d", r.StatusCode)
	}
	stolen, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.url+"/admin/", nil)
	k.ok(err)
	for _, c := range v.client.Jar.Cookies(stolen.URL) {
		stolen.AddCookie(c)
	}
	thief := k.visitor()
	replay := func() int { return thief.get("/admin/", header("Cookie", stolen.Header.Get("Cookie"))).StatusCode }
	if replay() != http.StatusOK {
		t.Fatal("the cookie does not work at all")
	}
	if r = v.send(http.MethodPost, "/admin/sign-out", url.Values{}); !strings.Contains(r.Header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("sign-out leaves the cookie: %q", r.Header.Get("Set-Cookie"))
	}
	if got := replay(); got != http.StatusSeeOther {
		t.Errorf("the old cookie after sign-out: %d", got)
	}
}

func TestPanelThrottle(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	v := k.visitor()
	form := url.Values{"name": {"nobody"}, "password": {"x"}}
	for range 5 {
		if r := v.send(http.MethodPost, "/admin/sign-in", form); r.StatusCode != http.StatusForbidden {
			t.Fatalf("one of the first five: %d", r.StatusCode)
		}
	}
	r := v.send(http.MethodPost, "/admin/sign-in", form)
	const pause = 900
	wait, err := strconv.Atoi(r.Header.Get("Retry-After")) // what is left of it, however busy the machine
	said := regexp.MustCompile(`in \d+ min`).MatchString(r.body)
	if r.StatusCode != http.StatusTooManyRequests || err != nil || wait < pause/2 || wait > pause || !said {
		t.Errorf("the sixth: %d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
	}
}

// Every answer carries the headers that keep scripts, frames and caches out.
func TestPanelHeaders(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	for _, path := range []string{
		"/admin/", "/admin/history", "/admin/password", "/admin/nothing", "/admin/sign-in", "/admin/history?kind=x",
	} {
		r := admin.get(path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
				"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
			"Cache-Control": "no-store", "X-Frame-Options": "DENY",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if inline := regexp.MustCompile(`(?i)<style|style=|<script>|<script [^>]*>[^<]|\son\w+=|javascript:`); inline.MatchString(r.body) {
			t.Errorf("%s has something inline: %q", path, inline.FindString(r.body))
		}
	}
}

// What another site makes a browser send changes nothing.
func TestPanelCrossSite(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{publicURL: "https://panel.example.com"})
	old := header("Sec-Fetch-Site", "")
	for name, c := range map[string]struct {
		set  []func(*http.Request)
		want int // -1 = refused for where it comes from
	}{
		"same origin":              {[]func(*http.Request){header("Sec-Fetch-Site", "same-origin")}, http.StatusForbidden},
		"typed by the person":      {[]func(*http.Request){header("Sec-Fetch-Site", "none")}, http.StatusForbidden},
		"another site":             {[]func(*http.Request){header("Sec-Fetch-Site", "cross-site")}, -1},
		"a sibling domain":         {[]func(*http.Request){header("Sec-Fetch-Site", "same-site")}, -1},
		"old browser, own origin":  {[]func(*http.Request){old, header("Origin", "http://"+k.host)}, http.StatusForbidden},
		"old browser, other":       {[]func(*http.Request){old, header("Origin", "https://evil.example")}, -1},
		"old browser, no referrer": {[]func(*http.Request){old, header("Origin", "null")}, -1},
		"behind a proxy":           {[]func(*http.Request){old, header("Origin", "https://panel.example.com")}, http.StatusForbidden},
	} {
		v := k.visitor()
		r := v.send(http.MethodPost, "/admin/sign-in", url.Values{"name": {name}, "password": {"x"}}, c.set...)
		refused := strings.Contains(r.body, "came from another site")
		if refused != (c.want < 0) || r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d, refused %v", name, r.StatusCode, refused)
		}
	}
	admin := k.as("admin")
	foreign := header("Sec-Fetch-Site", "cross-site")
	if r := admin.send(http.MethodPost, "/admin/sign-out", url.Values{}, foreign); r.StatusCode != http.StatusForbidden {
		t.Errorf("sign-out from another site: %d", r.StatusCode)
	}
	if r := admin.get("/admin/"); r.StatusCode != http.StatusOK {
		t.Error("another site signed the person out")
	}
}

// The cookie is __Host- and Secure where the way is https, plain on this
// machine, and elsewhere nobody can sign in.
func TestPanelTransport(t *testing.T) {
	t.Parallel()
	direct := newPanelKit(t, panelKitOptions{publicURL: "https://panel.example.com"})
	proxied := newPanelKit(t, panelKitOptions{proxies: []string{"127.0.0.0/8"}})
	https := header("X-Forwarded-Proto", "https")
	for name, c := range map[string]struct {
		kit  *panelKit
		set  []func(*http.Request)
		want string // of the cookie's name, "" = refused
	}{
		"loopback":                   {direct, nil, "wxsign"},
		"localhost":                  {direct, []func(*http.Request){host("localhost:8080")}, "wxsign"},
		"loopback IPv6":              {direct, []func(*http.Request){host("[::1]:8080")}, "wxsign"},
		"public URL":                 {direct, []func(*http.Request){host("panel.example.com")}, "__Host-wxsign"},
		"plain http":                 {direct, []func(*http.Request){host("panel.internal")}, ""},
		"plain http by address":      {direct, []func(*http.Request){host("10.0.0.5:8082")}, ""},
		"not quite loopback":         {direct, []func(*http.Request){host("127.0.0.1.evil.example")}, ""},
		"https said by a stranger":   {direct, []func(*http.Request){host("panel.internal"), https}, ""},
		"https said by the proxy":    {proxied, []func(*http.Request){host("panel.internal"), https}, "__Host-wxsign"},
		"http said by the proxy":     {proxied, []func(*http.Request){host("panel.internal"), header("X-Forwarded-Proto", "http")}, ""},
		"the proxy says nothing":     {proxied, []func(*http.Request){host("panel.internal")}, ""},
		"empty port":                 {direct, []func(*http.Request){host("127.0.0.1:")}, "wxsign"},
		"public URL in capitals":     {direct, []func(*http.Request){host("PANEL.example.com")}, "__Host-wxsign"},
		"public URL on another port": {direct, []func(*http.Request){host("panel.example.com:8080")}, ""},
	} {
		oneTime, err := c.kit.people.ResetPassword(t.Context(), "ann")
		c.kit.ok(err)
		v := c.kit.visitor()
		r := v.send(http.MethodPost, "/admin/sign-in", url.Values{"name": {"ann"}, "password": {oneTime.Reveal()}}, c.set...)
		got, rest, _ := strings.Cut(r.Header.Get("Set-Cookie"), "=")
		if got != c.want || strings.Contains(rest, "; Secure") != strings.HasPrefix(c.want, "__Host-") {
			t.Errorf("%s: %d, cookie %s…%s", name, r.StatusCode, got, rest[min(len(rest), 43):])
		}
		if c.want == "" && !strings.Contains(r.body, "needs https") {
			t.Errorf("%s: the page does not say why", name)
		}
	}
}

// After signing in nobody is sent to another site.
func TestPanelNext(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	for next, want := range map[string]string{
		"":                              "/admin/",
		"/admin/history?kind=jsapi":     "/admin/history?kind=jsapi",
		"/admin/?after=wx1":             "/admin/?after=wx1",
		"//evil.example":                "/admin/",
		"https://evil.example/admin/":   "/admin/",
		"/\\evil.example":               "/admin/",
		"/admin/../../x":                "/admin/",
		"/admin/..//evil.example":       "/admin/",
		"/admin//evil.example":          "/admin/",
		"javascript:alert(1)":           "/admin/",
		"/admin/%2e%2e/x":               "/admin/",
		"/administrator":                "/admin/",
		"/jssdk/config":                 "/admin/",
		"/admin/history\r\nSet-Cookie:": "/admin/",
		"/admin/%0d%0aSet-Cookie:x":     "/admin/%0d%0aSet-Cookie:x",
		"//evil.example/admin/history":  "/admin/history",
	} {
		oneTime, err := k.people.ResetPassword(t.Context(), "ann")
		k.ok(err)
		r := k.visitor().send(http.MethodPost, "/admin/sign-in", url.Values{"name": {"ann"}, "password": {oneTime.Reveal()}, "next": {next}})
		if got := r.Header.Get("Location"); got != want {
			t.Errorf("next=%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestPanelForms(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	v := k.visitor()
	if r := v.send(http.MethodPost, "/admin/sign-in", url.Values{"name": {strings.Repeat("x", 5000)}}); r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("5,000 bytes: %d", r.StatusCode)
	}
	bad := func(r *http.Request) { r.URL.RawQuery = "a=%zz" }
	if r := v.send(http.MethodPost, "/admin/sign-in", url.Values{"name": {"x"}}, bad); r.StatusCode != http.StatusBadRequest {
		t.Errorf("a query that is none: %d", r.StatusCode)
	}
}

const script = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`

// Names from the configuration and words from WeChat are text, wherever they
// appear.
func TestPanelHostileTextStaysText(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{troubled: "wx'\"><script>"})
	appID := "wx'\"><script>"
	k.ok(k.store.InsertAccount(t.Context(), model.Account{
		AppID: appID, Name: script, Platform: "official_account", Origin: model.OriginFile, Enabled: true, SecretEnc: []byte("x"), TokenMode: "stable",
	}, []string{"access_token"}))
	k.fail(appID, "access_token", 0, script+" — "+script)
	k.fail(appID, "access_token", 99999, script)
	k.seed(40)
	admin := k.as("admin")
	for _, path := range []string{
		"/admin/", "/admin/?after=" + url.QueryEscape(script), "/admin/history", "/admin/history?account=" + url.QueryEscape(appID),
		"/admin/history?actor=" + url.QueryEscape(script) + "&from=" + url.QueryEscape(script),
		"/admin/sign-in?next=" + url.QueryEscape(script), "/admin/" + url.PathEscape(script),
	} {
		r := admin.get(path)
		if strings.Contains(r.body, "<script>") || strings.Contains(r.body, "<img") || strings.Contains(r.body, `"'>`) {
			t.Errorf("%s: hostile text became markup", path)
		}
	}
	if r := admin.get("/admin/"); !strings.Contains(r.body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the name is not shown at all")
	}
}

func TestPanelOverview(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seed(3)
	const text = "wechat stable_token: errcode 40164: invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist — WeChat refused the address 203.0.113.7: add it."
	k.fail("wx0000000000000002", "access_token", 40164, text)
	k.fail("wx0000000000000002", "access_token", 40164, text)
	admin := k.as("admin")
	page := admin.get("/admin/").body
	for _, want := range []string{
		"All well: 1 account", "账号 0", "1:19:", "1:39:", "renewal fails, still served", "address not in the IP whitelist",
		"WeChat refused the address 203.0.113.7: add it.", "attempts: 2", "host/1/0badcafe", "in step with the database",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Index(page, "wx0000000000000002") > strings.Index(page, "wx0000000000000000") {
		t.Error("the account in trouble does not come first")
	}
	chinese := admin.get("/admin/", header("Accept-Language", "zh-CN,zh;q=0.9")).body
	for _, want := range []string{`lang="zh-CN"`, "续期失败，仍可用", "微信拒绝了 IP 203.0.113.7", "已尝试 2 次"} {
		if !strings.Contains(chinese, want) {
			t.Errorf("the Chinese page does not say %q", want)
		}
	}
	refresh := admin.get("/admin/", header("HX-Request", "true")).body
	if strings.Contains(refresh, "<html") || !strings.HasPrefix(strings.TrimSpace(refresh), `<div id="live"`) {
		t.Errorf("the part that refreshes itself begins %.60q", refresh)
	}
	if r := k.visitor().get("/admin/", header("HX-Request", "true")); r.StatusCode != http.StatusOK || r.Header.Get("HX-Redirect") != "/admin/sign-in" {
		t.Errorf("refreshed after the session's end: %d, %q", r.StatusCode, r.Header.Get("HX-Redirect"))
	}
}

// Many accounts come in pages; those in trouble stand above all of them.
func TestPanelOverviewPages(t *testing.T) {
	t.Parallel()
	const last = "wx0000000000000064"
	k := newPanelKit(t, panelKitOptions{troubled: last})
	k.seed(65)
	k.fail(last, "jsapi", 45011, "too often")
	admin := k.as("admin")
	seen, next := map[string]int{}, "/admin/"
	appID := regexp.MustCompile(`<span class="mono quiet">(wx\d+)</span>`)
	link := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	for pages := 1; next != ""; pages++ {
		body := admin.get(next).body
		found := appID.FindAllStringSubmatch(body, -1)
		if found[0][1] != last {
			t.Errorf("page %d does not begin with the account in trouble", pages)
		}
		for _, id := range found[1:] {
			seen[id[1]]++
		}
		next = ""
		if l := link.FindStringSubmatch(body); l != nil {
			next = l[1]
		}
		if pages > 5 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 65 {
		t.Errorf("%d accounts on all pages, want 65", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s stands %d times in the list", id, n)
		}
	}
}

func TestPanelHistory(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seed(2)
	for range 60 {
		k.fail("wx0000000000000000", "jsapi", 45011, "too often")
	}
	k.fail("wx0000000000000001", "access_token", 40001, "invalid credential")
	admin := k.as("viewer")
	rows := regexp.MustCompile(`data-at="time"`)
	for path, want := range map[string]int{
		"/admin/history": 50,
		"/admin/history?account=wx0000000000000001":   1,
		"/admin/history?account=+wx0000000000000001+": 1,
		"/admin/history?kind=jsapi":                   50,
		"/admin/history?errcode=40001":                1,
		"/admin/history?errcode=-1":                   0,
		"/admin/history?outcome=renewed":              0,
		"/admin/history?trigger=schedule&kind=access_token&outcome=failed&actor=host/1/0badcafe": 1,
		"/admin/history?from=2020-01-01T00:00&to=2021-01-01":                                     0,
		"/admin/history?from=2020-01-01T00:00":                                                   50,
		"/admin/history?before=99999999999999-1":                                                 50,
		"/admin/history?before=1-1":                                                              0,
		"/admin/history?account=' OR 1=1 --":                                                     0,
	} {
		r := admin.get(strings.ReplaceAll(path, " ", "%20"))
		if got := len(rows.FindAllString(r.body, -1)); r.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d with %d rows, want %d", path, r.StatusCode, got, want)
		}
	}
	for path, want := range map[string]int{
		"kind=secret": http.StatusUnprocessableEntity, "errcode=abc": http.StatusUnprocessableEntity,
		"errcode=99999999999": http.StatusUnprocessableEntity,
		"from=yesterday":      http.StatusUnprocessableEntity, "account=" + strings.Repeat("x", 192): http.StatusUnprocessableEntity,
		"before=x": http.StatusNotFound, "before=1": http.StatusNotFound, "before=1-1x": http.StatusNotFound, "before=-5--5": http.StatusNotFound,
	} {
		if r := admin.get("/admin/history?" + path); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, r.StatusCode, want)
		}
	}
	first := admin.get("/admin/history?kind=jsapi").body
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(first)
	if next == nil {
		t.Fatal("there is no second page")
	}
	second := admin.get(strings.ReplaceAll(next[1], "&amp;", "&")).body
	if got := len(rows.FindAllString(second, -1)); got != 10 || strings.Contains(second, `rel="next"`) {
		t.Errorf("the second page has %d rows, want the last 10", got)
	}
}

func (k *panelKit) visitorOf(t *testing.T) visitor {
	t.Helper()
	v := k.visitor()
	oneTime, err := k.people.ResetPassword(t.Context(), "looker")
	k.ok(err)
	visit := auth.Visit{Address: "127.0.0.1"}
	token, err := k.people.SignIn(t.Context(), visit, "looker", oneTime.Reveal())
	k.ok(err)
	s, err := k.people.Session(t.Context(), token, true)
	k.ok(err)
	token, err = k.people.ChangePassword(t.Context(), s, visit, "", panelPassword)
	k.ok(err)
	u, err := url.Parse(k.url)
	k.ok(err)
	v.client.Jar.SetCookies(u, []*http.Cookie{{Name: "wxsign", Value: token, Path: "/"}})
	return v
}

func TestPanelLanguage(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	v := k.visitor()
	lang := func() string {
		page := v.get("/admin/sign-in", header("Accept-Language", "fr, zh-TW;q=0.5")).body
		return regexp.MustCompile(`<html lang="([\w-]+)"`).FindStringSubmatch(page)[1]
	}
	if got := lang(); got != "zh-CN" {
		t.Errorf("from the browser: %s", got)
	}
	r := v.get("/admin/sign-in?lang=en&next=%2Fadmin%2F")
	if r.Header.Get("Location") != "/admin/sign-in?next=%2Fadmin%2F" || lang() != "en" {
		t.Errorf("chosen: to %s, then %s", r.Header.Get("Location"), lang())
	}
	if v.get("/admin/sign-in?lang=klingon"); lang() != "en" {
		t.Error("an unknown language changed the choice")
	}
}

// The database is away: the page says so, and the part that refreshes itself
// goes on asking.
func TestPanelWithoutDatabase(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	k.ok(k.store.Close())
	for _, change := range []func(*http.Request){header("X", "x"), header("HX-Request", "true")} {
		r := admin.get("/admin/", change)
		if r.StatusCode < http.StatusInternalServerError || !strings.Contains(r.body, `hx-trigger="every 10s"`) ||
			strings.Contains(r.body, "sql") {
			t.Errorf("without a database: %d\n%s", r.StatusCode, r.body)
		}
	}
	if r := k.visitor().get("/admin/sign-in"); r.StatusCode != http.StatusOK {
		t.Errorf("the sign-in page: %d", r.StatusCode)
	}
}

// Both languages have the same texts with the same gaps; only what WeChat's
// errors mend is written by the keeper where the page is in English.
func TestPanelTexts(t *testing.T) {
	t.Parallel()
	en, zh := readTexts(t, "en"), readTexts(t, "zh")
	gaps := regexp.MustCompile(`%[.\d]*[a-z]`)
	for key, words := range zh {
		english, found := en[key]
		if !found && !strings.HasSuffix(key, ".mend") {
			t.Errorf("text/*.en.json has no %q", key)
		}
		if a, b := strings.Join(gaps.FindAllString(words, -1), ""), strings.Join(gaps.FindAllString(english, -1), ""); found && a != b {
			t.Errorf("%q has the gaps %q in Chinese and %q in English", key, a, b)
		}
		if regexp.MustCompile(`\p{Han}[,?:;!(]|[,?:;!]\p{Han}`).MatchString(words) {
			t.Errorf("%q has half-width punctuation between Chinese characters: %s", key, words)
		}
	}
	for key := range en {
		if _, found := zh[key]; !found {
			t.Errorf("text/*.zh.json has no %q", key)
		}
	}
	used := ""
	for _, file := range panelFiles(t, "*.html") {
		used += string(file)
	}
	for _, key := range regexp.MustCompile(`\.T "([\w.]+)"`).FindAllStringSubmatch(used, -1) {
		if _, found := en[key[1]]; !found {
			t.Errorf("a page uses the text %q, which is not there", key[1])
		}
	}
}

func readTexts(t *testing.T, language string) map[string]string {
	t.Helper()
	words := map[string]string{}
	for _, file := range panelFiles(t, "text/*."+language+".json") {
		if err := json.Unmarshal(file, &words); err != nil {
			t.Fatal(err)
		}
	}
	return words
}

// panelFiles reads the panel's embedded files that fit a pattern.
func panelFiles(t *testing.T, pattern string) [][]byte {
	t.Helper()
	names, err := fs.Glob(web.Admin(), pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no panel file fits %s: %v", pattern, err)
	}
	var files [][]byte
	for _, name := range names {
		file, err := fs.ReadFile(web.Admin(), name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}
