package router_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/signature"
)

// fields are the parameters of /jssdk/config.
type fields struct {
	URL     string `json:"url,omitempty"`
	AppID   string `json:"app_id,omitempty"`
	Profile string `json:"profile,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Exact   string `json:"exact,omitempty"`
}

func (f fields) target() string {
	target := configPath(f.URL, "")
	for _, p := range [][2]string{{"app_id", f.AppID}, {"profile", f.Profile}, {"kind", f.Kind}, {"exact", f.Exact}} {
		if p[1] != "" {
			target += "&" + p[0] + "=" + p[1]
		}
	}
	return target
}

func (f fields) body(t testing.TB) string {
	t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The contract's table, row by row, by GET and by POST.
func TestConfigErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fields fields
		status int
		code   string
		says   string // part of the message
	}{
		{"no url", fields{}, 400, "url_missing", "encodeURIComponent"},
		{"only a fragment", fields{URL: "#/route"}, 400, "url_missing", "encodeURIComponent"},
		{"relative", fields{URL: "/page"}, 400, "url_invalid", "absolute"},
		{"no host", fields{URL: "https://"}, 400, "url_invalid", "host"},
		{"javascript", fields{URL: "javascript:alert(1)"}, 400, "url_invalid", "absolute"},
		{"file", fields{URL: "file:///etc/passwd"}, 400, "url_invalid", "https or http"},
		{"userinfo", fields{URL: "https://h5.example.com@evil.example/"}, 400, "url_invalid", "user name"},
		{"backslash", fields{URL: `https://h5.example.com\@evil.example/`}, 400, "url_invalid", "backslash"},
		{"blank", fields{URL: "https://h5.example.com/a b"}, 400, "url_invalid", "unchanged"},
		{"line break", fields{URL: "https://h5.example.com/a\nb"}, 400, "url_invalid", "U+000A"},
		{"2049 bytes", fields{URL: pageOf(2049)}, 400, "url_too_long", "2049 bytes, at most 2048"},
		{"html escaped", fields{URL: "https://h5.example.com/?a=1&amp;b=2"}, 400, "url_escaped_html", "replace &amp; by &"},
		{"encoded twice, http", fields{URL: "http%3A%2F%2Fplain.example.com%2F"}, 400, "url_double_encoded", "once, not twice"},
		{"encoded twice, https, small letters", fields{URL: "https%3a%2f%2fh5.example.com%2f"}, 400, "url_double_encoded", "once"},
		{"encoded twice is no page, even exact", fields{URL: "https%3A%2F%2Fh5.example.com", Exact: "1"}, 400, "url_invalid", "absolute"},
		{"two accounts", fields{URL: "https://both.example.com/"}, 400, "account_ambiguous", "app_id="},
		{"host of nobody", fields{URL: "https://example.com/"}, 403, "domain_not_allowed", "https://example.com"},
		{"suffix trick", fields{URL: "https://evilh5.example.com/"}, 403, "domain_not_allowed", "domains"},
		{"prefix trick", fields{URL: "https://h5.example.com.evil.example/"}, 403, "domain_not_allowed", "evil.example"},
		{"apex of a wildcard", fields{URL: "https://shop.example.com/"}, 403, "domain_not_allowed", ""},
		{"another port", fields{URL: "https://h5.example.com:8443/"}, 403, "domain_not_allowed", ":8443"},
		{"default port where another is listed", fields{URL: "https://dev.example.com/"}, 403, "domain_not_allowed", ""},
		{"http without allow_http", fields{URL: "http://h5.example.com/"}, 403, "domain_not_allowed", "allow_http"},
		{"another path", fields{URL: "https://path.example.com/action"}, 403, "domain_not_allowed", ""},
		{"out of the path by dots", fields{URL: "https://path.example.com/act/%2e%2e/admin"}, 403, "domain_not_allowed", ""},
		{"domain of another account", fields{URL: "https://h5.example.com/", AppID: twinApp}, 403, "domain_not_allowed", ""},
		{"disabled", fields{URL: "https://off.example.com/", AppID: offApp}, 403, "account_disabled", "administrator"},
		{"disabled, found by domain", fields{URL: "https://off.example.com/"}, 403, "account_disabled", "administrator"},
		{"unknown account", fields{URL: "https://h5.example.com/", AppID: "wxnobody"}, 404, "account_unknown", "app_id"},
		{"account in capitals", fields{URL: "https://h5.example.com/", AppID: strings.ToUpper(shopApp)}, 404, "account_unknown", "lower case"},
		{"unknown profile", fields{URL: "https://h5.example.com/", Profile: "nope"}, 404, "profile_unknown", "profile"},
		{"only cards", fields{URL: "https://cards.example.com/"}, 404, "ticket_not_configured", "tickets"},
		{"kind of WeCom", fields{URL: "https://h5.example.com/", Kind: "agent_config"}, 404, "ticket_not_configured", "tickets"},
		{"no ticket yet", fields{URL: "https://empty.example.com/"}, 503, "ticket_not_ready", "Retry-After"},
		{"expired ticket", fields{URL: "https://stale.example.com/"}, 503, "ticket_not_ready", "Retry-After"},
	}
	s := newSite(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for method, w := range map[string]*httptest.ResponseRecorder{
				http.MethodGet:  s.ask(t, http.MethodGet, tt.fields.target(), ""),
				http.MethodPost: s.ask(t, http.MethodPost, "/jssdk/config", tt.fields.body(t)),
			} {
				p := checkProblem(t, w, tt.status, tt.code)
				if !strings.Contains(p.Message, tt.says) {
					t.Errorf("%s: message %q does not say %q", method, p.Message, tt.says)
				}
				for _, inside := range []string{"ticket-that-must-not-leak", "upstream text", "Secret name"} {
					if strings.Contains(p.Message, inside) {
						t.Errorf("%s: message %q holds %q", method, p.Message, inside)
					}
				}
				checkRetryAfter(t, w.Header().Get("Retry-After"), tt.status)
			}
		})
	}
}

// checkRetryAfter: with 503 it is the keeper's next try in whole seconds,
// rounded up; an error that waiting does not mend has none.
func checkRetryAfter(t testing.TB, header string, status int) {
	t.Helper()
	if status != http.StatusServiceUnavailable {
		if header != "" {
			t.Errorf("Retry-After %q with status %d", header, status)
		}
		return
	}
	seconds, err := strconv.Atoi(header)
	if most := int(nextTry.Seconds()); err != nil || seconds > most || seconds < most-120 {
		t.Errorf("Retry-After %q, want about %d", header, most)
	}
}

// pageOf is a legal page URL of exactly n bytes.
func pageOf(n int) string {
	const start = "https://h5.example.com/?q="
	return start + strings.Repeat("x", n-len(start))
}

func TestConfigSignsByteForByte(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, given, signed string }{
		{"plain", "https://h5.example.com/a", ""},
		{"host in capitals", "https://H5.Example.COM/a", ""},
		{"no path", "https://h5.example.com", ""},
		{"empty query", "https://h5.example.com/?", ""},
		{"default port written", "https://h5.example.com:443/", ""},
		{"listed port", "https://dev.example.com:8443/", ""},
		{"subdomains", "https://a.b.shop.example.com/", ""},
		{"path prefix", "https://path.example.com/act/1", ""},
		{"http where allowed", "http://127.0.0.1:8080/demo/share", ""},
		{"fragment", "https://h5.example.com/a?b=c#/route?x=1", "https://h5.example.com/a?b=c"},
		{"two fragments", "https://h5.example.com/#a#b", "https://h5.example.com/"},
		{"plus", "https://h5.example.com/?q=a+b", ""},
		{"escaped plus", "https://h5.example.com/?q=a%2Bb", ""},
		{"escapes stay", "https://h5.example.com/%e4%bd%A0?q=%20%2520", ""},
		{"Chinese", "https://h5.example.com/你好?名=值", ""},
		{"several parameters", "https://h5.example.com/?a=1&b=2&url=x&app_id=y", ""},
		{"what WeChat appends", "https://h5.example.com/?id=7&from=singlemessage&isappinstalled=0", ""},
		{"2048 bytes", pageOf(2048), ""},
		{"a page about pages", "https://h5.example.com/?next=https%3A%2F%2Fh5.example.com%2F", ""},
	}
	s := newSite(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			signed := tt.signed
			if signed == "" {
				signed = tt.given
			}
			checkSigned(t, s.ask(t, http.MethodGet, fields{URL: tt.given}.target(), ""), signed)
			checkSigned(t, s.ask(t, http.MethodPost, "/jssdk/config", fields{URL: tt.given}.body(t)), signed)
		})
	}
}

func TestConfigAnswerIsTheContracts(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	page := "https://h5.example.com/?a=1&b=<2>"
	page = strings.NewReplacer("<", "%3C", ">", "%3E").Replace(page)
	before := time.Now().Unix()
	w := s.ask(t, http.MethodGet, configPath(page, "&app_id="+shopApp+"&profile=tags"), "")
	c := checkSigned(t, w, page)
	if !bytes.Contains(w.Body.Bytes(), []byte(`"url":"`+page+`"`)) {
		t.Errorf("the url is not readable: %s", w.Body)
	}
	at, err := c.Timestamp.Int64() // json.Number would take a string, too
	if err != nil || at < before || at > time.Now().Unix() || bytes.Contains(w.Body.Bytes(), []byte(`"timestamp":"`)) {
		t.Errorf("timestamp %s is not a number of seconds now", c.Timestamp)
	}
	if len(c.NonceStr) < 16 || strings.Trim(c.NonceStr, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "" {
		t.Errorf("nonceStr %q", c.NonceStr)
	}
	if c.AppID != shopApp || string(c.JSAPIList) != `["scanQRCode"]` || string(c.OpenTagList) != `["wx-open-launch-weapp"]` ||
		c.Debug == nil || !*c.Debug {
		t.Errorf("answer %s", w.Body)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if again := checkSigned(t, s.ask(t, http.MethodGet, configPath(page, "&app_id="+shopApp), ""), page); again.NonceStr == c.NonceStr {
		t.Error("the nonceStr came twice")
	}
}

// The per-account limit is asked with the account that was found, and only for
// requests that would have been signed.
func TestConfigPerAccountLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, checkPerAccountLimit) // a second between two requests would grant one more
}

func checkPerAccountLimit(t *testing.T) {
	t.Helper()
	s := newSite(t, func(o *router.Options) {
		table := newTable(t)
		signer, err := signature.New(signature.Options{Accounts: table})
		if err != nil {
			t.Fatal(err)
		}
		o.JSSDK = handler.NewJSSDK(signer, router.NewLimiter(1, 2))
	})
	ask := func(page string) int {
		w := s.ask(t, http.MethodGet, configPath(page, ""), "")
		if w.Code == http.StatusTooManyRequests {
			checkProblem(t, w, 429, "too_many_requests")
			if w.Header().Get("Retry-After") != "1" {
				t.Errorf("Retry-After %q, want 1", w.Header().Get("Retry-After"))
			}
		}
		return w.Code
	}
	for i, want := range []int{200, 200, 429} {
		ask("https://h5.example.com.evil.example/") // refused, so not counted
		if got := ask("https://h5.example.com/"); got != want {
			t.Errorf("request %d: status %d, want %d", i+1, got, want)
		}
	}
	if got := ask("http://plain.example.com/"); got != http.StatusOK {
		t.Errorf("another account: status %d", got)
	}
}
