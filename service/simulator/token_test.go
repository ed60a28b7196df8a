package simulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/simulator"
)

func TestTokenBodiesAreExact(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	form := regexp.MustCompile(`^\{"access_token":"\d+_[0-9A-Za-z_-]{133,157}","expires_in":7200\}$`)
	for name, a := range map[string]answer{"classic": w.classic(), "stable": w.stable(false)} {
		if !form.MatchString(a.raw) {
			t.Errorf("%s: body %s", name, a.raw)
		}
		if got := a.header.Get("Content-Type"); got != "application/json; encoding=utf-8" {
			t.Errorf("%s: Content-Type %q", name, got)
		}
		if n := len(a.AccessToken); n < 136 || n > 160 {
			t.Errorf("%s: token of %d characters", name, n)
		}
	}
}

func TestErrorBodyHasRIDOfNow(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.Now = nil })
	for target, head := range map[string]string{
		"/cgi-bin/token?appid=wxnone":      "invalid appid rid: ",
		"/sns/jscode2session?appid=wxnone": "invalid appid, rid: ",
		"/cgi-bin/getcallbackip?access_token=x": "invalid credential, access_token is invalid or not latest" +
			", could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r rid: ",
		"/no/such/path": "invalid url rid: ",
		"/sns/oauth2/access_token?appid=" + appID: "appsecret missing, rid: ",
	} {
		a := w.get(target)
		rid, found := strings.CutPrefix(a.Errmsg, head)
		if !found || !ridPattern.MatchString(rid) || a.status != http.StatusOK {
			t.Errorf("%s: status %d, body %s", target, a.status, a.raw)
			continue
		}
		seconds, _ := strconv.ParseInt(rid[:8], 16, 64)
		if age := time.Since(time.Unix(seconds, 0)); age < -time.Second || age > time.Minute {
			t.Errorf("%s: rid says %s ago", target, age)
		}
		if want := fmt.Sprintf(`{"errcode":%d,"errmsg":"%s"}`, a.Errcode, a.Errmsg); a.raw != want {
			t.Errorf("%s: %s", target, cmp.Diff(want, a.raw))
		}
	}
}

// Each step mends what the step before was refused for.
func TestTokenValidationOrder(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) {
		o.Accounts[0].AllowedIPs = []string{"203.0.113.7", "198.51.100.0/24"}
		o.Accounts[0].TokenErrcode = 50007
		o.Limits.TokenMinute, o.Limits.StableMinute = 1, 1
		o.Limits.TokenDay, o.Limits.StableDay = 2, 2
	})
	open := func() { w.steer("/_sim/account", object{"app_id": appID, "allowed_ips": []string{"127.0.0.0/8"}}) }
	healthy := func() { w.steer("/_sim/account", object{"app_id": appID, "token_errcode": 0}) }
	nextMinute := func() { w.steer("/_sim/clock", object{"advance": "1m"}) }
	nothing := func() {}
	right := []string{"client_credential", appID, appKey}
	steps := []struct {
		name    string
		before  func()
		sent    []string // grant_type, appid, secret
		errcode int
	}{
		{"no parameter", nothing, []string{"", "", ""}, 41002},
		{"unknown appid, no grant_type", nothing, []string{"", "wxnone", ""}, 40013},
		{"appid in the wrong case", nothing, []string{"client_credential", strings.ToUpper(appID), appKey}, 40013},
		{"IP not listed, empty secret", nothing, []string{"wrong", appID, ""}, 40164},
		{"empty secret", open, []string{"wrong", appID, ""}, 41004},
		{"wrong grant_type and secret", nothing, []string{"wrong", appID, "wrong"}, 40002},
		{"wrong secret", nothing, []string{"client_credential", appID, "wrong"}, 40125},
		{"secret of another account", nothing, []string{"client_credential", appID, "another secret"}, 40125},
		{"frozen account", nothing, right, 50007},
		{"first of the minute", healthy, right, 0},
		{"minute limit", nothing, right, 45011},
		{"second of the day", nextMinute, right, 0},
		{"day limit", nextMinute, right, 45009},
	}
	for _, endpoint := range []string{"classic", "stable"} {
		w.steer("/_sim/account", object{"app_id": appID, "allowed_ips": []string{"203.0.113.7"}, "token_errcode": 50007})
		for _, step := range steps {
			step.before()
			var a answer
			if endpoint == "classic" {
				a = w.get("/cgi-bin/token?" + url.Values{
					"grant_type": step.sent[:1], "appid": step.sent[1:2], "secret": step.sent[2:],
				}.Encode())
			} else {
				a = w.post("/cgi-bin/stable_token", fmt.Sprintf(`{"grant_type":%q,"appid":%q,"secret":%q}`, step.sent[0], step.sent[1], step.sent[2]))
			}
			w.want(endpoint+": "+step.name, a, step.errcode)
		}
	}
}

func TestEveryTokenErrcodeOfAnAccount(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	for code, text := range map[int]string{
		40243: "AppSecret已被冻结", 50004: "user not allow to use accesstoken, maybe for punishment", 50007: "账号已冻结",
		61024: "must use api(api_component_token) to get token for component acct",
		89501: "waiting", 89502: "waiting", 89503: "admin's confirmation", 89504: "waiting", 89505: "waiting",
		89506: "refused this ip twice", 89507: "refused this ip",
	} {
		w.steer("/_sim/account", object{"app_id": appID, "token_errcode": code})
		for name, a := range map[string]answer{"classic": w.classic(), "stable": w.stable(false)} {
			if w.want(name, a, code); !strings.Contains(a.Errmsg, text) {
				t.Errorf("%s %d: errmsg %q", name, code, a.Errmsg)
			}
		}
	}
}

func TestStableTokenBody(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	target := "/cgi-bin/stable_token"
	form := "grant_type=client_credential&appid=" + appID + "&secret=" + appKey
	whole := `{"grant_type":"client_credential","appid":"` + appID + `","secret":"` + appKey + `"}`
	for _, row := range []struct {
		name, method, contentType, body string
		errcode                         int
	}{
		{"GET", "GET", "", "", 43002},
		{"GET with all in the query", "GET", "", "", 43002},
		{"empty", "POST", "application/json", "", 44002},
		{"no JSON", "POST", "application/json", "hello", 47001},
		{"cut JSON", "POST", "application/json", `{"appid":"` + appID, 47001},
		{"JSON of a wrong type", "POST", "application/json", `{"appid":1}`, 47001},
		{"form", "POST", "application/x-www-form-urlencoded", form, 41002},
		{"array", "POST", "application/json", "[]", 47001},
		{"appId is not read", "POST", "application/json", strings.Replace(whole, "appid", "appId", 1), 41002},
		{"appsecret is not read", "POST", "application/json", strings.Replace(whole, `"secret`, `"appsecret`, 1), 41004},
		{"empty object", "POST", "application/json", "{}", 41002},
		{"JSON with curl's content type", "POST", "application/x-www-form-urlencoded", whole, 0},
	} {
		w.want(row.name, w.send(row.method, target, row.contentType, row.body), row.errcode)
	}
	w.want("parameters in the query are not read", w.post(target+"?"+form, "{}"), 41002)
}

func TestTokenParameterNamesAreExact(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	w.want("appId", w.get(strings.Replace(classicTarget, "appid=", "appId=", 1)), 41002)
	w.want("appsecret", w.get(strings.Replace(classicTarget, "secret=", "appsecret=", 1)), 41004)
	w.want("no grant_type", w.get(strings.Replace(classicTarget, "grant_type=", "x=", 1)), 40002)
	w.want("in a form", w.send("POST", "/cgi-bin/token", "application/x-www-form-urlencoded", classicTarget[len("/cgi-bin/token?"):]), 41002)
}

func TestIPListNamesTheCaller(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.Accounts[0].AllowedIPs = []string{"203.0.113.7"} })
	a := w.want("token", w.classic(), 40164)
	if want := "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: "; !strings.HasPrefix(a.Errmsg, want) {
		t.Errorf("errmsg %q", a.Errmsg)
	}
	token := func() string {
		w.steer("/_sim/account", object{"app_id": appID, "allowed_ips": []string{}})
		token := w.want("token", w.stable(false), 0).AccessToken
		w.steer("/_sim/account", object{"app_id": appID, "allowed_ips": []string{"203.0.113.7"}})
		return token
	}()
	w.want("getticket too", w.ticket(token, "jsapi"), 40164)
	w.wantProbe("every call", token, 40164)
	w.steer("/_sim/account", object{"app_id": appID, "allowed_ips": []string{"::ffff:127.0.0.1"}})
	w.want("an address listed in its ipv6 form", w.ticket(token, "jsapi"), 0)
}

func TestIPListForTokensOnly(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.IPListTokenOnly = true })
	token := w.stable(false).AccessToken
	w.steer("/_sim/account", object{"app_id": appID, "allowed_ips": []string{"203.0.113.7"}})
	w.want("getticket", w.ticket(token, "jsapi"), 0)
	w.want("token", w.classic(), 40164)
}
