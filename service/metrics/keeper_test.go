package metrics_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/metrics"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// newMetrics counts over a table; change may be nil.
func newMetrics(t *testing.T, table *snapshot.Table, change func(*metrics.Options)) *metrics.Metrics {
	t.Helper()
	o := metrics.Options{Table: table, State: func() metrics.State { return metrics.State{Ready: true} }}
	if change != nil {
		change(&o)
	}
	m, err := metrics.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// checkLines holds that each line begins a line of the scrape.
func checkLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("no line begins with %s in:\n%s", line, text)
		}
	}
}

func TestWhatTheKeeperTells(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, snapshot.NewTable(), nil)
	m.Claimed("jsapi", true)
	m.Claimed("jsapi", true)
	m.Claimed("jsapi", false)
	m.Called("access_token", 0, 150*time.Millisecond)
	m.Called("access_token", 40164, 50*time.Millisecond)
	m.Called("probe", 40001, time.Second)
	m.Called("jsapi", metrics.NoAnswer, 8*time.Second)
	m.Ended("access_token", "renewed", 0)
	m.Ended("access_token", "failed", 40164)
	checkLines(t, scrape(t, m),
		`wxsign_claims_total{kind="jsapi",result="won"} 2`,
		`wxsign_claims_total{kind="jsapi",result="lost"} 1`,
		`wxsign_upstream_calls_total{errcode="0",kind="access_token"} 1`,
		`wxsign_upstream_calls_total{errcode="40164",kind="access_token"} 1`,
		`wxsign_upstream_calls_total{errcode="40001",kind="probe"} 1`,
		`wxsign_upstream_calls_total{errcode="none",kind="jsapi"} 1`,
		`wxsign_upstream_seconds_bucket{kind="access_token",le="0.1"} 1`,
		`wxsign_upstream_seconds_bucket{kind="access_token",le="0.2"} 2`,
		`wxsign_upstream_seconds_count{kind="probe"} 1`,
		`wxsign_refreshes_total{errcode="0",kind="access_token",outcome="renewed"} 1`,
		`wxsign_refreshes_total{errcode="40164",kind="access_token",outcome="failed"} 1`)
}

// An upstream that answers anything at all must not fill the memory of
// whoever scrapes.
func TestErrcodesAreBounded(t *testing.T) {
	t.Parallel()
	m := newMetrics(t, snapshot.NewTable(), nil)
	for code := range 500 {
		m.Called("jsapi", code, time.Millisecond)
		m.Ended("jsapi", "failed", code)
	}
	text := scrape(t, m)
	if n := strings.Count(text, "\nwxsign_upstream_calls_total{"); n < 40 || n > 60 {
		t.Errorf("%d series for 500 errcodes", n)
	}
	checkLines(t, text, `wxsign_upstream_calls_total{errcode="7",kind="jsapi"} 1`,
		`wxsign_upstream_calls_total{errcode="other",kind="jsapi"} 4`)
	m.Called("jsapi", 7, time.Millisecond)
	checkLines(t, scrape(t, m), `wxsign_upstream_calls_total{errcode="7",kind="jsapi"} 2`)
}

// With very many accounts those in trouble are what matters.
func TestAccountsAreBounded(t *testing.T) {
	t.Parallel()
	table := snapshot.NewTable()
	put := func(appID string, life time.Duration) {
		table.PutAccounts(snapshot.Account{AppID: appID, Enabled: true, Tickets: []string{snapshot.KindJSAPI}})
		for _, kind := range []string{snapshot.KindAccessToken, snapshot.KindJSAPI} {
			table.PutCredential(appID, snapshot.Credential{Kind: kind, Value: secret.New("v"), Version: 1, Deadline: time.Now().Add(life)})
		}
	}
	for n := range 20 {
		put(fmt.Sprintf("wxwell%d", n), time.Hour)
	}
	put("wxdead", -time.Hour)
	put("wxfails", time.Hour)
	table.SetTrouble("wxfails", snapshot.KindJSAPI, snapshot.Trouble{Failing: 2, Errcode: 45009})
	table.PutAccounts(snapshot.Account{AppID: "wxempty", Enabled: true, Tickets: []string{snapshot.KindJSAPI}})

	text := scrape(t, newMetrics(t, table, func(o *metrics.Options) { o.MostAccounts = 22 }))
	checkLines(t, text,
		`wxsign_credential_expiry_seconds{account="wxdead",kind="jsapi"} -36`,
		`wxsign_credential_failing{account="wxfails",errcode="45009",kind="jsapi"} 2`,
		`wxsign_accounts_without_series 20`,
		`wxsign_credentials{kind="jsapi",state="live"} 21`,
		`wxsign_credentials{kind="jsapi",state="expired"} 1`,
		`wxsign_credentials{kind="access_token",state="missing"} 1`,
		`wxsign_credentials_failing{kind="jsapi"} 1`,
		`wxsign_credentials_failing{kind="access_token"} 0`,
		`wxsign_credential_soonest_expiry_seconds{kind="jsapi"} -36`)
	if strings.Contains(text, "wxwell") {
		t.Errorf("accounts in good order have series of their own:\n%s", text)
	}

	text = scrape(t, newMetrics(t, table, func(o *metrics.Options) { o.MostAccounts = 1 }))
	if strings.Contains(text, "wxfails") || !strings.Contains(text, `account="wxdead"`) {
		t.Errorf("want only the account that ended first:\n%s", text)
	}
	checkLines(t, text, `wxsign_accounts_without_series 22`)

	text = scrape(t, newMetrics(t, table, func(o *metrics.Options) { o.MostAccounts = 23 }))
	checkLines(t, text, `wxsign_accounts_without_series 0`, `wxsign_credential_version{account="wxwell7",kind="jsapi"} 1`)
}
