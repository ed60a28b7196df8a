package simulator_test

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

func sha1Of(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// The algorithm that the verify tests use is the documented one: it gives the
// signature of the JS-SDK page's own example.
func TestOfficialVector(t *testing.T) {
	t.Parallel()
	got := sign("sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
		"Wm3WZYTPz0wzccnW", "1414587457", "http://mp.weixin.qq.com?params=value")
	if got != "0f9de62fce790f9a083d5c99e95740ceb90c27ed" {
		t.Fatal(got)
	}
}

func TestVerifyDomains(t *testing.T) {
	t.Parallel()
	const domain = "invalid url domain"
	for name, w := range map[string]world{
		"ports 80 and 443": onLoopback(t),
		"any port":         onLoopback(t, func(o *simulator.Options) { o.AnyPort = true }),
	} {
		ticket := w.ticket(w.stable(false).AccessToken, "jsapi").Ticket
		otherPort := domain
		if name == "any port" {
			otherPort = "ok"
		}
		for page, want := range map[string]string{
			"https://h5.example.com/":                      "ok",
			"https://h5.example.com":                       "ok",
			"http://h5.example.com/a?b=1":                  "ok",
			"https://H5.Example.COM/a":                     "ok",
			"https://deep.sub.h5.example.com/a":            "ok",
			"https://h5.example.com:443/a":                 "ok",
			"http://h5.example.com:80/a":                   "ok",
			"https://h5.example.com/%E5%88%86?x=%E4%B8%AD": "ok",
			"https://h5.example.com/a+b?c+d":               "ok",
			"https://h5.example.com:8443/a":                otherPort,
			"http://h5.example.com:8080/a":                 otherPort,
			"https://example.com/":                         domain,
			"https://xh5.example.com/":                     domain,
			"https://h5.example.com.evil.net/":             domain,
			"https://evil.net/h5.example.com":              domain,
			"https://h5.example.com@evil.net/":             domain,
			"https://other.example.net/":                   domain,
			"https://shop.example.org/mall":                "ok",
			"https://shop.example.org/mall/":               "ok",
			"https://shop.example.org/mall?x=1":            "ok",
			"https://shop.example.org/mall/a/b":            "ok",
			"https://www.shop.example.org/mall/a":          "ok",
			"https://shop.example.org/mallx":               domain,
			"https://shop.example.org/":                    domain,
			"https://shop.example.org/a/mall":              domain,
			"ftp://h5.example.com/":                        domain,
			"h5.example.com/a":                             domain,
			"weixin://h5.example.com/":                     domain,
			"https://h5.example.com/bad%zzescape":          domain,
		} {
			v := w.verify(appID, ticket, page, page)
			if v.Msg != want || v.OK != (want == "ok") {
				t.Errorf("%s: %s: %+v, want %s", name, page, v, want)
			}
			if v.OK && v.URL != page || !v.OK && v.Why == "" {
				t.Errorf("%s: %s: %+v", name, page, v)
			}
		}
	}
}

// The demo runs on one machine: IP literals are domains here, unlike in the console.
func TestVerifyDemoPage(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) {
		o.AnyPort, o.Accounts[0].Domains = true, []string{"127.0.0.1", "localhost"}
	})
	ticket := w.ticket(w.stable(false).AccessToken, "jsapi").Ticket
	for page, ok := range map[string]bool{
		"http://127.0.0.1:8080/demo/share": true, "http://localhost:8080/demo/share?client=ios": true, "http://127.0.0.2:8080/": false,
	} {
		if v := w.verify(appID, ticket, page, page); v.OK != ok {
			t.Errorf("%s: %+v", page, v)
		}
	}
}

func TestVerifyCandidates(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	ticket := w.ticket(w.stable(false).AccessToken, "jsapi").Ticket
	landing, current := "https://h5.example.com/a", "https://h5.example.com/b"
	for name, row := range map[string]struct {
		signed, msg, url string
		asked            []string
	}{
		"iOS, landing signed":         {landing, "ok", landing, []string{landing}},
		"iOS, current signed":         {current, "invalid signature", "", []string{landing}},
		"Android, landing signed":     {landing, "ok", landing, []string{landing, current}},
		"Android, current signed":     {current, "ok", current, []string{landing, current}},
		"fragment is cut":             {landing, "ok", landing, []string{landing + "#/home#x"}},
		"signed one is off domain":    {"https://evil.net/", "invalid signature", "", []string{landing, "https://evil.net/"}},
		"neither is on domain":        {landing, "invalid url domain", "", []string{"https://evil.net/", "https://evil.org/"}},
		"another client's exact page": {landing + "?x=1", "invalid signature", "", []string{landing}},
	} {
		if v := w.verify(appID, ticket, row.signed, row.asked...); v.Msg != row.msg || v.URL != row.url {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestVerifySignatureFirst(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.SignatureFirst = true })
	ticket := w.ticket(w.stable(false).AccessToken, "jsapi").Ticket
	off := "https://evil.net/"
	if v := w.verify(appID, ticket, off, off); v.Msg != "invalid url domain" {
		t.Errorf("right signature, wrong domain: %+v", v)
	}
	if v := w.verify(appID, "wrong", off, off); v.Msg != "invalid signature" {
		t.Errorf("both wrong: %+v", v)
	}
	if v := onLoopback(t).verify(appID, "wrong", off, off); v.Msg != "invalid url domain" {
		t.Errorf("both wrong, domain first: %+v", v)
	}
}

func TestVerifyMaxAge(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) {
		o.SignatureMaxAge = time.Hour
		o.Now = func() time.Time { return time.Unix(1414587457, 0).Add(time.Hour) }
	})
	ticket := w.ticket(w.stable(false).AccessToken, "jsapi").Ticket
	w.wantSigns(ticket, true)
	w.steer("/_sim/clock", object{"advance": "1s"})
	w.wantSigns(ticket, false)
}

// Why is honest: each mistake is found by making it.
func TestVerifyExplains(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	dead := w.ticket(token, "jsapi").Ticket
	w.steer("/_sim/revoke", object{"app_id": appID, "what": "ticket", "kind": "jsapi"})
	live, card := w.ticket(token, "jsapi").Ticket, w.ticket(token, "wx_card").Ticket
	foreignToken := w.get("/cgi-bin/token?grant_type=client_credential&appid=" + other + "&secret=another+secret").AccessToken
	foreign := w.ticket(foreignToken, "jsapi").Ticket
	head := "jsapi_ticket=" + live
	const page, nonce, ts = "https://h5.example.com/a?b=%E4%B8%AD&c=1", "n0nce", "1414587457"
	for name, row := range map[string]struct{ signature, ts, page, why string }{
		"revoked ticket":      {sign(dead, nonce, ts, page), ts, page, "(revoked)"},
		"card ticket":         {sign(card, nonce, ts, page), ts, page, "wx_card ticket"},
		"foreign ticket":      {sign(foreign, nonce, ts, page), ts, page, "another account, " + other},
		"token":               {sign(token, nonce, ts, page), ts, page, "access_token in place"},
		"milliseconds asked":  {sign(live, nonce, ts, page), ts + "123", page, "was given milliseconds"},
		"milliseconds signed": {sign(live, nonce, ts+"000", page), ts, page, "timestamp in milliseconds"},
		"html escape":         {sign(live, nonce, ts, strings.Replace(page, "&", "&amp;", 1)), ts, page, "&amp;"},
		"encoded":             {sign(live, nonce, ts, url.QueryEscape(page)), ts, page, "percent-encoded"},
		"decoded":             {sign(live, nonce, ts, "https://h5.example.com/a?b=中&c=1"), ts, page, "percent-decoded"},
		"without query":       {sign(live, nonce, ts, "https://h5.example.com/a"), ts, page, "without its query"},
		"root":                {sign(live, nonce, ts, "https://h5.example.com/"), ts, page, "the site's root"},
		"other scheme":        {sign(live, nonce, ts, strings.Replace(page, "https", "http", 1)), ts, page, "http in place of https"},
		"with fragment":       {sign(live, nonce, ts, page+"#x"), ts, page + "#x", "#fragment"},
		"shared link":         {sign(live, nonce, ts, page), ts, page + "&from=singlemessage&isappinstalled=0", "appends on sharing"},
		"nonceStr":            {sha1Of(head + "&nonceStr=" + nonce + "&timestamp=" + ts + "&url=" + page), ts, page, `"noncestr"`},
		"other order":         {sha1Of(head + "&timestamp=" + ts + "&noncestr=" + nonce + "&url=" + page), ts, page, "another order"},
		"upper case":          {strings.ToUpper(sign(live, nonce, ts, page)), ts, page, "lower-case"},
		"not SHA-1":           {"abc", ts, page, "3 characters"},
		"not hex":             {strings.Repeat("z", 40), ts, page, "40 hex digits"},
		"something else":      {sign(live, "other nonce", ts, page), ts, page, "no ticket that the simulator remembers"},
	} {
		var v verdict
		w.Control(t, "POST", "/_sim/verify", object{
			"appid": appID, "noncestr": nonce, "timestamp": row.ts, "signature": row.signature, "urls": []string{row.page},
		}, &v)
		if v.OK || v.Msg != "invalid signature" || !strings.Contains(v.Why, row.why) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestVerifyWithoutAnyTicket(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	page := "https://h5.example.com/"
	if v := w.verify(appID, "x", page, page); v.Msg != "invalid signature" || !strings.Contains(v.Why, "no live jsapi ticket") {
		t.Errorf("%+v", v)
	}
	if v := w.verify("wxnone", "x", page, page); v.Msg != "invalid appid" {
		t.Errorf("%+v", v)
	}
}

func TestVerifyBody(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	ticket := w.ticket(w.stable(false).AccessToken, "jsapi").Ticket
	signature := sign(ticket, "n", "1", "https://h5.example.com/")
	whole := `{"appid":"` + appID + `","noncestr":"n","timestamp":1,"signature":"` + signature +
		`","urls":["https://h5.example.com/"],"jsApiList":["x"]}`
	for name, row := range map[string]struct {
		body   string
		status int
		msg    string
	}{
		"number timestamp, more fields": {whole, 200, "ok"},
		"string timestamp":              {strings.Replace(whole, `:1,`, `:"1",`, 1), 200, "ok"},
		"no nonce":                      {strings.Replace(whole, `"n"`, `""`, 1), 200, "fail"},
		"undefined timestamp":           {strings.Replace(whole, `:1,`, `:"undefined",`, 1), 200, "fail"},
		"no urls":                       {strings.Replace(whole, `["https://h5.example.com/"]`, `[]`, 1), 200, "fail"},
		"too many urls":                 {strings.Replace(whole, `[`, `["a","b","c","d","e","f","g","h",`, 1), 200, "fail"},
		"object":                        {"{}", 200, "fail"},
		"timestamp of a wrong type":     {strings.Replace(whole, `:1,`, `:[1],`, 1), 400, ""},
		"no JSON":                       {"hello", 400, ""},
		"two values":                    {whole + whole, 400, ""},
		"too large":                     {strings.Repeat(" ", 70<<10) + whole, 400, ""},
	} {
		a := w.post("/_sim/verify", row.body)
		var v verdict
		_ = json.Unmarshal([]byte(a.raw), &v)
		if a.status != row.status || v.Msg != row.msg {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
}

func TestVerifyHandlerAlone(t *testing.T) {
	t.Parallel()
	sim, err := simulator.New(options())
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		method, body string
		status       int
	}{{"POST", "{}", 200}, {"GET", "", 405}} {
		recorder := httptest.NewRecorder() // its requests come from 192.0.2.1
		sim.VerifyHandler().ServeHTTP(recorder, httptest.NewRequest(row.method, "/demo/sim/verify", strings.NewReader(row.body)))
		if recorder.Code != row.status {
			t.Errorf("%s: %d %s", row.method, recorder.Code, recorder.Body)
		}
	}
	recorder := httptest.NewRecorder()
	sim.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/_sim/verify", strings.NewReader("{}")))
	if recorder.Code != http.StatusOK {
		t.Errorf("/_sim/verify from a phone: %d", recorder.Code)
	}
}

func FuzzVerify(f *testing.F) {
	sim, err := simulator.New(options())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"timestamp":1e9}`, `{"urls":null}`, `{"timestamp":null}`,
		`{"appid":"` + appID + `","noncestr":"n","timestamp":"1",
			"signature":"0f9de62fce790f9a083d5c99e95740ceb90c27ed","urls":["https://h5.example.com/#"]}`,
		`{"appid":"` + appID + `","noncestr":"n","timestamp":1,"signature":"x",
			"urls":["%zz","http://[::1","//","https://h5.example.com:x/?&&from="]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		recorder := httptest.NewRecorder()
		sim.VerifyHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body)))
		var v struct {
			verdict
			Error string
		}
		raw, _ := io.ReadAll(recorder.Body)
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%d %q: %v", recorder.Code, raw, err)
		}
		switch {
		case recorder.Code == http.StatusBadRequest && v.Error != "":
		case recorder.Code == http.StatusOK && !v.OK && v.Msg != "" && v.Why != "": // no ticket exists: nothing is ever right
		default:
			t.Fatalf("%d %s", recorder.Code, raw)
		}
	})
}
