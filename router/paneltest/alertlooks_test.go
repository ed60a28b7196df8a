package paneltest_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/outbox"
)

// seedAlerts gives the pages of alerts and keys something to show.
func (k *panelKit) seedAlerts(admin visitor) {
	k.t.Helper()
	now := time.Now().UnixMilli()
	a := refusedAlert("refused")
	a.SinceMs = now - 4_000_000
	k.raised(a)
	held := k.raised(model.Alert{
		AlertKey: "overwrite", Name: "overwrite", Severity: model.SeverityWarning, AppID: "wx0000000000000001",
		SinceMs: now - 1_900_000, CalmMs: 3_600_000,
		Facts: `{"account":"账号 1 (wx0000000000000001)","version":"43","fingerprint":"8c1f00d5","by":"probe",` +
			`"found_at":"1763664000000","times":"2"}`,
	})
	k.ok(k.alerts.Acknowledge(k.t.Context(), held, alertActor(), "asked the shop team"))
	over := k.raised(model.Alert{
		AlertKey: "clock", Name: "clock", Severity: model.SeverityWarning, Replica: "wxsign-7d9f8b6c5d-x2x9k/1/8b4ef1de",
		SinceMs: now - 90_000_000,
		Facts:   `{"replica":"wxsign-7d9f8b6c5d-x2x9k/1/8b4ef1de","difference_for":"7300"}`,
	})
	if _, err := k.store.AlertAbsent(k.t.Context(), over); err != nil {
		k.t.Fatal(err)
	}
	k.alerts.Look(k.t.Context())
	admin.made(keyFields())
	admin.made(keyFields("name", "crm", "accounts", "all", "days", "", "cidrs", ""))
}

// The pages of alerts and keys for both roles, in both languages and schemes, on a
// desk and on a phone.
func TestAlertLooks(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	admin := k.as("admin")
	empty := newPanelKit(t, panelKitOptions{})
	empty.as("viewer")
	k.seedAlerts(admin)
	k.told(3)
	given := k.deliveries(outbox.Filter{State: outbox.Failed})[0].ID
	k.as("viewer")
	for _, role := range []string{"viewer", "admin"} {
		for _, lang := range []string{"en", "zh"} {
			t.Run(role+" "+lang, func(t *testing.T) {
				t.Parallel()
				l := newDeskLooker(t, k)
				l.open(k.url + "/admin/sign-in?lang=" + lang)
				l.submit(map[string]string{"name": "person-" + role, "password": panelPassword})
				l.everyway("alerts-"+role, "/admin/alerts")
				l.everyway("keys-"+role, "/admin/keys")
				l.everyway("deliveries-"+role, "/admin/deliveries?receiver=gone")
				l.everyway("delivery-"+role, fmt.Sprint("/admin/deliveries/", given))
			})
		}
	}
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		l := newDeskLooker(t, empty)
		l.open(empty.url + "/admin/sign-in?lang=en")
		l.submit(map[string]string{"name": "person-viewer", "password": panelPassword})
		l.everyway("alerts-empty", "/admin/alerts")
		l.everyway("keys-empty", "/admin/keys")
		l.everyway("deliveries-empty", "/admin/deliveries")
	})
}
