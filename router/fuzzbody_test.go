package router_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

// Whatever the body of POST /jssdk/config is: an answer of the contract, and a
// signature only for a page on a domain of an account.
func FuzzConfigBody(f *testing.F) {
	for _, body := range []string{
		"", "{}", `{"url":"https://h5.example.com/"}`, `{"url":"https://h5.example.com/","profile":"tags","x":1}`,
		`{"url":"https://h5.example.com@evil.example/"}`, `{"url":["https://h5.example.com/"]}`, `{"url":"https://h5.example.com/"}{}`,
		`{"url":"https:\/\/evil.example\u002f.example.com"}`, `{"URL":"https://h5.example.com/","url":"https://evil.example/"}`, "\xef\xbb\xbf{}",
		`{"url":"https://plain.example.com/","app_id":"wxshop0123456789"}`, strings.Repeat("[", 5000),
	} {
		f.Add(body)
	}
	s := newSite(f, nil)
	f.Fuzz(func(t *testing.T, body string) {
		w := s.ask(t, http.MethodPost, "/jssdk/config", body, "Content-Type", "application/json")
		var got struct{ URL, Signature, Code, Message string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v in %s", err, w.Body)
		}
		if w.Code != http.StatusOK {
			fault := w.Code >= http.StatusInternalServerError && got.Code != "ticket_not_ready"
			if fault || got.Code == "" || got.Message == "" || got.Signature != "" {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			return
		}
		signed, err := url.Parse(got.URL)
		if err != nil || signed.User != nil ||
			!strings.HasSuffix(strings.ToLower(signed.Hostname()), ".example.com") && signed.Hostname() != "127.0.0.1" {
			t.Errorf("signed %q", got.URL)
		}
	})
}

// The only Origins that may read an answer are those of pages that an account
// has, written as browsers write them.
func FuzzOrigin(f *testing.F) {
	for _, origin := range []string{
		"https://h5.example.com", "https://h5.example.com:443", "https://dev.example.com:8443", "null", "*", "http://127.0.0.1:8080",
		"https://evil.example/https://h5.example.com", "https://a.shop.example.com", "https://.shop.example.com", "https://H5.example.com",
		"https://h5.example.com\x00", "https://[::1]", "https://xn--a.shop.example.com",
	} {
		f.Add(origin)
	}
	s := newSite(f, nil)
	f.Fuzz(func(t *testing.T, origin string) {
		w := s.ask(t, http.MethodPost, "/jssdk/config", "{}", "Origin", origin)
		allowed := w.Header().Values("Access-Control-Allow-Origin")
		if len(allowed) == 0 {
			return
		}
		page, err := pageurl.ParseExact(origin + "/")
		host := strings.TrimPrefix(strings.TrimPrefix(origin, "https://"), "http://")
		name, _, _ := strings.Cut(host, ":")
		if len(allowed) != 1 || allowed[0] != origin || err != nil || page.Origin() != origin ||
			!strings.HasSuffix(name, ".example.com") && name != "127.0.0.1" {
			t.Errorf("Origin %q: allowed %q", origin, allowed)
		}
		if w.Header().Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Origin") {
			t.Errorf("Origin %q: headers %v", origin, w.Header())
		}
	})
}
