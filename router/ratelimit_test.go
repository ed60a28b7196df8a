package router_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/router"
)

func TestLimiterGrantsRateAndBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := router.NewLimiter(10, 3)
		for i := range 3 {
			if _, granted := l.Take("a"); !granted {
				t.Fatalf("request %d of the burst was refused", i+1)
			}
		}
		wait, granted := l.Take("a")
		if granted || wait != 100*time.Millisecond {
			t.Fatalf("granted %t, wait %s, want 100ms", granted, wait)
		}
		if _, granted := l.Take("b"); !granted {
			t.Error("another key was refused")
		}
		for range 100 { // refused requests cost nothing
			l.Take("a")
		}
		time.Sleep(wait)
		if _, granted := l.Take("a"); !granted {
			t.Error("refused after the time it was told to wait")
		}
		time.Sleep(time.Hour)
		got := 0
		for range 10 {
			if _, granted := l.Take("a"); granted {
				got++
			}
		}
		if got != 3 {
			t.Errorf("%d granted after a rest, want the burst of 3", got)
		}
	})
}

func TestNoLimiter(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{0, -1} {
		l := router.NewLimiter(perSecond, 5)
		if l != nil {
			t.Fatalf("NewLimiter(%d) is not nil", perSecond)
		}
		if wait, granted := l.Take("a"); !granted || wait != 0 {
			t.Error("a nil Limiter refused")
		}
	}
	if _, granted := router.NewLimiter(1, 0).Take("a"); !granted {
		t.Error("a burst of 0 refuses everything")
	}
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // a second must not pass
		const most = 64 * 1024
		l := router.NewLimiter(1, 1)
		for i := range 1_000_000 {
			l.Take("key-" + strconv.Itoa(i))
		}
		if n := l.Keys(); n > most || n < most*9/10 {
			t.Errorf("%d keys, want about %d", n, most)
		}
		// Who has just come is remembered, so a flood of others sets nobody free
		// that asks all the time.
		if _, granted := l.Take("key-999999"); granted {
			t.Error("the newest key was forgotten")
		}
	})
}

func TestLimiterUnderLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := router.NewLimiter(1, 50)
		var granted atomic.Int64
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				for range 200 {
					if _, ok := l.Take("one"); ok {
						granted.Add(1)
					}
				}
			})
		}
		workers.Wait()
		if n := granted.Load(); n != 50 {
			t.Errorf("%d granted, want 50", n)
		}
	})
}

// from sends a signing request from a peer, with X-Forwarded-For lines.
func (s *site) from(t testing.TB, peer string, forwarded ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, configPath("https://h5.example.com/", ""), nil)
	r.RemoteAddr = peer
	for _, line := range forwarded {
		r.Header.Add("X-Forwarded-For", line)
	}
	return s.send(r)
}

func limitedSite(t testing.TB, trusted ...string) *site {
	t.Helper()
	return newSite(t, func(o *router.Options) { o.Signing, o.TrustedProxies = router.NewLimiter(1, 1), trusted })
}

func TestRateLimitAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, checkRateLimitAnswer) // a second between two requests would grant one more
}

func checkRateLimitAnswer(t *testing.T) {
	t.Helper()
	s := limitedSite(t)
	if w := s.from(t, "203.0.113.7:1"); w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	w := s.from(t, "203.0.113.7:2")
	checkProblem(t, w, 429, "too_many_requests")
	if got := w.Header().Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q, want 1", got)
	}
	if health := s.ask(t, http.MethodGet, "/healthz", ""); health.Code != http.StatusOK {
		t.Errorf("healthz: status %d", health.Code)
	}
	// A preflight is no signature, and a refused page must be able to read why.
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, configPath("https://h5.example.com/", ""), nil)
	r.RemoteAddr = "203.0.113.7:3"
	r.Header.Set("Origin", "https://h5.example.com")
	if w := s.send(r); w.Code != 429 || w.Header().Get("Access-Control-Allow-Origin") == "" {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	r.Method = http.MethodOptions
	if w := s.send(r); w.Code != http.StatusNoContent {
		t.Errorf("OPTIONS: status %d", w.Code)
	}
}

// Pairs of requests: is the second one from the same client?
func TestRateLimitClients(t *testing.T) {
	t.Parallel()
	type request struct {
		peer      string
		forwarded []string
	}
	from := func(peer string, forwarded ...string) request { return request{peer, forwarded} }
	tests := []struct {
		name          string
		trusted       []string
		first, second request
		same          bool
	}{
		{"same address, other port", nil, from("203.0.113.7:1"), from("203.0.113.7:9999"), true},
		{"other address", nil, from("203.0.113.7:1"), from("203.0.113.8:1"), false},
		{"IPv4 in IPv6", nil, from("203.0.113.7:1"), from("[::ffff:203.0.113.7]:1"), true},
		{"same /64", nil, from("[2001:db8:1:2::1]:1"), from("[2001:db8:1:2:ffff::9]:1"), true},
		{"other /64", nil, from("[2001:db8:1:2::1]:1"), from("[2001:db8:1:3::1]:1"), false},
		{"link-local with a zone", nil, from("[fe80::1%eth0]:1"), from("[fe80::1%eth0]:2"), true},
		{"header of a public stranger", nil, from("203.0.113.7:1", "198.51.100.1"), from("203.0.113.7:1", "198.51.100.2"), true},
		{"private peer without header", nil, from("10.0.0.5:1"), from("10.0.0.5:2"), true},
		{
			"private peer with header: per account only", nil,
			from("10.0.0.5:1", "198.51.100.1"), from("10.0.0.5:2", "198.51.100.1"), false,
		},
		{
			"trusted proxy, two clients",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "198.51.100.1"), from("10.0.0.5:1", "198.51.100.2"), false,
		},
		{
			"trusted proxy, one client",
			[]string{"10.0.0.0/8"},
			from("10.0.0.5:1", "198.51.100.1"), from("10.0.0.6:1", "198.51.100.1"), true,
		},
		{
			"trusted proxy, client writes the header",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "1.1.1.1, 198.51.100.1"), from("10.0.0.5:1", "2.2.2.2, 198.51.100.1"), true,
		},
		{
			"the same in two lines",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "1.1.1.1", "198.51.100.1"), from("10.0.0.5:1", "2.2.2.2", "198.51.100.1"), true,
		},
		{
			"two trusted proxies",
			[]string{"10.0.0.0/8"},
			from("10.0.0.5:1", "198.51.100.1, 10.0.0.6"), from("10.0.0.5:1", "198.51.100.2, 10.0.0.6"), false,
		},
		{
			"another private peer is not trusted",
			[]string{"10.0.0.5"},
			from("10.0.0.6:1", "198.51.100.1"), from("10.0.0.6:1", "198.51.100.2"), false,
		},
		{
			"private clients behind a trusted proxy",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "192.168.1.2"), from("10.0.0.5:1", "192.168.1.2"), true,
		},
		{
			"trusted proxy, IPv6 clients of one /64",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "2001:db8::1"), from("10.0.0.5:1", "2001:db8::2"), true,
		},
		{
			"trusted proxy that writes ports, two clients",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "198.51.100.1:7"), from("10.0.0.5:1", "198.51.100.2:7"), false,
		},
		{
			"trusted proxy that writes ports, one client",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "198.51.100.1:7"), from("10.0.0.5:1", "198.51.100.1:8"), true,
		},
		{
			"clients that a trusted proxy does not tell",
			[]string{"10.0.0.0/8"},
			from("10.0.0.5:1", "unknown"), from("10.0.0.6:1", "hidden"), true,
		},
		{
			"such a client, and the proxy itself",
			[]string{"10.0.0.5"},
			from("10.0.0.5:1", "unknown"), from("10.0.0.5:1"), false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := limitedSite(t, tt.trusted...)
				if w := s.from(t, tt.first.peer, tt.first.forwarded...); w.Code != http.StatusOK {
					t.Fatalf("first: status %d: %s", w.Code, w.Body)
				}
				if w := s.from(t, tt.second.peer, tt.second.forwarded...); (w.Code == http.StatusTooManyRequests) != tt.same {
					t.Errorf("second: status %d, want the same client: %t", w.Code, tt.same)
				}
			})
		})
	}
}

// X-Real-IP and the like are nothing that server.trusted_proxies speaks of.
func TestRateLimitBelievesOneHeaderOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := limitedSite(t, "10.0.0.5")
		codes := []int{}
		for i := range 2 {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, configPath("https://h5.example.com/", ""), nil)
			r.RemoteAddr = "10.0.0.5:1"
			for _, name := range []string{"X-Real-IP", "X-Forwarded", "Forwarded", "CF-Connecting-IP", "X-Appengine-Remote-Addr", "True-Client-IP"} {
				r.Header.Set(name, fmt.Sprintf("198.51.100.%d", i))
			}
			codes = append(codes, s.send(r).Code)
		}
		if codes[0] != http.StatusOK || codes[1] != http.StatusTooManyRequests {
			t.Errorf("status %v: another header moved the client", codes)
		}
	})
}

// A proxy that nobody named must not be limited like one client: that would
// stop everybody. It is told, once.
func TestUnnamedProxyIsToldOnce(t *testing.T) {
	t.Parallel()
	for _, peer := range []string{
		"10.0.0.5:1", "172.16.3.4:1", "192.168.0.9:1", "100.64.0.7:1", "169.254.1.2:1", "127.0.0.1:1",
		"[::1]:1", "[fd00::5]:1", "[fe80::5]:1", "[::ffff:10.0.0.5]:1",
	} {
		t.Run(peer, func(t *testing.T) {
			t.Parallel()
			s := limitedSite(t)
			for i := range 20 {
				if w := s.from(t, peer, fmt.Sprintf("198.51.100.%d", i)); w.Code != http.StatusOK {
					t.Fatalf("request %d: status %d", i, w.Code)
				}
			}
			host := strings.TrimPrefix(strings.Trim(peer[:strings.LastIndex(peer, ":")], "[]"), "::ffff:")
			text := s.log.String()
			if !strings.Contains(text, "limited for all of them together") {
				t.Errorf("it does not say what is limited: %s", text)
			}
			if strings.Count(text, "server.trusted_proxies") != 1 || !strings.Contains(text, `"address":"`+host+`"`) {
				t.Errorf("log: %s", text)
			}
		})
	}
}

// Who asks through the proxy of this machine, from this machine, comes from the
// proxy's own address, and from a named one nevertheless.
func TestNamedProxyIsNotTold(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		trusted, peer string
		forwarded     []string
	}{
		"the proxy's own machine":            {"127.0.0.1", "127.0.0.1:1", []string{"127.0.0.1"}},
		"the same by IPv6":                   {"::1", "[::1]:1", []string{"::1"}},
		"named as IPv4, connected in IPv6":   {"127.0.0.1", "[::ffff:127.0.0.1]:1", []string{"127.0.0.1"}},
		"through two proxies there":          {"10.0.0.0/24", "10.0.0.5:1", []string{"10.0.0.5, 10.0.0.6"}},
		"in two lines":                       {"10.0.0.0/24", "10.0.0.5:1", []string{"10.0.0.5", "10.0.0.6"}},
		"somebody else in a private network": {"10.0.0.5", "10.0.0.5:1", []string{"192.168.1.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := limitedSite(t, tt.trusted)
				for i, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
					if w := s.from(t, tt.peer, tt.forwarded...); w.Code != want {
						t.Errorf("request %d: status %d, want %d", i, w.Code, want)
					}
				}
				if text := s.log.String(); strings.Contains(text, "trusted_proxies") || strings.Contains(text, "holds no address") {
					t.Errorf("log: %s", text)
				}
			})
		})
	}
}

// A trusted proxy whose word cannot be read is told, once.
func TestUnreadableProxyIsToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := limitedSite(t, "10.0.0.5")
		for _, forwarded := range []string{"198.51.100.1", "unknown", "", "unknown"} {
			s.from(t, "10.0.0.5:1", forwarded)
		}
		text := s.log.String()
		if strings.Count(text, "holds no address") != 1 || !strings.Contains(text, `"address":"10.0.0.5"`) {
			t.Errorf("log: %s", text)
		}
		if strings.Contains(text, "name it in server.trusted_proxies") || !strings.Contains(text, `"client":"unknown"`) {
			t.Errorf("log: %s", text)
		}
	})
}

// The zero Logger is the default one, also where somebody is told something.
func TestUnnamedProxyWithoutLogger(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *router.Options) { o.Signing, o.Logger = router.NewLimiter(1, 1), nil })
	if w := s.from(t, "10.0.0.5:1", "198.51.100.1"); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
