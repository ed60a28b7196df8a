package simulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/simulator"
)

func TestMaintenanceEndpoints(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := "?access_token=" + w.stable(false).AccessToken
	for name, row := range map[string]struct {
		got  answer
		want string
	}{
		"getcallbackip":     {w.get("/cgi-bin/getcallbackip" + token), `{"ip_list":["106.55.206.146","106.55.206.211"]}`},
		"get_api_domain_ip": {w.get("/cgi-bin/get_api_domain_ip" + token), `{"ip_list":["101.89.47.18","101.91.34.103"]}`},
		"clear_quota":       {w.post("/cgi-bin/clear_quota"+token, `{"appid":"`+appID+`"}`), `{"errcode":0,"errmsg":"ok"}`},
	} {
		if row.got.raw != row.want {
			t.Errorf("%s: %s", name, row.got.raw)
		}
	}
}

func TestMaintenanceErrors(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := "?access_token=" + w.stable(false).AccessToken
	const check, reset, v2 = "/cgi-bin/callback/check", "/cgi-bin/clear_quota", "/cgi-bin/clear_quota/v2"
	const quota, rid = "/cgi-bin/openapi/quota/get", "/cgi-bin/openapi/rid/get"
	for _, row := range []struct {
		name    string
		got     answer
		errcode int
	}{
		{"no token", w.get("/cgi-bin/getcallbackip"), 41001},
		{"fake token", w.get("/cgi-bin/getcallbackip?access_token=x"), 40001},
		{"GET", w.get(check + token), 43002},
		{"check: empty", w.post(check+token, ""), 44002},
		{"check: no JSON", w.post(check+token, "x"), 47001},
		{"check: action", w.post(check+token, `{"action":"x","check_operator":"CAP"}`), 40202},
		{"check: operator", w.post(check+token, `{"action":"all","check_operator":"x"}`), 40203},
		{"check: no callback URL", w.post(check+token, `{"action":"all","check_operator":"CAP"}`), 40201},
		{"clear_quota: another account", w.post(reset+token, `{"appid":"`+other+`"}`), 40013},
		{"clear_quota: no token", w.post(reset, `{"appid":"`+appID+`"}`), 41001},
		{"v2: nothing", w.post(v2, ""), 41002},
		{"v2: unknown", w.post(v2, `{"appid":"wxnone"}`), 40013},
		{"v2: no secret", w.post(v2, `{"appid":"`+appID+`"}`), 41004},
		{"v2: wrong secret", w.post(v2, `{"appid":"`+appID+`","appsecret":"x"}`), 40125},
		{"v2: body", w.post(v2, `{"appid":"`+appID+`","appsecret":"`+appKey+`"}`), 0},
		{"v2: query", w.post(v2+"?appid="+appID+"&appsecret="+appKey, ""), 0},
		{"quota: without slash", w.post(quota+token, `{"cgi_path":"cgi-bin/token"}`), 76003},
		{"quota: sns", w.post(quota+token, `{"cgi_path":"/sns/auth"}`), 76022},
		{"quota: unknown", w.post(quota+token, `{"cgi_path":"/x"}`), 76021},
		{"quota/clear: empty", w.post("/cgi-bin/openapi/quota/clear"+token, ""), 44002},
		{"quota/clear: unknown", w.post("/cgi-bin/openapi/quota/clear"+token, `{"cgi_path":"/x"}`), 76021},
		{"rid: wrong form", w.post(rid+token, `{"rid":"x"}`), 76002},
		{"rid: too old", w.post(rid+token, `{"rid":"61725984-6126f6f9-040f19c4"}`), 76004},
		{"rid: of the future", w.post(rid+token, `{"rid":"f1725984-6126f6f9-040f19c4"}`), 76004},
		{"beyond cgi-bin", w.get("/x" + token), 40066},
		{"jscode2session: no appid", w.get("/sns/jscode2session"), 41002},
		{"jscode2session: wrong secret", w.get("/sns/jscode2session?secret=x&appid=" + appID), 40125},
		{"jscode2session: no code", w.get("/sns/jscode2session?appid=" + appID + "&secret=" + appKey), 41008},
		{"jscode2session", w.get("/sns/jscode2session?appid=" + appID + "&js_code=c&secret=" + appKey), 0},
		{"refresh_token", w.get("/sns/oauth2/refresh_token?appid=" + appID), 0},
		{"userinfo: no token", w.get("/sns/userinfo"), 41001},
		{"userinfo", w.get("/sns/userinfo?access_token=a_user's"), 0},
	} {
		w.want(row.name, row.got, row.errcode)
	}
}

func TestCallbackCheck(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.Accounts[0].CallbackURL = "https://h5.example.com/push" })
	target := "/cgi-bin/callback/check?access_token=" + w.stable(false).AccessToken
	for action, want := range map[string]string{
		"all": `{"dns":[{"ip":"111.161.64.40","real_operator":"UNICOM"}],` +
			`"ping":[{"ip":"111.161.64.40","from_operator":"UNICOM","package_loss":"0%","time":"23.079ms"}]}`,
		"dns":  `{"dns":[{"ip":"111.161.64.40","real_operator":"UNICOM"}]}`,
		"ping": `{"ping":[{"ip":"111.161.64.40","from_operator":"UNICOM","package_loss":"0%","time":"23.079ms"}]}`,
	} {
		if a := w.post(target, `{"action":"`+action+`","check_operator":"DEFAULT"}`); a.raw != want {
			t.Errorf("%s: %s", action, a.raw)
		}
	}
}

func TestClearQuotaRestoresTheDay(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.Limits.TokenDay, o.Limits.ForceDay = 1, 1 })
	token := w.classic().AccessToken
	w.want("used up", w.classic(), 45009)
	w.stable(true)
	w.steer("/_sim/clock", object{"advance": "1m"})
	w.want("forces used up", w.stable(true), 45009)
	for i := range 10 {
		w.want(fmt.Sprint("reset ", i+1), w.post("/cgi-bin/clear_quota?access_token="+token, `{"appid":"`+appID+`"}`), 0)
	}
	w.want("restored", w.stable(true), 0)
	token = w.want("restored", w.classic(), 0).AccessToken
	w.want("reset 11", w.post("/cgi-bin/clear_quota?access_token="+token, `{"appid":"`+appID+`"}`), 48006)
	w.want("v2 shares the count", w.post("/cgi-bin/clear_quota/v2", `{"appid":"`+appID+`","appsecret":"`+appKey+`"}`), 48006)
	w.want("one path", w.post("/cgi-bin/openapi/quota/clear?access_token="+token, `{"cgi_path":"/cgi-bin/token"}`), 0)
	w.want("restored again", w.classic(), 0)
	w.steer("/_sim/clock", object{"advance": "744h"})
	w.want("next month", w.post("/cgi-bin/clear_quota/v2", `{"appid":"`+appID+`","appsecret":"`+appKey+`"}`), 0)
}

func TestQuotaGetCounts(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := "?access_token=" + w.stable(false).AccessToken
	for range 3 {
		w.post("/cgi-bin/message/custom/send"+token, `{"touser":"o","msgtype":"image"}`)
	}
	a := w.post("/cgi-bin/openapi/quota/get"+token, `{"cgi_path":"/cgi-bin/message/custom/send"}`)
	wantContains(t, a.raw, `{"errcode":0,"errmsg":"ok","quota":{"daily_limit":0,"used":3,"remain":0},"rate_limit":{"call_count":`)
}

func TestRIDGet(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	failed := w.post("/cgi-bin/openapi/quota/get?access_token="+token, `{"cgi_path":"/x"}`)
	_, rid, _ := strings.Cut(failed.Errmsg, "rid: ")
	a := w.want("rid/get", w.post("/cgi-bin/openapi/rid/get?access_token="+token, `{"rid":"`+rid+`"}`), 0)
	var body struct {
		Request struct {
			URL      string `json:"request_url"`
			Body     string `json:"request_body"`
			Response string `json:"response_body"`
			IP       string `json:"client_ip"`
		}
	}
	if err := json.Unmarshal([]byte(a.raw), &body); err != nil {
		t.Fatal(err)
	}
	r := body.Request
	if r.URL != "access_token="+token[:7]+"xxxx" || r.Body != `{"cgi_path":"/x"}` || r.Response != failed.raw || r.IP != "127.0.0.1" {
		t.Errorf("%+v", r)
	}
	foreign := w.get("/cgi-bin/token?grant_type=client_credential&appid=" + other + "&secret=another+secret").AccessToken
	w.want("another account", w.post("/cgi-bin/openapi/rid/get?access_token="+foreign, `{"rid":"`+rid+`"}`), 76003)
	w.want("unknown", w.post("/cgi-bin/openapi/rid/get?access_token="+token, `{"rid":"`+rid[:9]+`00000000-00000000"}`), 76001)
	w.steer("/_sim/clock", object{"advance": "169h"})
	token = w.stable(false).AccessToken
	w.want("after 7 days", w.post("/cgi-bin/openapi/rid/get?access_token="+token, `{"rid":"`+rid+`"}`), 76004)
}

func TestRIDNeverTellsASecret(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	for _, failed := range []answer{
		w.post("/cgi-bin/stable_token", `{"grant_type":"x","appid":"`+appID+`","secret":"`+appKey+`"}`),
		w.get("/cgi-bin/token?grant_type=x&appid=" + appID + "&secret=" + appKey),
	} {
		_, rid, _ := strings.Cut(w.want("wrong grant", failed, 40002).Errmsg, "rid: ")
		a := w.want("rid/get", w.post("/cgi-bin/openapi/rid/get?access_token="+token, `{"rid":"`+rid+`"}`), 0)
		if strings.Contains(a.raw, appKey) || !strings.Contains(a.raw, "xxxx") {
			t.Errorf("%s", a.raw)
		}
	}
}

func TestEchoForRelays(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	body := strings.Repeat("中文\x00", 500_000) // more than the part that is kept
	a := w.send("PUT", "/cgi-bin/material/add_material?type=image&access_token="+url.QueryEscape(token), "image/png", body)
	var got struct {
		Errcode int
		Errmsg  string
		Echo    struct {
			Method, Path string
			Query        url.Values
			ContentType  string `json:"content_type"`
			Length       int    `json:"body_length"`
			SHA256       string `json:"body_sha256"`
		}
	}
	if err := json.Unmarshal([]byte(a.raw), &got); err != nil {
		t.Fatal(err)
	}
	e := got.Echo
	if got.Errmsg != "ok" || e.Method != http.MethodPut || e.Path != "/cgi-bin/material/add_material" || e.Query.Encode() != "type=image" ||
		e.ContentType != "image/png" || e.Length != len(body) || e.SHA256 != sha256Of(body) {
		t.Errorf("%s", a.raw)
	}
	w.want("no token", w.post("/cgi-bin/material/add_material", "x"), 41001)
	w.want("fake token", w.post("/cgi-bin/material/add_material?access_token=x", "x"), 40001)
}
