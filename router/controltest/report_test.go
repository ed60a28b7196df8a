package controltest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/wxsign/wxsign/service/keeper"
)

const shopReport = shopToken + "/report"

func TestReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	_, key := w.key("token ticket refresh", shop)
	_, blind := w.key("refresh", shop)
	live := w.current(shop, keeper.KindAccessToken)
	ask := func(c call) reply {
		t.Helper()
		c.method = http.MethodPost
		r := w.ask(c)
		k.check(t, c, r)
		return r
	}
	for name, tt := range map[string]struct{ body, result string }{
		"a value that is not current":  {`{"value":"of yesterday","errcode":42001}`, "current"},
		"a hash that is not current":   {`{"sha256":"` + strings.Repeat("0", 64) + `"}`, "current"},
		"the current value lives":      {`{"value":"` + live.Value.Reveal() + `"}`, "alive"},
		"its hash":                     {`{"sha256":"` + live.SHA256() + `","errcode":40001}`, "alive"},
		"its hash, in capital letters": {`{"sha256":"` + strings.ToUpper(live.SHA256()) + `"}`, "alive"},
	} {
		r := ask(call{path: shopReport, key: key, body: tt.body})
		if r.Code != http.StatusOK || r.text("result") != tt.result ||
			r.text("access_token") != live.Value.Reveal() || r.Header().Get("ETag") != tagOf(live) {
			t.Errorf("%s: status %d: %s", name, r.Code, r.Body)
		}
	}

	// Who may only report does not read by reporting nonsense.
	r := ask(call{path: shopReport, key: blind, body: `{"value":"x"}`})
	if r.text("result") != "current" || strings.Contains(r.Body.String(), live.Value.Reveal()) || r.json["version"] != float64(live.Version) {
		t.Errorf("a key with refresh alone: %s", r.Body)
	}
	ticket := w.current(shop, keeper.KindJSAPI)
	r = ask(call{path: "/v1/accounts/" + shop + "/tickets/jsapi/report", key: blind, body: `{"value":"x"}`})
	if r.text("result") != "current" || strings.Contains(r.Body.String(), ticket.Value.Reveal()) {
		t.Errorf("a key with refresh alone: %s", r.Body)
	}
	r = ask(call{path: "/v1/accounts/" + shop + "/tickets/jsapi/report", key: key, body: `{"value":"x"}`})
	if r.text("result") != "current" || r.text("ticket") != ticket.Value.Reveal() {
		t.Errorf("a ticket that is not current: %s", r.Body)
	}
}

// WeChat has killed the token: all who report it get the same new one, and
// WeChat is asked for it once.
func TestReportOfADeadToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token refresh", shop)
	before := w.current(shop, keeper.KindAccessToken)
	w.sim.Control(t, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": shop, "what": "token"}, nil)
	answers := make([]reply, 20)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			body := `{"sha256":"` + before.SHA256() + `","errcode":40001}`
			answers[i] = w.ask(call{method: http.MethodPost, path: shopReport, key: key, body: body})
		})
	}
	all.Wait()
	after := w.current(shop, keeper.KindAccessToken)
	for _, r := range answers {
		result := r.text("result")
		if r.Code != http.StatusOK || result != "renewed" && result != "current" || r.text("access_token") != after.Value.Reveal() {
			t.Errorf("status %d: %s", r.Code, r.Body)
		}
	}
	if after.Version != before.Version+1 || after.SHA256() == before.SHA256() {
		t.Errorf("version %d after %d", after.Version, before.Version)
	}
}

// WeChat is down: the answer says so, and when to come back.
func TestReportWhileWeChatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	_, key := w.key("token refresh", shop)
	live := w.current(shop, keeper.KindAccessToken)
	w.sim.Control(t, http.MethodPost, "/_sim/fault", map[string]any{"path": "*", "errcode": -1, "count": 1000}, nil)
	c := call{method: http.MethodPost, path: shopReport, key: key, body: `{"sha256":"` + live.SHA256() + `"}`}
	r := w.ask(c)
	if r.verdict() != "refresh_failed" || r.Code != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q: %s", r.Code, r.Header().Get("Retry-After"), r.Body)
	}
	k.check(t, c, r)
	if r := w.ask(call{path: shopToken, key: key}); r.text("access_token") != live.Value.Reveal() {
		t.Errorf("what lives is served on: %s", r.Body)
	}
	force := call{
		method: http.MethodPost, path: "/cgi-bin/stable_token",
		body: `{"grant_type":"client_credential","appid":"` + shop + `","secret":"` + key + `","force_refresh":true}`,
	}
	if r := w.ask(force); r.verdict() != "-1" || r.Code != http.StatusOK {
		t.Errorf("force_refresh: %s", r.Body)
	}
}
