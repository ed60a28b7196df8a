package controltest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/apikey"
)

// route is one thing that a caller may do. path and body hold KEY and APP where
// those belong.
type route struct {
	name    string
	needs   []string // scopes
	method  string
	path    string
	body    string
	account string // "" = shop
	tencent bool
}

func routes() []route {
	const v1 = "/v1/accounts/APP/"
	const stable = `{"grant_type":"client_credential","appid":"APP","secret":"KEY","force_refresh":FORCE}`
	const post = http.MethodPost
	token, ticket := []string{apikey.ScopeToken}, []string{apikey.ScopeTicket}
	refresh, sign := []string{apikey.ScopeRefresh}, []string{apikey.ScopeSign}
	unforced, forced := strings.Replace(stable, "FORCE", "false", 1), strings.Replace(stable, "FORCE", "true", 1)
	zeros := strings.Repeat("0", 64)
	all := []route{
		{name: "access_token", needs: token, path: v1 + "access_token"},
		{name: "jsapi ticket", needs: ticket, path: v1 + "tickets/jsapi"},
		{name: "wx_card ticket", needs: ticket, path: v1 + "tickets/wx_card"},
		{name: "report token", needs: refresh, method: post, path: v1 + "access_token/report", body: `{"sha256":"` + zeros + `"}`},
		{name: "report ticket", needs: refresh, method: post, path: v1 + "tickets/jsapi/report", body: `{"sha256":"` + zeros + `"}`},
		{name: "sign a page", needs: sign, method: post, path: v1 + "sign", body: `{"kind":"jsapi","url":"https://h5.example.com/a"}`},
		{name: "sign add_card", needs: sign, method: post, path: v1 + "sign", body: `{"kind":"add_card","card_id":"p1","code":"1"}`},
		{name: "sign choose_card", needs: sign, method: post, path: v1 + "sign", body: `{"kind":"choose_card","card_type":"GROUPON"}`},

		{name: "token", needs: token, path: "/cgi-bin/token?grant_type=client_credential&appid=APP&secret=KEY", tencent: true},
		{name: "stable_token", needs: token, method: post, path: "/cgi-bin/stable_token", body: unforced, tencent: true},
		{name: "forced stable_token", needs: slices.Concat(token, refresh), method: post, path: "/cgi-bin/stable_token", body: forced, tencent: true},
		{name: "getticket", needs: ticket, path: "/cgi-bin/ticket/getticket?type=jsapi&access_token=KEY@APP", tencent: true},
		{name: "getticket by POST", needs: ticket, method: post, path: "/cgi-bin/ticket/getticket?type=wx_card&access_token=KEY@APP", tencent: true},
		{
			name: "gettoken", needs: token, path: "/cgi-bin/gettoken?corpid=" + corp + "&corpsecret=KEY@APP",
			account: agent7, tencent: true,
		},
		{
			name: "get_jsapi_ticket", needs: ticket, path: "/cgi-bin/get_jsapi_ticket?access_token=KEY@APP",
			account: agent7, tencent: true,
		},
		{
			name: "ticket/get", needs: ticket, path: "/cgi-bin/ticket/get?type=agent_config&access_token=KEY@APP",
			account: agent7, tencent: true,
		},
	}
	for _, r := range slices.Clone(all) {
		if r.method == "" {
			r.method, r.name = http.MethodHead, "HEAD "+r.name
			all = append(all, r)
		}
	}
	return all
}

func (r route) call(key, account, from string) call {
	fill := strings.NewReplacer("KEY", key, "APP", account)
	c := call{method: r.method, path: fill.Replace(r.path), body: fill.Replace(r.body), from: from}
	if !r.tencent {
		c.key = key
	}
	return c
}

func (r route) app() string {
	if r.account == "" {
		return shop
	}
	return r.account
}

// What a refusal is called by us and by Tencent.
var refusals = map[string]string{ // never changed
	"address_not_allowed": "40164", "scope_missing": "48001", "account_not_allowed": "40013", "account_unknown": "40013",
	"key_invalid": "40125", "browser_refused": "48001",
}

func (r route) refusal(code string) string {
	if r.tencent {
		return refusals[code]
	}
	return code
}

// status is the one that goes with a verdict.
func (r route) status(verdict string) int {
	switch {
	case verdict == "" || r.tencent:
		return http.StatusOK
	case verdict == "key_invalid" || verdict == "key_missing":
		return http.StatusUnauthorized
	case verdict == "account_unknown":
		return http.StatusNotFound
	}
	return http.StatusForbidden
}

// The one table: every route × scope × account × address. Nothing is allowed
// that the key does not name.
func TestEveryRouteScopeAccountAndAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	const none, listed, elsewhere = "every address", "its own address", "another address"
	type holder struct{ scopes, account, address, key string }
	holders := map[string][]holder{}
	for _, account := range []string{shop, agent7} {
		for _, covered := range []string{account, other, account + " " + other, apikey.AllAccounts} {
			for _, scopes := range append(apikey.Scopes(), strings.Join(apikey.Scopes(), " ")) {
				for address, cidrs := range map[string][]string{none: nil, listed: {"2001:db8::/32", "10.0.0.0/8"}, elsewhere: {"192.0.2.0/24"}} {
					_, key := w.key(scopes, covered, cidrs...)
					holders[account] = append(holders[account], holder{scopes, covered, address, key})
				}
			}
		}
	}
	passed := map[string]int{}
	for _, r := range routes() {
		for _, h := range holders[r.app()] {
			want := ""
			switch {
			case h.address == elsewhere:
				want = "address_not_allowed"
			case slices.ContainsFunc(r.needs, func(s string) bool { return !slices.Contains(strings.Fields(h.scopes), s) }):
				want = "scope_missing"
				if len(r.needs) > 1 && slices.Contains(strings.Fields(h.scopes), r.needs[0]) && h.account == other {
					want = "account_not_allowed" // the first scope and the account come first
				}
			case h.account == other:
				want = "account_not_allowed"
			}
			if want != "" {
				want = r.refusal(want)
			}
			c := r.call(h.key, r.app(), inside)
			got := w.ask(c)
			if got.verdict() != want || got.Code != r.status(want) {
				t.Errorf("%s with %s on %s from %s: status %d, %q; want %q: %s",
					r.name, h.scopes, h.account, h.address, got.Code, got.verdict(), want, got.Body)
			}
			k.check(t, c, got)
			if want == "" {
				passed[r.name]++
			}
			if got.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: Cache-Control %q", r.name, got.Header().Get("Cache-Control"))
			}
		}
	}
	k.checkAll(t, "/v1/", "/cgi-bin/")
	for _, r := range routes() {
		// Three lists of accounts hold it, two of addresses, and so many of scopes.
		want := 3 * 2 * 2
		if len(r.needs) > 1 {
			want = 3 * 2
		}
		if passed[r.name] != want {
			t.Errorf("%s was allowed %d times, want %d", r.name, passed[r.name], want)
		}
	}
}

// Without a key, with one that is none, from a browser, for an account that is
// not there: every route says so.
func TestEveryRouteRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	_, all := w.key(strings.Join(apikey.Scopes(), " "), apikey.AllAccounts)
	gone, revoked := w.key(strings.Join(apikey.Scopes(), " "), apikey.AllAccounts)
	w.ok(w.keys.Revoke(t.Context(), gone, apikey.Actor{Name: "test"}))
	typo := all[:len(all)-1] + "-"
	for _, r := range routes() {
		check := func(what string, c call, want string, status int) {
			t.Helper()
			got := w.ask(c)
			if got.verdict() != want || got.Code != status {
				t.Errorf("%s, %s: status %d, %q; want %d, %q: %s", r.name, what, got.Code, got.verdict(), status, want, got.Body)
			}
			k.check(t, c, got)
			token, ticket := w.current(shop, "access_token").Value.Reveal(), w.current(shop, "jsapi").Value.Reveal()
			for _, secret := range []string{token, ticket, all, revoked} {
				if want != "" && strings.Contains(got.Body.String(), secret) {
					t.Errorf("%s, %s: the answer holds a secret", r.name, what)
				}
			}
		}
		missing := "key_missing"
		if r.tencent {
			missing = "41004"
			if strings.Contains(r.path, "access_token=") {
				missing = "41001"
			}
		}
		none := r
		none.path = strings.Replace(strings.Replace(r.path, "KEY@APP", "KEY", 1), "KEY", "", 1)
		check("no key", none.call("", r.app(), inside), missing, r.status(missing))
		for what, key := range map[string]string{"a revoked key": revoked, "a typo": typo, "half of a key": all[:20]} {
			check(what, r.call(key, r.app(), inside), r.refusal("key_invalid"), r.status(r.refusal("key_invalid")))
		}
		for name, value := range map[string]string{"Origin": "https://h5.example.com", "origin": "null", "Sec-Fetch-Site": "same-origin"} {
			c := r.call(all, r.app(), inside)
			c.headers = map[string]string{name: value}
			check("from a browser ("+name+")", c, r.refusal("browser_refused"), http.StatusForbidden)
		}
		if r.account == "" {
			check("unknown account", r.call(all, nobody, inside), r.refusal("account_unknown"), r.status(r.refusal("account_unknown")))
		}
		c := r.call(all, r.app(), inside)
		c.headers = map[string]string{"Sec-Fetch-Mode": "cors"} // Node's fetch
		check("from Node", c, "", http.StatusOK)
	}
	log, err := url.QueryUnescape(w.log.String())
	w.ok(err)
	token, ticket := w.current(shop, "access_token").Value.Reveal(), w.current(shop, "jsapi").Value.Reveal()
	for _, secret := range []string{all, revoked, typo[:30], token, ticket} {
		if strings.Contains(log, secret) {
			t.Error("the log holds a secret")
		}
	}
	if !strings.Contains(log, "path=/cgi-bin/token ") {
		t.Error("the log does not show the requests")
	}
}
