package paneltest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
)

// The handbook is there in both languages, can be searched, and takes hostile
// words for words.
func TestHandbook(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer := k.as("viewer")
	for _, tt := range []struct {
		name, path string
		has, lacks []string
	}{
		{"all", "/admin/help/errors", []string{
			`id="40164"`, `id="wecom-60020"`, `id="configinvalid-signature"`, `id="domain_not_allowed"`, "<b>Mend:</b>",
		}, nil},
		{"a number", "/admin/help/errors?q=40164", []string{"IP白名单"}, []string{`id="40243"`}},
		{"found", "/admin/help/errors?q=Invalid+Signature", []string{`id="configinvalid-signature"`}, []string{`id="40164"`}},
		{"not found", "/admin/help/errors?q=nothing+of+this+kind", []string{"No entry holds"}, []string{"<article>"}},
		{"hostile", "/admin/help/errors?q=%3Cscript%3E", []string{"&lt;script&gt;"}, []string{"<script>"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := viewer.get(tt.path)
			if r.StatusCode != http.StatusOK {
				t.Fatalf("status %d", r.StatusCode)
			}
			for _, text := range tt.has {
				if !strings.Contains(r.body, text) {
					t.Errorf("the page has no %s", text)
				}
			}
			for _, text := range tt.lacks {
				if strings.Contains(r.body, text) {
					t.Errorf("the page has %s", text)
				}
			}
		})
	}
}

// It follows the panel's language.
func TestHandbookInChinese(t *testing.T) {
	t.Parallel()
	viewer := newPanelKit(t, panelKitOptions{}).as("viewer")
	viewer.get("/admin/?lang=zh") // sets the cookie
	if r := viewer.get("/admin/help/errors?q=40164"); !strings.Contains(r.body, "<b>处理办法：</b>") {
		t.Errorf("no Chinese in: %s", r.body)
	}
}

// A failure leads to its entry: WeCom's numbers mean other things.
func TestFailuresLeadToTheHandbook(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer := k.as("viewer")
	failed := func(app string, errcode int, errmsg string) model.History {
		return model.History{
			AppID: app, Kind: "access_token", TriggerName: model.TriggerSchedule, Outcome: model.OutcomeFailed,
			Errcode: errcode, Errmsg: errmsg, Actor: "r",
		}
	}
	for i, tt := range []struct {
		row  model.History
		link string
	}{
		{failed("wxa", 40164, "invalid ip 203.0.113.7"), `href="/admin/help/errors#40164"`},
		{failed("ww1:7", 40001, "invalid credential"), `href="/admin/help/errors#wecom-40001"`},
		{failed("wxb", 0, "wechat getticket for wxb: no trusted connection: x509"), `href="/admin/help/errors#no-trusted-connection"`},
		{failed("wxc", 12345, "new"), `href="/admin/help/errors"`},
	} {
		k.happened(tt.row)
		if r := viewer.get(fmt.Sprintf("/admin/history/%d", i+1)); !strings.Contains(r.body, tt.link) {
			t.Errorf("row %d, of %s, has no %s", i+1, tt.row.AppID, tt.link)
		}
	}
}

// The handbook in both languages and both schemes, on a desk and on a phone, as
// TestDeskLooks; a link from a failure leads to an entry that is on the page.
func TestHandbookLooks(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.as("viewer")
	l := newDeskLooker(t, k)
	l.open(l.k.url + "/admin/sign-in?lang=en")
	l.submit(map[string]string{"name": "person-viewer", "password": panelPassword})
	for _, lang := range []string{"en", "zh"} {
		l.open(l.k.url + "/admin/help/errors?lang=" + lang)
		for _, width := range []int64{390, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				l.dress(width, scheme)
				l.open(l.k.url + "/admin/help/errors#wecom-60020")
				l.wait(`document.querySelector(":target").textContent === "WeCom 60020"`)
				l.snap("handbook", width, scheme)
			}
		}
		dead := `[...document.querySelectorAll('main a[href^="#"]')].map(e => e.getAttribute("href")).filter(h => !document.getElementById(decodeURIComponent(h.slice(1)))).join()`
		if links := ask[string](l.browser, dead); links != "" {
			t.Errorf("links to nothing: %s", links)
		}
	}
}
