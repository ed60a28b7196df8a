package paneltest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
)

const hostile = `<script>alert(1)</script>`

// refusedAlert is an alert with everything in it that others have written.
func refusedAlert(key string) model.Alert {
	return model.Alert{
		AlertKey: key, Name: "refused", Severity: model.SeverityCritical, AppID: "wx0123456789abcdef", Kind: "access_token",
		SinceMs: 1_700_000_000_000, CalmMs: 3_600_000,
		Facts: `{"account":"` + hostile + ` (wx0123456789abcdef)","kind":"access_token","errcode":"40164",` +
			`"text":"invalid ip 203.0.113.7 ` + hostile + `","mend":"add it"}`,
	}
}

func TestAlertsPage(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer, admin := k.as("viewer"), k.as("admin")
	if body := viewer.get("/admin/alerts").body; !strings.Contains(body, "Nothing needs you") || strings.Contains(body, "badge-count") {
		t.Error("without alerts the page does not say so, or the bar has a number")
	}
	id := k.raised(refusedAlert("refused"))
	k.alerts.Look(t.Context()) // counts for the bar; what no look has found is not over at once
	body := viewer.get("/admin/alerts").body
	for _, want := range []string{
		"WeChat refuses", "errcode 40164", "invalid ip 203.0.113.7", "IP白名单", "Critical", `2023-11-15 06:13:20`, `badge-count">1<`,
		"/admin/history?account=wx0123456789abcdef", "mail ops@example.com",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, hostile) {
		t.Error("what others wrote is not a text")
	}
	for _, forbidden := range []string{`action="/admin/alerts`, `action="/admin/alert-test`} {
		if strings.Contains(body, forbidden) {
			t.Errorf("a viewer is offered %s", forbidden)
		}
	}
	zh := viewer.get("/admin/alerts", header("Accept-Language", "zh-CN")).body
	if !strings.Contains(zh, "微信拒绝了") || !strings.Contains(zh, "严重") {
		t.Error("the Chinese page is not Chinese")
	}
	path := fmt.Sprintf("/admin/alerts/%d", id)
	if r := admin.post(path, "note", "ticket 7 "+hostile); r.StatusCode != http.StatusSeeOther {
		t.Fatalf("acknowledge: %d\n%s", r.StatusCode, r.body)
	}
	body = viewer.get("/admin/alerts").body
	if !strings.Contains(body, "person-admin") || !strings.Contains(body, "ticket 7") || strings.Contains(body, hostile) {
		t.Error("the page does not say who has it in hand, as a text")
	}
	if r := admin.post(path, "note", "again"); r.StatusCode != http.StatusConflict || !strings.Contains(r.body, "somebody else has it in hand") {
		t.Errorf("acknowledge twice: %d", r.StatusCode)
	}
	if body := admin.get("/admin/audit").body; !strings.Contains(body, "has an alert in hand") {
		t.Error("the audit log does not say who acknowledged")
	}
	for _, path := range []string{"/admin/alerts?before=x", "/admin/alerts?before=1-", "/admin/alerts?before=-1-1"} {
		if r := viewer.get(path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	for _, path := range []string{"/admin/alerts/0", "/admin/alerts/x"} {
		if r := admin.post(path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
}

// Every alert that is over is on one page, and on one only.
func TestClearedAlertsPages(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	const many = 65
	for i := range many {
		a := refusedAlert(fmt.Sprintf("refused %d", i))
		a.CalmMs = 0
		a.Facts = fmt.Sprintf(`{"account":"number %d."}`, i)
		id := k.raised(a)
		cleared, err := k.store.AlertAbsent(t.Context(), id)
		k.ok(err)
		if !cleared {
			t.Fatal("an alert without a calm time is not cleared at once")
		}
	}
	viewer := k.as("viewer")
	seen, next := "", "/admin/alerts"
	for pages := 0; next != ""; pages++ {
		if pages > many {
			t.Fatal("the pages do not end")
		}
		body := viewer.get(next).body
		seen += body
		_, rest, found := strings.Cut(body, `<a class="button outline small" href="/admin/alerts?before=`)
		next = ""
		if found {
			place, _, _ := strings.Cut(rest, `"`)
			next = "/admin/alerts?before=" + place
		}
	}
	for i := range many {
		if n := strings.Count(seen, fmt.Sprintf("<h3>WeChat refuses number %d.</h3>", i)); n != 1 {
			t.Errorf("number %d is on the pages %d times", i, n)
		}
	}
}

func TestAlertTestMessages(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	if r := admin.post("/admin/alert-test", "receiver", "ops"); r.StatusCode != http.StatusSeeOther || len(k.receivers[0].took) != 1 {
		t.Fatalf("%d, %d messages", r.StatusCode, len(k.receivers[0].took))
	}
	m := k.receivers[0].took[0]
	body := string(m.Body)
	if m.Type != "alert.raised" || !strings.Contains(body, `"alert":"test"`) || !strings.Contains(body, "person-admin tries") {
		t.Errorf("%+v: %s", m, m.Body)
	}
	r := admin.post("/admin/alert-test", "receiver", "gone")
	if r.StatusCode != http.StatusBadGateway || !strings.Contains(r.body, "550 no such &lt;b&gt;user") {
		t.Errorf("a receiver that refuses: %d", r.StatusCode)
	}
	if r := admin.post("/admin/alert-test", "receiver", "nobody"); r.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("an unknown receiver: %d", r.StatusCode)
	}
	if body := admin.get("/admin/audit").body; strings.Count(body, "sends a test alert") < 3 {
		t.Error("the audit log does not tell of the test messages")
	}
}
