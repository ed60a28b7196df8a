package controltest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
)

// Tencent's exact shape: these fields and no others, its Content-Type, no line
// end.
func TestDropInShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token ticket refresh", shop+" "+agent7)
	w.ok(w.keys.Load(t.Context()))
	token := w.current(shop, keeper.KindAccessToken).Value.Reveal()
	agentToken := w.current(agent7, keeper.KindAccessToken).Value.Reveal()
	order := func(more string) string {
		return `{"grant_type":"client_credential","appid":"` + shop + `","secret":"` + key + `"` + more + `}`
	}
	get := func(path string) call { return call{path: "/cgi-bin/" + path} }
	stable := func(more string) call {
		return call{method: http.MethodPost, path: "/cgi-bin/stable_token", body: order(more)}
	}
	only := func(token string) map[string]any { return map[string]any{"access_token": token} }
	well := func(name, value string) map[string]any {
		return map[string]any{"errcode": 0.0, "errmsg": "ok", name: value}
	}
	jsapi, card := w.current(shop, "jsapi").Value.Reveal(), w.current(shop, "wx_card").Value.Reveal()
	for name, tt := range map[string]struct {
		call
		want map[string]any
	}{
		"token":                          {get("token?grant_type=client_credential&appid=" + shop + "&secret=" + key), only(token)},
		"token, other order":             {get("token?secret=" + key + "&appid=" + shop + "&grant_type=client_credential&extra=1"), only(token)},
		"stable_token":                   {stable(""), only(token)},
		"stable_token, not forced":       {stable(`,"force_refresh":false,"more":[1]`), only(token)},
		"stable_token, forced but alive": {stable(`,"force_refresh":true`), only(token)},
		"getticket":                      {get("ticket/getticket?access_token=" + token + "&type=jsapi"), well("ticket", jsapi)},
		"getticket of cards":             {get("ticket/getticket?type=wx_card&access_token=" + token), well("ticket", card)},
		"gettoken":                       {get("gettoken?corpid=" + corp + "&corpsecret=" + key), well("access_token", agentToken)},
		"get_jsapi_ticket":               {get("get_jsapi_ticket?access_token=" + key + "@" + agent7), well("ticket", "jsapi-of-"+agent7)},
		"ticket/get": {
			get("ticket/get?type=agent_config&access_token=" + key + "@" + agent7), well("ticket", "agent_config-of-"+agent7),
		},
	} {
		r := w.ask(tt.call)
		left, _ := r.json["expires_in"].(float64)
		delete(r.json, "expires_in")
		if diff := cmp.Diff(tt.want, r.json); diff != "" || r.Code != http.StatusOK || left < 1 || left > 7200 {
			t.Errorf("%s: status %d, expires in %v: %s", name, r.Code, left, diff)
		}
		kind := r.Header().Get("Content-Type")
		if kind != "application/json; encoding=utf-8" || strings.HasSuffix(r.Body.String(), "\n") {
			t.Errorf("%s: %s: %q", name, kind, r.Body)
		}
	}
}

// grant is the beginning of a call for a token.
const grant = "/cgi-bin/token?grant_type=client_credential&appid="

func TestDropInErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	_, key := w.key("token", shop+" "+off+" "+dead)
	_, tokens := w.key("token ticket", agent7+" "+agent8)
	stable := func(body string) call {
		return call{method: http.MethodPost, path: "/cgi-bin/stable_token", body: body}
	}
	form := stable("grant_type=client_credential&appid=" + shop)
	form.headers = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	token := w.current(shop, keeper.KindAccessToken).Value.Reveal()
	for name, tt := range map[string]struct {
		call
		want, text string
	}{
		"nothing":              {call{path: "/cgi-bin/token"}, "41002", "appid missing"},
		"no secret":            {call{path: grant + shop}, "41004", "appsecret missing"},
		"wrong name of secret": {call{path: grant + shop + "&appsecret=" + key}, "41004", "appsecret missing"},
		"no grant":             {call{path: "/cgi-bin/token?appid=" + shop + "&secret=" + key}, "40002", "invalid grant_type"},
		"the real AppSecret":   {call{path: grant + shop + "&secret=secret-of-" + shop}, "40125", "invalid appsecret"},
		"unknown appid":        {call{path: grant + nobody + "&secret=" + key}, "40013", "invalid appid"},
		"disabled":             {call{path: grant + off + "&secret=" + key}, "40013", "invalid appid"},
		"not ready":            {call{path: grant + dead + "&secret=" + key}, "-1", "system error"},
		"POST":                 {call{method: http.MethodPost, path: grant + shop + "&secret=" + key}, "43001", "require GET method"},
		"GET on stable_token":  {call{path: "/cgi-bin/stable_token"}, "43002", "require POST method"},
		"DELETE on getticket":  {call{method: http.MethodDelete, path: "/cgi-bin/ticket/getticket"}, "43001", "require GET method"},
		"empty":                {stable(""), "44002", "empty post data"},
		"form":                 {form, "41002", "appid missing"},
		"no JSON":              {stable("hello"), "47001", "data format error"},
		"array":                {stable("[]"), "47001", "data format error"},
		"too large":            {stable(`{"appid":"` + strings.Repeat("a", 70<<10) + `"}`), "47001", "data format error"},
		"force without scope": {
			stable(`{"grant_type":"client_credential","appid":"` + shop + `","secret":"` + key + `","force_refresh":true}`),
			"48001", "api unauthorized",
		},
		"no token":                {call{path: "/cgi-bin/ticket/getticket?type=jsapi"}, "41001", "access_token missing"},
		"foreign token":           {call{path: "/cgi-bin/ticket/getticket?type=jsapi&access_token=85_foreign"}, "40001", "invalid credential"},
		"no type":                 {call{path: "/cgi-bin/ticket/getticket?access_token=" + token}, "40097", "invalid args"},
		"type of WeCom":           {call{path: "/cgi-bin/ticket/getticket?type=agent_config&access_token=" + token}, "40097", "invalid args"},
		"key without an account":  {call{path: "/cgi-bin/ticket/getticket?type=jsapi&access_token=" + tokens}, "40013", "invalid appid"},
		"no key for tickets":      {call{path: "/cgi-bin/ticket/getticket?type=jsapi&access_token=" + token}, "48001", "api unauthorized"},
		"no corpsecret":           {call{path: "/cgi-bin/gettoken?corpid=" + corp}, "41004", "corpsecret missing"},
		"no corpid":               {call{path: "/cgi-bin/gettoken?corpsecret=" + tokens}, "41002", "corpid missing"},
		"two agents":              {call{path: "/cgi-bin/gettoken?corpid=" + corp + "&corpsecret=" + tokens}, "40013", "invalid corpid"},
		"agent of another corp":   {call{path: "/cgi-bin/gettoken?corpid=ww1&corpsecret=" + tokens + "@" + agent7}, "40013", "invalid corpid"},
		"a corp of nobody":        {call{path: "/cgi-bin/gettoken?corpid=ww1&corpsecret=" + tokens}, "40013", "invalid corpid"},
		"foreign token at WeCom":  {call{path: "/cgi-bin/get_jsapi_ticket?access_token=foreign"}, "40014", "invalid access_token"},
		"official token at WeCom": {call{path: "/cgi-bin/get_jsapi_ticket?access_token=" + token}, "40014", "invalid access_token"},
		"type at WeCom":           {call{path: "/cgi-bin/ticket/get?type=jsapi&access_token=" + tokens + "@" + agent7}, "40097", "invalid args"},
	} {
		r := w.ask(tt.call)
		if r.verdict() != tt.want || r.Code != http.StatusOK || !strings.HasPrefix(r.text("errmsg"), tt.text) || len(r.json) != 2 {
			t.Errorf("%s: status %d, want %s %s: %s", name, r.Code, tt.want, tt.text, r.Body)
		}
		if !strings.Contains(r.text("errmsg"), "request_id: "+r.Header().Get("X-Request-Id")) {
			t.Errorf("%s: no request id: %s", name, r.Body)
		}
		if tt.method == "" || tt.method == http.MethodPost && tt.want != "43001" && tt.want != "47001" {
			if name != "GET on stable_token" {
				k.check(t, tt.call, r)
			}
		}
	}
}

// Over its network, an address that is not listed is told by number, as Tencent
// does: operators copy it from there.
func TestDropInNamesTheAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", shop, "10.0.0.0/8")
	for _, from := range []string{outside, "2001:db8::7"} {
		r := w.ask(call{path: grant + shop + "&secret=" + key, from: from})
		if !strings.HasPrefix(r.text("errmsg"), "invalid ip "+from+", not in whitelist") || r.verdict() != "40164" {
			t.Errorf("%s: %s", from, r.Body)
		}
	}
}

// A token stands for its account at getticket, but only where a live key would
// let a ticket of the account out to this address, and for 4 hours.
func TestTicketForAToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	path := "/cgi-bin/ticket/getticket?type=jsapi&access_token=" + w.current(shop, keeper.KindAccessToken).Value.Reveal()
	check := func(what, from, want string) {
		t.Helper()
		if r := w.ask(call{path: path, from: from}); r.verdict() != want {
			t.Errorf("%s from %s: %s, want %q", what, from, r.Body, want)
		}
	}
	check("no key", inside, "48001")
	w.key("token relay sign refresh", apikey.AllAccounts)
	w.ok(w.keys.Load(t.Context()))
	check("keys of all other scopes", inside, "48001")
	id, _ := w.key("ticket", shop, "10.0.0.0/8")
	w.ok(w.keys.Load(t.Context()))
	check("a key with a list", inside, "")
	check("a key with a list", outside, "40164")
	w.ok(w.keys.Revoke(t.Context(), id, apikey.Actor{Name: "test"}))
	check("a revoked key", inside, "48001")
	w.key("ticket", other)
	w.ok(w.keys.Load(t.Context()))
	check("a key of another account", inside, "48001")
}
