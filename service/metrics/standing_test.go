package metrics_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/metrics"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// A rule must not depend on whether there was trouble before: all is there as 0.
func TestStandingInGoodOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &database{replicas: []model.Replica{{Name: "a", Config: "x", SeenMs: time.Now().UnixMilli()}}}
		m := newMetrics(t, serving(1), func(o *metrics.Options) { o.Store, o.Conditions = d, []string{"purge"} })
		checkLines(t, look(t, m),
			`wxsign_alerts_open{condition="purge",severity="critical"} 0`, `wxsign_alerts_open{condition="purge",severity="warning"} 0`,
			`wxsign_deliveries{state="failed"} 0`, `wxsign_deliveries{state="pending"} 0`, "wxsign_delivery_oldest_seconds 0",
			"wxsign_replicas 1", "wxsign_replica_settings 1")
	})
}

func TestStandingInTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UnixMilli()
		d := &database{
			alerts: []model.Alert{
				{Name: "purge", Severity: "warning"},
				{Name: "refused", Severity: "critical"},
				{Name: "refused", Severity: "critical"},
				{Name: "of-a-later-version", Severity: "warning"},
				{Name: "of-a-still-later-one", Severity: "warning"},
			},
			deliveries: []model.DeliveryCount{
				{Channel: "mail", State: "pending", Count: 2, OldestMs: now - 60_000},
				{Channel: "robot", State: "pending", Count: 3, OldestMs: now - 90_000},
				{Channel: "mail", State: "failed", Count: 7, OldestMs: now - 900_000},
			},
			replicas: []model.Replica{
				{Name: "a", Config: "x", SeenMs: now},
				{Name: "b", Config: "y", SeenMs: now - 30_000},
				{Name: "gone", Config: "z", SeenMs: now - 40_000},
			},
		}
		m := newMetrics(t, serving(1), func(o *metrics.Options) { o.Store, o.Conditions = d, []string{"purge", "refused"} })
		checkLines(t, look(t, m),
			`wxsign_alerts_open{condition="purge",severity="warning"} 1`, `wxsign_alerts_open{condition="refused",severity="critical"} 2`,
			`wxsign_alerts_open{condition="other",severity="warning"} 2`,
			`wxsign_deliveries{state="failed"} 7`, `wxsign_deliveries{state="pending"} 5`, "wxsign_delivery_oldest_seconds 90",
			"wxsign_replicas 2", "wxsign_replica_settings 2")

		d.alerts, d.deliveries = nil, nil
		time.Sleep(30 * time.Second) // too early for another look, but time goes on
		checkLines(t, look(t, m), `wxsign_alerts_open{condition="purge",severity="warning"} 1`, "wxsign_delivery_oldest_seconds 120")
		time.Sleep(30 * time.Second)
		text := look(t, m)
		checkLines(t, text, `wxsign_alerts_open{condition="purge",severity="warning"} 0`, "wxsign_delivery_oldest_seconds 0")
		if strings.Contains(text, `condition="other"`) {
			t.Error("a condition that nobody knows stays")
		}
	})
}

func TestReadOnlyDatabase(t *testing.T) {
	t.Parallel()
	for want, readOnly := range map[string]bool{"wxsign_database_read_only 1": true, "wxsign_database_read_only 0": false} {
		checkLines(t, scrape(t, newMetrics(t, serving(1), func(o *metrics.Options) {
			o.State = func() metrics.State { return metrics.State{ReadOnly: readOnly} }
		})), want)
	}
}

// The age is of what lives: what has ended is told by its state.
func TestOldestCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := snapshot.NewTable()
		now := time.Now()
		for appID, row := range map[string]struct{ age, left time.Duration }{
			"wxa": {time.Hour, time.Hour}, "wxb": {5 * time.Hour, time.Minute}, "wxended": {9 * time.Hour, -time.Second},
		} {
			table.PutAccounts(snapshot.Account{AppID: appID, Enabled: true, Tickets: []string{snapshot.KindJSAPI}})
			// The database's clock is another one; only what lies between counts.
			table.PutCredential(appID, snapshot.Credential{
				Kind: snapshot.KindJSAPI, Value: secret.New("v"), Version: 1, Deadline: now.Add(row.left),
				IssuedAt: 1_000, ExpiresAt: 1_000 + (row.age + row.left).Milliseconds(),
			})
		}
		checkLines(t, scrape(t, newMetrics(t, table, nil)), `wxsign_credential_oldest_seconds{kind="jsapi"} 18000`)
	})
}
