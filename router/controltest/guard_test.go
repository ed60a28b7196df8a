package controltest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/apikey"
)

// X-Forwarded-For is the client's own word unless a trusted proxy sent it.
func TestAddressBehindProxies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{proxies: []string{"172.16.0.0/12"}})
	_, key := w.key("token", shop, "10.0.0.0/8")
	const proxy = "172.16.0.1"
	for _, tt := range []struct {
		name, from, forwarded, want string
	}{
		{"direct", inside, "", ""},
		{"direct, from elsewhere", outside, "", "address_not_allowed"},
		{"a stranger's word", outside, inside, "address_not_allowed"},
		{"a caller's own word does not harm", inside, outside, ""},
		{"the proxy's word", proxy, inside, ""},
		{"the proxy's word of elsewhere", proxy, outside, "address_not_allowed"},
		{"a client that lies to the proxy", proxy, inside + ", " + outside, "address_not_allowed"},
		{"two proxies", proxy, inside + ", 172.16.0.2", ""},
		{"the proxy says nothing", proxy, "", "address_not_allowed"},
		{"the proxy says nonsense", proxy, "unknown", "address_not_allowed"},
		{"the proxy writes a port", proxy, inside + ":4711", ""},
		{"the proxy writes a port, of elsewhere", proxy, inside + ", " + outside + ":4711", "address_not_allowed"},
	} {
		c := call{path: shopToken, key: key, from: tt.from}
		if tt.forwarded != "" {
			c.headers = map[string]string{"X-Forwarded-For": tt.forwarded}
		}
		if r := w.ask(c); r.verdict() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, r.verdict(), tt.want)
		}
		c.headers = map[string]string{"X-Real-IP": inside, "Forwarded": "for=" + inside, "True-Client-IP": inside}
		if r := w.ask(c); tt.from != inside && r.verdict() != "address_not_allowed" {
			t.Errorf("%s: another header is believed", tt.name)
		}
	}
	// Regression: the key of a network that holds the proxy let everybody in whose
	// address the proxy did not tell.
	_, wide := w.key("token", shop, "10.0.0.0/8", "172.16.0.0/12")
	for forwarded, want := range map[string]string{"unknown": "address_not_allowed", "": "address_not_allowed", inside: "", "172.16.0.9": ""} {
		r := w.ask(call{path: shopToken, key: wide, from: proxy, headers: map[string]string{"X-Forwarded-For": forwarded}})
		if r.verdict() != want {
			t.Errorf("%q of a proxy in the key's network: %q, want %q", forwarded, r.verdict(), want)
		}
	}
	mapped := call{path: shopToken, key: key}
	request := mapped.request(t.Context())
	request.RemoteAddr = "[::ffff:10.1.2.3]:4711"
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		t.Errorf("an IPv4 address on an IPv6 socket: status %d", recorder.Code)
	}
}

// Who tries keys is slowed down. Holders of known keys at the same address are
// not, nor are others.
func TestGuessingIsLimited(t *testing.T) {
	t.Parallel()
	const atOnce = 5
	w := newWorld(t, options{tries: router.NewLimiter(1, atOnce)})
	k := newContract(t)
	elsewhere := newWorld(t, options{}) // where strangers get keys that look right
	_, key := w.key("token ticket", shop)
	if r := w.ask(call{path: shopToken, key: key, from: outside}); r.Code != http.StatusOK { // known from now on
		t.Fatalf("status %d", r.Code)
	}
	limited := 0
	for range 4 * atOnce {
		_, stranger := elsewhere.key("token", shop)
		c := call{path: shopToken, key: stranger, from: outside}
		r := w.ask(c)
		k.check(t, c, r)
		switch {
		case r.Code == http.StatusTooManyRequests && r.verdict() == "too_many_requests" && r.Header().Get("Retry-After") != "":
			limited++
		case r.verdict() != "key_invalid":
			t.Errorf("status %d: %s", r.Code, r.Body)
		}
	}
	if limited == 0 {
		t.Error("nobody was limited")
	}
	r := w.ask(call{path: "/cgi-bin/ticket/getticket?type=jsapi&access_token=foreign", from: outside})
	if r.verdict() != "45011" && r.verdict() != "40001" { // a second may have passed
		t.Errorf("trying tokens: %s", r.Body)
	}
	if r := w.ask(call{path: shopToken, key: key, from: outside}); r.Code != http.StatusOK {
		t.Errorf("a known key at the same address: status %d: %s", r.Code, r.Body)
	}
	_, fresh := w.key("token", shop)
	if r := w.ask(call{path: shopToken, key: fresh, from: inside}); r.Code != http.StatusOK {
		t.Errorf("a new key elsewhere: status %d: %s", r.Code, r.Body)
	}
}

// The relay gets what has no route, and nothing that has one.
func TestRelayGetsTheRest(t *testing.T) {
	t.Parallel()
	var relayed []string
	w := newWorld(t, options{relay: func(c *gin.Context) error {
		relayed = append(relayed, c.Request.Method+" "+c.Request.URL.Path)
		c.Status(http.StatusTeapot)
		return nil
	}})
	_, key := w.key(strings.Join(apikey.Scopes(), " "), shop)
	for _, tt := range []struct {
		method, path string
		relayed      bool
	}{
		{http.MethodGet, "/cgi-bin/user/info?access_token=" + key, true},
		{http.MethodPost, "/datacube/getusersummary?access_token=" + key, true},
		{http.MethodPut, "/wxa/x?access_token=" + key, true},
		{http.MethodGet, "/sns/jscode2session?appid=" + shop + "&secret=" + key, true},
		{http.MethodPost, "/sns/oauth2/access_token", true},
		{http.MethodGet, "/cgi-bin/ticket/getticket?type=jsapi&access_token=" + key, false},
		{http.MethodGet, "/v1/nothing?access_token=" + key, false},
		{http.MethodDelete, shopToken + "?access_token=" + key, false},
		{http.MethodGet, "/healthz?access_token=" + key, false},
	} {
		before := len(relayed)
		r := w.ask(call{method: tt.method, path: tt.path})
		if got := len(relayed) > before; got != tt.relayed || got != (r.Code == http.StatusTeapot) {
			t.Errorf("%s %s: relayed %v, status %d", tt.method, strings.Replace(tt.path, key, "KEY", 1), got, r.Code)
		}
		if !tt.relayed {
			continue
		}
		r = w.ask(call{method: tt.method, path: tt.path, headers: map[string]string{"Origin": "https://h5.example.com"}})
		if len(relayed) != before+1 || r.Code != http.StatusForbidden {
			t.Errorf("%s is relayed for a browser: status %d", tt.path, r.Code)
		}
	}
	none := newWorld(t, options{})
	if r := none.ask(call{path: "/cgi-bin/user/info?access_token=" + key}); r.verdict() != "not_found" {
		t.Errorf("without a relay: %s", r.Body)
	}
}

// On one listener, each request goes to the side that it belongs to.
func TestBesideControl(t *testing.T) {
	t.Parallel()
	side := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	both := router.BesideControl(side("pages"), side("control"))
	for target, want := range map[string]string{
		"/v1/accounts/wx1/access_token": "control", "/cgi-bin/token": "control", "/sns/auth": "control", "/openapi.yaml": "control",
		"/datacube/x?access_token=1": "control", "/wxa/x?a=1&access_token=2": "control", "/?access_token=1": "control",
		"/": "pages", "/datacube/x": "pages", "/datacube/x?a=access_token=1": "pages", "/v1": "pages", "/v10/x": "pages",
		"/jssdk/config?url=https%3A%2F%2Fh&access_token=1": "pages", "/jssdk/config?url=https://h5.example.com/?a&access_token=1": "pages",
		"/demo/share?access_token=1": "pages", "/healthz?access_token=1": "pages", "/readyz": "pages",
		"/MP_verify_1.txt?access_token=1": "pages", "/WW_verify_1.txt": "pages",
	} {
		recorder := httptest.NewRecorder()
		both.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		if got := recorder.Body.String(); got != want {
			t.Errorf("%s goes to %s, want %s", target, got, want)
		}
	}
}

func TestControlWantsItsParts(t *testing.T) {
	t.Parallel()
	if _, err := router.Control(router.ControlOptions{}); err == nil {
		t.Error("no error")
	}
}
