package metrics_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/metrics"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

const canary = "CANARY-ticket-value"

func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func TestScrapeShowsWhatIsServed(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	table.PutAccounts(
		snapshot.Account{AppID: "wxa", Enabled: true, Tickets: []string{snapshot.KindJSAPI}},
		snapshot.Account{AppID: "wxoff", Tickets: []string{snapshot.KindJSAPI}})
	table.PutCredential("wxa", snapshot.Credential{
		Kind: snapshot.KindJSAPI, Value: secret.New(canary), Version: 7, Deadline: time.Now().Add(time.Hour),
	})
	table.SetTrouble("wxa", snapshot.KindAccessToken, snapshot.Trouble{Errcode: 40164, Failing: 3, Text: "invalid ip"})
	m, err := metrics.New(metrics.Options{Version: "v1", Commit: "abc", Date: "2026-01-02", Table: table, State: func() metrics.State {
		return metrics.State{Ready: true, DatabaseDown: 90 * time.Second}
	}})
	if err != nil {
		t.Fatal(err)
	}
	m.Signed("ok", time.Millisecond)
	m.Signed("domain_not_allowed", time.Millisecond)
	text := scrape(t, m)
	for _, line := range []string{
		`wxsign_build_info{commit="abc",date="2026-01-02",go="` + runtime.Version() + `",version="v1"} 1`,
		`wxsign_accounts{enabled="true"} 1`,
		`wxsign_accounts{enabled="false"} 1`,
		`wxsign_credential_version{account="wxa",kind="jsapi"} 7`,
		`wxsign_credential_failing{account="wxa",errcode="40164",kind="access_token"} 3`,
		`wxsign_credential_expiry_seconds{account="wxa",kind="jsapi"} 359`,
		`wxsign_sign_requests_total{code="ok"} 1`,
		`wxsign_sign_requests_total{code="domain_not_allowed"} 1`,
		`wxsign_sign_request_seconds_count 2`,
		`wxsign_ready 1`,
		`wxsign_database_down_seconds 90`,
		`go_goroutines`,
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line begins with %s", line)
		}
	}
	for _, secret := range []string{canary, "wxoff"} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics hold %s", secret)
		}
	}
}

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := metrics.New(metrics.Options{}); err == nil {
		t.Error("no error without a table")
	}
}
