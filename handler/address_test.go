package handler_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// addressOf asks behind the middleware, as the routes do. No line is no header.
func addressOf(t testing.TB, proxies handler.Proxies, peer string, lines ...string) netip.Addr {
	t.Helper()
	engine := gin.New()
	engine.Use(proxies.Read)
	var addr netip.Addr
	engine.GET("/", func(c *gin.Context) { addr = handler.AddressOf(c) })
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.RemoteAddr = peer
	if lines != nil {
		r.Header["X-Forwarded-For"] = lines
	}
	engine.ServeHTTP(httptest.NewRecorder(), r)
	return addr
}

func parseProxies(t testing.TB, list ...string) handler.Proxies {
	t.Helper()
	proxies, err := handler.ParseProxies(list)
	if err != nil {
		t.Fatal(err)
	}
	return proxies
}

// Regression: a word that cannot be read was taken for the proxy itself, which
// keys and limits may treat as one of the house.
func TestAddressOf(t *testing.T) {
	t.Parallel()
	proxies := parseProxies(t, "172.16.0.0/12", "10.0.0.5", "fd00::/8", "::ffff:192.168.7.0/120")
	const proxy, client, v6 = "172.16.0.1:4711", "198.51.100.7", "2001:db8::7"
	for name, tt := range map[string]struct {
		peer  string
		lines []string
		want  string // "" = it cannot be told
	}{
		"no proxy":                          {"198.51.100.7:1", nil, client},
		"a stranger's word":                 {"203.0.113.9:1", []string{client}, "203.0.113.9"},
		"a proxy that says nothing":         {proxy, nil, "172.16.0.1"},
		"plain":                             {proxy, []string{client}, client},
		"blanks around":                     {proxy, []string{" \t" + client + " "}, client},
		"with a port":                       {proxy, []string{client + ":50123"}, client},
		"IPv6":                              {proxy, []string{v6}, v6},
		"IPv6 with a port":                  {proxy, []string{"[" + v6 + "]:50123"}, v6},
		"IPv6 in brackets":                  {proxy, []string{"[" + v6 + "]"}, v6},
		"IPv4 in IPv6":                      {proxy, []string{"::ffff:" + client}, client},
		"IPv4 in IPv6, with a port":         {proxy, []string{"[::ffff:" + client + "]:1"}, client},
		"two proxies":                       {proxy, []string{client + ", 172.16.0.2"}, client},
		"two proxies, ports everywhere":     {proxy, []string{client + ":1,172.16.0.2:2"}, client},
		"two lines":                         {proxy, []string{client, "172.16.0.2"}, client},
		"the client lies":                   {proxy, []string{"10.1.1.1, " + client}, client},
		"the client lies in nonsense":       {proxy, []string{"unknown, " + client}, client},
		"the client is a proxy":             {proxy, []string{"172.16.0.3"}, "172.16.0.3"},
		"only proxies":                      {proxy, []string{"172.16.0.3, 172.16.0.4"}, "172.16.0.3"},
		"a proxy of a mapped network":       {"192.168.7.9:1", []string{client}, client},
		"a proxy on an IPv6 socket":         {"[::ffff:10.0.0.5]:1", []string{client}, client},
		"a proxy with a zone":               {"[fd00::1%eth0]:1", []string{client}, client},
		"a peer with a zone":                {"[fe80::1%eth0]:1", nil, "fe80::1"}, // Regression: no network of a key had it
		"a word":                            {proxy, []string{"unknown"}, ""},
		"an obfuscated name":                {proxy, []string{"_hidden"}, ""},
		"nothing in it":                     {proxy, []string{""}, ""},
		"a comma":                           {proxy, []string{","}, ""},
		"a comma at the end":                {proxy, []string{client + ","}, ""},
		"an empty line at the end":          {proxy, []string{client, ""}, ""},
		"nonsense before a proxy":           {proxy, []string{"unknown, 172.16.0.2"}, ""},
		"nonsense, the lie left of it":      {proxy, []string{"10.1.1.1, unknown"}, ""},
		"a port beyond all":                 {proxy, []string{client + ":70000"}, ""},
		"a port that is none":               {proxy, []string{client + ":http"}, ""},
		"IPv4 in brackets":                  {proxy, []string{"[" + client + "]"}, ""},
		"a zone":                            {proxy, []string{"fe80::1%eth0"}, ""},
		"a zone with a port":                {proxy, []string{"[fe80::1%eth0]:1"}, ""},
		"quotes, as in Forwarded":           {proxy, []string{`"` + client + `"`}, ""},
		"leading zeros":                     {proxy, []string{"198.051.100.007"}, ""},
		"a network":                         {proxy, []string{"198.51.100.0/24"}, ""},
		"a peer that is no address":         {"@", []string{client}, ""},
		"a peer that is no address, silent": {"@", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got := addressOf(t, proxies, tt.peer, tt.lines...); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
	if got := addressOf(t, nil, proxy, client); got != netip.MustParseAddr("172.16.0.1") {
		t.Errorf("nobody is trusted: %v", got)
	}
}

func TestParseProxiesRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "everyone", "10.0.0.0/33", "10.0.0.5:80", "proxy.example.com"} {
		if proxies, err := handler.ParseProxies([]string{text}); err == nil {
			t.Errorf("%q is read as %v", text, proxies)
		}
	}
}

// Clients that cannot be told apart are one to a limit, and nobody else is.
func TestNetworkOfNobody(t *testing.T) {
	t.Parallel()
	nobody := handler.NetworkOf(netip.Addr{})
	for _, text := range []string{"::", "::1", "0.0.0.0", "127.0.0.1"} {
		if handler.NetworkOf(netip.MustParseAddr(text)) == nobody {
			t.Errorf("%s shares its limit with addresses that cannot be read", text)
		}
	}
}

// Whatever a client writes before what its proxy appends, it is taken for nobody
// else, and for no proxy.
func FuzzForwardedFor(f *testing.F) {
	for _, text := range []string{"", "unknown", "1.2.3.4:5", "[2001:db8::1]:5", "10.0.0.5", ",", "fe80::1%a", "::ffff:1.2.3.4, 172.16.0.9"} {
		f.Add(text)
	}
	proxies := parseProxies(f, "172.16.0.0/12")
	f.Fuzz(func(t *testing.T, text string) {
		const proxy, client = "172.16.0.1:1", "198.51.100.7"
		for _, line := range []string{client, client + ":9", client + ", 172.16.0.2"} {
			if got := addressOf(t, proxies, proxy, text, line); got != netip.MustParseAddr(client) {
				t.Errorf("%q before %q: %v", text, line, got)
			}
		}
		alone := addressOf(t, proxies, proxy, text)
		if alone == netip.MustParseAddr("172.16.0.1") && addressOf(t, proxies, "172.16.0.2:1", text) != alone {
			t.Errorf("%q counts as the proxy that sent it", text)
		}
		if behind := addressOf(t, proxies, proxy, text, "172.16.0.2"); behind != alone {
			t.Errorf("%q: %v, and behind one proxy more %v", text, alone, behind)
		}
	})
}
