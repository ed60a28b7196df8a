package wechat_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/wechat"
)

// quiet keeps the TLS complaints of test servers out of the test output.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	base := func(u string) wechat.Options { return wechat.Options{BaseURL: u} }
	for name, o := range map[string]wechat.Options{
		"plain http":          base("http://api.weixin.qq.com"),
		"http, private":       base("http://10.0.0.1"),
		"other scheme":        base("ftp://127.0.0.1"),
		"no scheme":           base("api.weixin.qq.com"),
		"no host":             base("https://"),
		"port only":           base("https://:443"),
		"user":                base("https://me:" + canary + "@api.weixin.qq.com"),
		"query":               base("https://api.weixin.qq.com?a=1"),
		"empty query":         base("https://api.weixin.qq.com?"),
		"fragment":            base("https://api.weixin.qq.com#a"),
		"control character":   base("https://api.weixin.qq.com\x7f" + canary),
		"loopback look-alike": base("http://127.0.0.1.example.com"),
		"bad fallback":        {FallbackURL: "http://api2.weixin.qq.com"},
		"negative timeout":    {Timeout: -time.Second},
		"negative connect":    {ConnectTimeout: -time.Second},
		"connect = timeout":   {Timeout: time.Second, ConnectTimeout: time.Second},
		"connect > default":   {ConnectTimeout: 9 * time.Second},
	} {
		c, err := wechat.New(o)
		if err == nil || c != nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v quotes the address", name, err)
		}
	}
}

func TestNewAccepts(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]wechat.Options{
		"nothing set":   {},
		"a fallback":    {FallbackURL: "https://api2.weixin.qq.com"},
		"loopback":      {BaseURL: "http://127.0.0.1:8089"},
		"loopback IPv6": {BaseURL: "http://[::1]:8089"},
		"localhost":     {BaseURL: "http://localhost:8089"},
		"short timeout": {Timeout: 2 * time.Second},
	} {
		if _, err := wechat.New(o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBaseURLKeepsItsPath(t *testing.T) {
	t.Parallel()
	s := serve(t, say(goodAt))
	for _, base := range []string{s.URL, s.URL + "/", s.URL + "/wx", s.URL + "/wx/"} {
		c := newClient(t, wechat.Options{BaseURL: base, UserAgent: "test/1"})
		if _, err := askToken(wechat.Stable, false)(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"/cgi-bin/stable_token", "/cgi-bin/stable_token", "/wx/cgi-bin/stable_token", "/wx/cgi-bin/stable_token"} {
		if got := s.requests()[i]; got.URI != want || got.Agent != "test/1" {
			t.Errorf("asked %s as %s, want %s", got.URI, got.Agent, want)
		}
	}
}

// Answers are read to their end, so that a connection serves the next call.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	s := serve(t, say(goodAt))
	c := newClient(t, wechat.Options{BaseURL: s.URL})
	ends := map[string]bool{}
	for range 5 {
		if _, err := askToken(wechat.Classic, false)(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.requests() {
		ends[r.ConnectionRemoteEnd] = true
	}
	if len(ends) != 1 {
		t.Errorf("5 calls used %d connections", len(ends))
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := serve(t, say(goodAt))
	c := newClient(t, wechat.Options{BaseURL: s.URL})
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if _, err := askToken(wechat.Classic, false)(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(s.requests()); n != 40 {
		t.Errorf("%d requests for 40 calls", n)
	}
}
