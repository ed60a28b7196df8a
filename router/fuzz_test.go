package router_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
)

// Whatever the query of /jssdk/config is: an answer of the contract, and a
// signature only for a page on a domain of an account.
func FuzzConfigQuery(f *testing.F) {
	for _, query := range []string{
		"", "url=https%3A%2F%2Fh5.example.com%2F", "url=https://h5.example.com/&a=b", "url=%zz", "url=a&url=b", "&&=&url", "app_id=%00",
		"url=https%3A%2F%2Fevil.example%2F&exact=1",
		"url=https%3A%2F%2Fh5.example.com%40evil.example%2F", "profile=%ff&kind=jsapi", "u%72l=x",
		"url=https%3A%2F%2Fx.shop.example.com%5C%40evil.example",
	} {
		f.Add(query)
	}
	s := newSite(f, nil)
	f.Fuzz(func(t *testing.T, query string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://sign.example.com/jssdk/config", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery, r.RemoteAddr = query, "192.0.2.1:1"
		w := s.send(r)
		var got struct {
			URL, Signature, Code, Message string
			RequestID                     string `json:"request_id"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v in %s", err, w.Body)
		}
		if w.Code != http.StatusOK {
			fault := w.Code >= http.StatusInternalServerError && got.Code != "ticket_not_ready"
			if fault || got.Code == "" || got.Message == "" || got.RequestID == "" || got.Signature != "" {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			return
		}
		signed, err := url.Parse(got.URL)
		if err != nil || signed.User != nil || !strings.HasSuffix("."+strings.ToLower(signed.Hostname()),
			".example.com") && signed.Hostname() != "127.0.0.1" {
			t.Errorf("signed %q", got.URL)
		}
	})
}

// A path leads to a route only in the spelling that a proxy in front sees, too.
func FuzzRoutedPath(f *testing.F) {
	for _, path := range []string{
		"/jssdk/wxsign.js", "/%6assdk/wxsign.js", "/jssdk%2fwxsign.js", "//jssdk/wxsign.js",
		"/jssdk/../healthz", "/MP_verify_a1B2.txt", "/MP_verify_a%31B2.txt", "/healthz%00", "/healthz;a", "/a%5c..%5chealthz", "/%2e/healthz",
	} {
		f.Add(path)
	}
	s := newSite(f, func(o *router.Options) { o.VerifyFiles = handler.NewVerifyFiles(oneFile{}) })
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || u.Path == "" || strings.HasPrefix(u.Path, "/readyz") { // whose status the site has not
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://sign.example.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL, r.RemoteAddr = u, "192.0.2.1:1"
		sent, _, _ := strings.Cut(path, "?")
		switch w := s.send(r); {
		case w.Code >= http.StatusInternalServerError:
			t.Errorf("status %d", w.Code)
		case w.Code < http.StatusMultipleChoices && sent != u.Path:
			t.Errorf("%q is answered as %q", sent, u.Path)
		}
	})
}

// Who tries out accounts and pages learns no more than the code: the answers have
// the same form and the same headers, and none is waited for.
func TestRefusalsHaveOneForm(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	var form []string
	for name, target := range map[string]string{
		"unknown account":   configPath("https://h5.example.com/", "&app_id=wxnobody01234567"),
		"account of others": configPath("https://h5.example.com/", "&app_id="+twinApp),
		"unknown page":      configPath("https://evil.example/", ""),
		"disabled account":  configPath("https://off.example.com/", ""),
	} {
		w := s.ask(t, http.MethodGet, target, "", "Origin", "https://evil.example")
		var fields map[string]string
		if err := json.Unmarshal(w.Body.Bytes(), &fields); err != nil || len(fields) != 3 {
			t.Fatalf("%s: %v, %s", name, err, w.Body)
		}
		var headers []string
		for header := range w.Header() {
			headers = append(headers, header)
		}
		slices.Sort(headers)
		if form == nil {
			form = headers
		}
		if diff := cmp.Diff(form, headers); diff != "" {
			t.Errorf("%s has other headers:\n%s", name, diff)
		}
	}
}
