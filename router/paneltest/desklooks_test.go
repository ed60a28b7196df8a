package paneltest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
)

// seedDesks gives every page of this file something to show.
func (k *panelKit) seedDesks(admin visitor) {
	k.t.Helper()
	k.seed(2)
	const appID, minute = "wx0000000000000001", int64(60_000)
	now, err := k.store.Now(k.t.Context())
	k.ok(err)
	row := func(ago int64, trigger, outcome string, version int64, errcode int, text string) {
		k.ok(k.store.AddHistory(k.t.Context(), model.History{
			AttemptID: keeper.NewID(), AtMs: now - ago*minute, AppID: appID, Kind: "access_token", Version: version, TriggerName: trigger, Outcome: outcome,
			Actor: "wxsign-7d9f8b6c5d-x2x9k/1/8b4ef1de", Errcode: errcode, Errmsg: text, RID: "6553a1c2-1d2e3f40-5a6b7c8d", LatencyMs: 87,
			ExpiresMs: now - (ago-120)*minute, Fingerprint: "8c1f00d5",
		}))
	}
	row(400, "schedule", "renewed", 41, 0, "")
	row(343, "probe", "failed", 41, 40001, "wechat getcallbackip for "+appID+": errcode 40001: invalid credential, access_token is invalid or not latest")
	row(343, "probe", "renewed", 42, 0, "")
	row(200, "schedule", "renewed", 43, 0, "")
	row(131, "report", "failed", 43, 40001, "invalid credential")
	row(60, "schedule", "failed", 43, 40164, "wechat stable_token for "+appID+": errcode 40164: invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist — add it")
	k.report(checkedApp, "android", "ok", `{"errMsg":"config:ok","ms":412,"urls":["https://h5.example.com/"]}`)
	k.report(checkedApp, "ios", "failed",
		`{"step":"verify","code":"invalid_signature","errMsg":"config:invalid signature","urls":["https://h5.example.com/shop?id=1"],"realAuthUrl":"https://h5.example.com/shop?id=1&from=timeline&isappinstalled=0"}`)
	k.report(checkedApp, "simulated wecom", "ok", `{"errMsg":"config:ok","ms":98}`)
	for _, name := range []string{"li.wei", "qa-team", "zhang.min"} {
		admin.post("/admin/people", "name", name, "role", "viewer")
	}
	admin.post("/admin/people/qa-team", "do", "disable")
	k.again("person-admin")
}

// deskPages are the pages of lists and questions, by the name of their picture.
var deskPages = []struct {
	name, path string
	admin      bool // only administrators may open it
}{
	{"history", "/admin/history", false},
	{"row", "/admin/history/6", false},
	{"losses", "/admin/history/overwritten", false},
	{"no-losses", "/admin/history/overwritten?account=wx", false},
	{"checker", "/admin/checker", false},
	{"qa", "/admin/qa", false},
	{"qa-nothing", "/admin/qa?account=wx", false},
	{"qa-report", "/admin/qa/2", false},
	{"audit", "/admin/audit", false},
	{"audit-chain", "/admin/audit/chain", false},
	{"sessions", "/admin/sessions", false},
	{"people", "/admin/people", true},
	{"person", "/admin/people/li.wei", true},
	{"self", "/admin/people/person-admin", true},
}

// deskLooker takes pictures of pages and says what is wrong with them.
type deskLooker struct {
	*browser
	k   *panelKit
	dir string
}

func newDeskLooker(t *testing.T, k *panelKit) deskLooker {
	t.Helper()
	dir := os.Getenv("WXSIGN_SCREENSHOTS")
	if dir == "" {
		dir = t.ArtifactDir()
	}
	return deskLooker{newBrowser(t), k, dir}
}

// faults are what must be wrong with no page, each an expression for their text.
var faults = map[string]string{
	"fields without a name":  `[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter(e => !e.labels.length).map(e => e.name).join()`,
	"ids twice":              `[...document.querySelectorAll("[id]")].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i).join()`,
	"headings of the top":    `document.querySelectorAll("h1").length === 1 ? "" : "not one"`,
	"links without a text":   `[...document.querySelectorAll("a, button")].filter(e => !e.textContent.trim()).map(e => e.outerHTML).join()`,
	"tables without a title": `[...document.querySelectorAll("table")].filter(e => !e.caption).length ? "some" : ""`,
	"hidden keyboard focus":  `[...document.querySelectorAll("main a, main button")].filter(e => e.tabIndex < 0).map(e => e.outerHTML).join()`,
}

// snap takes the picture of the page that is open.
func (l deskLooker) snap(name string, width int64, scheme string) {
	l.t.Helper()
	lang := ask[string](l.browser, "document.documentElement.lang")
	picture := fmt.Sprintf("desk-%s-%s-%d-%s.png", name, lang, width, scheme)
	if got := ask[int64](l.browser, "document.documentElement.scrollWidth"); got > width {
		l.t.Errorf("%s is %d wide", picture, got)
	}
	for fault, expression := range faults {
		if found := ask[string](l.browser, expression); found != "" {
			l.t.Errorf("%s: %s: %s", picture, fault, found)
		}
	}
	if oneOfEach(width, scheme) {
		l.accessible(picture)
	}
	image, err := chromedp.Run(l.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(l.dir, picture), image, 0o600)
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

// Every page of this file for both roles, in both languages and both schemes, on a
// desk and on a phone.
func TestDeskLooks(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	k.seedDesks(admin)
	k.as("viewer")
	for _, role := range []string{"viewer", "admin"} {
		for _, lang := range []string{"en", "zh"} {
			t.Run(role+" "+lang, func(t *testing.T) {
				t.Parallel()
				l := newDeskLooker(t, k)
				l.open(k.url + "/admin/sign-in?lang=" + lang)
				l.submit(map[string]string{"name": "person-" + role, "password": panelPassword})
				for _, page := range deskPages {
					if page.admin == (role == "admin") || page.name == "history" {
						l.everyway(page.name, page.path)
					}
				}
				if role == "viewer" {
					l.checkSomething()
				}
			})
		}
	}
}

func (l deskLooker) everyway(name, path string) {
	l.t.Helper()
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			l.dress(width, scheme)
			l.open(l.k.url + path)
			l.snap(name, width, scheme)
		}
	}
}

// checkSomething fills in the checker and looks at its answer.
func (l deskLooker) checkSomething() {
	l.t.Helper()
	const wrong = "https://h5.example.com/a?b=1&amp;c=2"
	object := fmt.Sprintf(`{"appId":%q,"timestamp":1760000000,"nonceStr":%q,"signature":%q}`, checkedApp, checkedNonce,
		signature.Sign(secret.New(checkedTicket), checkedNonce, 1760000000, wrong))
	for _, width := range []int64{390, 1280} {
		l.dress(width, "light")
		l.open(l.k.url + "/admin/checker")
		l.submit(map[string]string{"paste": object, "url": checkedURL})
		l.wait(`document.querySelector("#result")`)
		l.snap("checked", width, "light")
		if width == 1280 {
			l.dress(width, "dark")
			l.snap("checked", width, "dark")
		}
	}
}

// What an administrator does with people and sessions, by mouse and keyboard, as
// far as a browser has a say in it.
func TestPeopleInBrowser(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.as("admin")
	l := newDeskLooker(t, k)
	l.expected = []string{"422 (Unprocessable Entity)"}
	l.dress(390, "light")
	l.open(k.url + "/admin/sign-in")
	l.submit(map[string]string{"name": "person-admin", "password": panelPassword})
	l.open(k.url + "/admin/people")
	l.submit(map[string]string{"name": "eve"})
	oneTime := ask[string](l.browser, `document.getElementById("password").textContent`)
	l.snap("one-time", 390, "light")
	eve := k.enter("eve", oneTime)
	l.leave(`document.querySelector("main .actions a").click()`)
	l.wait(`location.pathname === "/admin/people/eve"`)
	l.leave(`document.querySelector("input[value=admin]").click(), document.querySelector("main form").requestSubmit()`)
	l.wait(`document.querySelector(".note[role=status]") && document.querySelector("input[value=admin]").checked`)
	if eve.isIn() {
		t.Error("the old role's session lives")
	}
	eve = k.again("eve")
	l.open(k.url + "/admin/people/eve")
	l.leave(`document.querySelector(".devices button").click()`)
	l.wait(`document.querySelector(".note[role=status]") && !document.querySelector(".devices")`)
	if eve.isIn() {
		t.Error("the session that was ended lives")
	}
	ask[any](l.browser, `document.querySelector("form:has([name=sure])").requestSubmit(), 0`) // the browser itself asks for the tick
	if where := ask[string](l.browser, "location.pathname"); where != "/admin/people/eve" {
		t.Errorf("removed without a tick: %s", where)
	}
	l.leave(`document.querySelector("[name=sure]").click(), document.querySelector("form:has([name=sure])").requestSubmit()`)
	l.wait(`location.pathname === "/admin/people" && document.querySelector(".note").textContent.includes("eve")`)
	l.open(k.url + "/admin/people/person-admin")
	l.leave(`document.querySelector("input[value=viewer]").click(), document.querySelector("main form").requestSubmit()`)
	l.wait(`document.querySelector(".note.bad")`)
	l.snap("last-admin", 390, "light")
	phone := k.again("person-admin")
	l.open(k.url + "/admin/sessions")
	l.leave(`document.querySelector("main form.below").requestSubmit()`)
	l.wait(`document.querySelector(".note[role=status]")`)
	if phone.isIn() {
		t.Error("the other session of one's own lives")
	}
}

// The filters, pages, export and details of the lists, by clicks.
func TestDesksInBrowser(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	k.seedDesks(admin)
	l := newDeskLooker(t, k)
	l.dress(1280, "light")
	l.open(k.url + "/admin/sign-in")
	l.submit(map[string]string{"name": "person-admin", "password": panelPassword})
	click := func(selector, until string) {
		t.Helper()
		l.leave(`document.querySelector("` + selector + `").click()`)
		l.wait(until)
	}
	click("nav a[href='/admin/history']", `document.querySelector(".rows")`)
	click(".rows [data-at=time] a", `/^.admin.history.\d+$/.test(location.pathname) && document.querySelector(".pairs")`)
	click(".pairs a[href*='actor=']", `new URLSearchParams(location.search).get("actor") && document.querySelector(".rows")`)
	click(".tip a", `location.pathname === "/admin/history/overwritten" && document.querySelectorAll(".loss").length === 2`)
	export := ask[string](l.browser, `fetch("/admin/history.csv?outcome=failed").then(r => r.text())`)
	if n := strings.Count(export, "\r\n"); n != 4 {
		t.Errorf("the export has %d lines, want a head and 3", n)
	}
	click("nav a[href='/admin/qa']", `document.querySelectorAll(".list tbody tr").length === 3`)
	l.leave(`document.getElementById("f-verdict").value = "failed", document.querySelector(".filters").requestSubmit()`)
	l.wait(`document.querySelectorAll(".list tbody tr").length === 1`)
	click(".list .lead a", `document.querySelector(".difference ins")`)
	click("nav a[href='/admin/audit']", `document.querySelector(".list")`)
	click(".tip a", `document.querySelector(".chain").dataset.broken === "false"`)
	click("nav a[href='/admin/checker']", `document.getElementById("paste")`)
	if marked := ask[string](l.browser, `document.querySelector(".bar [aria-current]").getAttribute("href")`); marked != "/admin/checker" {
		t.Errorf("the bar marks %s", marked)
	}
}
