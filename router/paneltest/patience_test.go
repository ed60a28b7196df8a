package paneltest_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
)

// connection notes the deadlines that a handler gives it.
type connection struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (c *connection) SetReadDeadline(t time.Time) error {
	c.read = t
	return nil
}

func (c *connection) SetWriteDeadline(t time.Time) error {
	c.write = t
	return nil
}

// Regression: when the server's deadline for reading passed, after 10 seconds, it
// took the browser for gone: a refresh while WeChat hung showed an empty page, and
// an export of many rows was cut. Both deadlines count, and strangers get no more.
func TestPatientPages(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	cookie := k.as("admin").cookie()
	for _, tt := range []struct {
		method, path string
		patient      bool
	}{
		{http.MethodGet, "/admin/", true},
		{http.MethodPost, ownPath + "/refresh", true},
		{http.MethodPost, ownPath + "/secret/test", true},
		{http.MethodPost, "/admin/alert-test", true},
		{http.MethodGet, "/admin/audit/chain", true},
		{http.MethodGet, "/admin/history.csv", true},
		{http.MethodGet, "/admin/sign-in?next=x", false},
	} {
		request := httptest.NewRequestWithContext(t.Context(), tt.method, "http://127.0.0.1"+tt.path, strings.NewReader(url.Values{}.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if tt.patient {
			request.AddCookie(cookie)
		}
		c := &connection{ResponseRecorder: httptest.NewRecorder()}
		k.pages.ServeHTTP(c, request)
		const least = 20 * time.Second
		if got := time.Until(c.read) > least && time.Until(c.write) > least; got != tt.patient {
			t.Errorf("%s %s: %d, patient %v, want %v", tt.method, tt.path, c.Code, got, tt.patient)
		}
	}
}

// A page that could not be shown comes back whole, a part in its place, and a form
// is not sent again by a link.
func TestErrorPagesComeBack(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	poll, away, live := header("HX-Request", "true"), header("HX-Source", "section#away"), header("HX-Source", "div#live")
	if r := admin.get("/admin/history", poll, away); r.StatusCode != http.StatusOK || r.Header.Get("HX-Refresh") != "true" {
		t.Errorf("the page is there again: %d, HX-Refresh %q", r.StatusCode, r.Header.Get("HX-Refresh"))
	}
	if r := admin.get("/admin/", poll, live); r.Header.Get("HX-Refresh") != "" || !strings.Contains(r.body, `id="live"`) {
		t.Error("a part that refreshes itself reloads the page")
	}
	k.ok(k.store.Close())
	for part, changes := range map[string][]func(*http.Request){"away": {poll, away}, "live": {poll, live}} {
		if r := admin.get("/admin/", changes...); !strings.Contains(r.body, `<section id="`+part+`" class="door" hx-get="/admin/"`) ||
			!strings.Contains(r.body, `hx-select="#`+part+`"`) {
			t.Errorf("still away, asked by #%s:\n%s", part, r.body)
		}
	}
	if r := admin.get("/admin/history"); !strings.Contains(r.body, `<section id="away"`) {
		t.Errorf("a page that is away:\n%s", r.body)
	}
	if r := admin.post(ownPath + "/refresh"); r.StatusCode < http.StatusInternalServerError || strings.Contains(r.body, "hx-get") ||
		!strings.Contains(r.body, `href="/admin/"`) {
		t.Errorf("a form: %d\n%s", r.StatusCode, r.body)
	}
}

// Regression: a page of which no part refreshes itself went blank when the database
// was back.
func TestErrorPageReloadsInBrowser(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.as("viewer")
	b := newBrowser(t)
	b.dress(1280, "light")
	b.open(k.url + "/admin/sign-in?lang=en")
	b.submit(map[string]string{"name": "person-viewer", "password": panelPassword})
	b.open(k.url + "/admin/history")
	ask[any](b, `window.before = true;
	  document.getElementById("main").innerHTML =
	    '<section id="away" hx-get="/admin/history" hx-trigger="every 10s" hx-select="#away" hx-swap="outerHTML"></section>';
	  htmx.process(document.getElementById("main"));
	  document.getElementById("away").dispatchEvent(new CustomEvent("every")), 0`)
	b.wait(`!window.before && document.querySelector("#main h1")`)
}

// 40001 where a person's refresh found the token dead is not a wrong AppSecret.
func TestManualFindIsNoWrongSecret(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.happened(model.History{
		AppID: "wxa", Kind: "access_token", TriggerName: model.TriggerManual, Outcome: model.OutcomeFailed, Errcode: 40001,
		Errmsg: "invalid credential", Version: 3, Actor: "ann", Fingerprint: "0badcafe",
	})
	viewer := k.as("viewer")
	for _, path := range []string{"/admin/history/1", "/admin/history"} {
		if body := viewer.get(path).body; strings.Contains(body, "wrong AppSecret") || !strings.Contains(body, "the access_token is dead") {
			t.Errorf("%s takes a dead token for a wrong AppSecret", path)
		}
	}
	viewer.get("/admin/history/overwritten").says(t, "refresh found it dead", "token v3")
}

// What a page sends is cut to what fits; what is whole in it is shown.
func TestQAReportOfAPage(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.report("wxa", "page ios", "failed",
		`{"step":"verify","code":"invalid_signature","errMsg":"config:invalid signature",`+
			`"realAuthUrl":"https://h5.example.com/`+strings.Repeat("a", 600))
	viewer := k.as("viewer")
	viewer.get("/admin/qa/1").says(t, "iOS, sent by a page", "config:invalid signature", "verify")
	viewer.get("/admin/qa?client=page+ios").says(t, "https://h5.example.com/")
	if body := viewer.get("/admin/qa/1", header("Accept-Language", "zh")).body; !strings.Contains(body, "iOS（页面上报）") {
		t.Error("in Chinese the client is not told")
	}
}

// Rows that a later version wrote, while replicas are upgraded, are shown with its
// own words.
func TestHistoryOfALaterVersion(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.happened(model.History{AppID: "wxa", Kind: "later_kind", TriggerName: "later_trigger", Outcome: "later_outcome", Actor: "r"})
	viewer := k.as("viewer")
	for _, path := range []string{"/admin/history", "/admin/history/1"} {
		r := viewer.get(path)
		if r.StatusCode != http.StatusOK || !strings.Contains(r.body, "later_trigger") || !strings.Contains(r.body, "later_outcome") {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}
