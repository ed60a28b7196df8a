package handler_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/keeper"
)

// A copy in Redis that is behind is told to all, since when and why to operators.
func TestReadyzTellsOfTheCopy(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 20, 19, 12, 37, 0, time.UTC)
	behind := handler.CopyState{
		Values: 6, LastSuccess: since.Add(-time.Minute), FailingSince: since, Error: "WRONGPASS — set publish.redis.password",
	}
	status := func() keeper.Status { return keeper.Status{Ready: true, Accounts: 1, Signing: 1, Signable: 1} }
	nobody := func() []keeper.AccountTrouble { return nil }
	const head = `"accounts":1,"accounts_signing":1,"accounts_signable":1,"accounts_failing":0`
	for name, tt := range map[string]struct {
		health *handler.Health
		body   string
	}{
		"behind": {
			handler.NewHealth(status).Copying(func() handler.CopyState { return behind }),
			`{"status":"degraded","codes":["redis_behind"],` + head + `}`,
		},
		"behind, to operators": {
			handler.NewHealth(status).Copying(func() handler.CopyState { return behind }).Naming(nobody),
			`{"status":"degraded","codes":["redis_behind"],` + head + `,"redis":{"values":6,"last_success":"2026-11-20T19:11:37Z",` +
				`"failing_since":"2026-11-20T19:12:37Z","error":"WRONGPASS — set publish.redis.password"}}`,
		},
		"as it should be, to operators": {
			handler.NewHealth(status).Copying(func() handler.CopyState { return handler.CopyState{Values: 6, LastSuccess: since} }).Naming(nobody),
			`{"status":"ok","codes":[],` + head + `,"redis":{"values":6,"last_success":"2026-11-20T19:12:37Z"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorder := httptest.NewRecorder()
			c, _ := gin.CreateTestContext(recorder)
			c.Request = httptest.NewRequest(http.MethodGet, "/readyz", nil)
			handler.Func(tt.health.Readyz).Gin(c)
			if diff := cmp.Diff(tt.body, recorder.Body.String()); diff != "" || recorder.Code != http.StatusOK {
				t.Errorf("status %d (-want +got):\n%s", recorder.Code, diff)
			}
		})
	}
}

// A replica leaves the balancer only where it is of no use at all.
func TestReadyz(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status keeper.Status
		want   int
		body   string
	}{
		{
			"no account",
			keeper.Status{Ready: true},
			200,
			`{"status":"ok","codes":[],"accounts":0,"accounts_signing":0,"accounts_signable":0,"accounts_failing":0}`,
		},
		{
			"all well",
			keeper.Status{Ready: true, Accounts: 3, Signing: 2, Signable: 2},
			200,
			`{"status":"ok","codes":[],"accounts":3,"accounts_signing":2,"accounts_signable":2,"accounts_failing":0}`,
		},
		{
			"one bad account",
			keeper.Status{
				Ready: true, Degraded: true, Codes: []string{keeper.CodeTicketNotReady, keeper.CodeRenewalsFailing},
				Accounts: 3, Signing: 3, Signable: 2, Failing: 1,
			},
			200,
			`{"status":"degraded","codes":["ticket_not_ready","renewals_failing"],` +
				`"accounts":3,"accounts_signing":3,"accounts_signable":2,"accounts_failing":1}`,
		},
		{
			"database away",
			keeper.Status{Ready: true, Degraded: true, Codes: []string{keeper.CodeDatabaseDown}, Accounts: 1, Signing: 1, Signable: 1},
			200,
			`{"status":"degraded","codes":["database_down"],"accounts":1,"accounts_signing":1,"accounts_signable":1,"accounts_failing":0}`,
		},
		{
			"starting",
			keeper.Status{Degraded: true, Codes: []string{keeper.CodeStarting}},
			503,
			`{"status":"unavailable","codes":["starting"],"accounts":0,"accounts_signing":0,"accounts_signable":0,"accounts_failing":0}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			health := handler.NewHealth(func() keeper.Status { return tt.status })
			w := serveFunc(t, health.Readyz)
			if w.Code != tt.want || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("status %d, headers %v", w.Code, w.Header())
			}
			if diff := cmp.Diff(tt.body, w.Body.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The process lives whatever its accounts do.
func TestHealthzDoesNotAskForTheStatus(t *testing.T) {
	t.Parallel()
	health := handler.NewHealth(func() keeper.Status { panic("asked") })
	if w := serveFunc(t, health.Healthz); w.Code != http.StatusOK || w.Body.String() != `{"status":"ok"}` {
		t.Errorf("status %d, body %s", w.Code, w.Body)
	}
}

// serveFunc asks f for /.
func serveFunc(t testing.TB, f handler.Func) *httptest.ResponseRecorder {
	t.Helper()
	engine := gin.New()
	engine.GET("/", f.Gin)
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	return w
}

// Only operators are told which accounts are in trouble.
func TestReadyzNamesAccountsToOperators(t *testing.T) {
	t.Parallel()
	pages := handler.NewHealth(func() keeper.Status { return keeper.Status{Ready: true, Degraded: true} })
	ops := pages.Naming(func() []keeper.AccountTrouble {
		return []keeper.AccountTrouble{{
			AppID: "wxa", Kind: "jsapi", Live: true, Failing: 2, Errcode: 40164, Text: "add 1.2.3.4",
			NextTry: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		}, {AppID: "wxb", Kind: "access_token"}}
	})
	const counts = `{"status":"degraded","codes":[],"accounts":0,"accounts_signing":0,"accounts_signable":0,"accounts_failing":0`
	for health, want := range map[*handler.Health]string{
		pages: counts + `}`,
		ops: counts + `,"troubles":[{"app_id":"wxa","kind":"jsapi","live":true,"failing":2,"errcode":40164,` +
			`"text":"add 1.2.3.4","next_try":"2026-11-20T08:00:00Z"},` +
			`{"app_id":"wxb","kind":"access_token","live":false,"failing":0}]}`,
	} {
		recorder := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(recorder)
		c.Request = httptest.NewRequest(http.MethodGet, "/readyz", nil)
		if err := health.Readyz(c); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, recorder.Body.String()); diff != "" {
			t.Error(diff)
		}
	}
}
