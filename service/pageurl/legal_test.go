package pageurl_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

// legal pages are signed byte for byte, up to the first '#'.
var legal = []page{
	{"https://h5.example.com/", "h5.example.com", nil},
	{"https://h5.example.com", "h5.example.com", nil},
	{"https://h5.example.com?", "h5.example.com", nil},
	{"https://h5.example.com/?", "h5.example.com", nil},
	{"https://h5.example.com?params=value", "h5.example.com", nil},
	{"https://h5.example.com/a?b=1", "h5.example.com", nil},
	{"https://h5.example.com/a//b///", "h5.example.com", nil},
	{"https://h5.example.com/a/../b/./c", "h5.example.com", nil},
	{"HTTPS://h5.example.com/", "h5.example.com", nil},
	{"https://H5.Example.COM/Shop", "h5.example.com", nil},
	{"https://h5.example.com/", "H5.EXAMPLE.COM", nil},
	{"https://h5.example.com:443/", "h5.example.com", nil},
	{"https://h5.example.com/", "h5.example.com:443", nil},
	{"https://h5.example.com:443", "h5.example.com:443", nil},
	{"https://h5.example.com:8443/a", "h5.example.com:8443", nil},
	{"https://h5.example.com:80/", "h5.example.com:80", nil},
	{"https://h5.example.com:65535/", "h5.example.com:65535", nil},

	// Chinese, escaped as browsers show it, or raw as old clients do
	{"https://h5.example.com/%E5%88%86%E4%BA%AB?x=%E4%B8%AD&y=a%20b", "h5.example.com", nil},
	{"https://h5.example.com/%e5%88%86%e4%ba%ab", "h5.example.com", nil},
	{"https://h5.example.com/分享?x=中&y=文", "h5.example.com", nil},
	{"https://h5.example.com/?q=%D6%D0%CE%C4", "h5.example.com", nil}, // GBK
	{"https://h5.example.com/?q=😀", "h5.example.com", nil},
	{"https://h5.example.com/?q=%F0%9F%98%80", "h5.example.com", nil},

	// the query is nobody's business
	{"https://h5.example.com/?a=1+2", "h5.example.com", nil},
	{"https://h5.example.com/?a=1%2B2", "h5.example.com", nil},
	{"https://h5.example.com/a+b", "h5.example.com", nil},
	{"https://h5.example.com/?&&==&", "h5.example.com", nil},
	{"https://h5.example.com/?b=2&a=1&b=1", "h5.example.com", nil},
	{"https://h5.example.com/?a=1?b=2", "h5.example.com", nil},
	{"https://h5.example.com/?a=%zz&b=%", "h5.example.com", nil},
	{"https://h5.example.com/%zz", "h5.example.com", nil},
	{"https://h5.example.com/?a=x|y", "h5.example.com", nil},
	{"https://h5.example.com/a|b/{c}?d={e}&f=[g]^`", "h5.example.com", nil},
	{`https://h5.example.com/?a=b\c`, "h5.example.com", nil},
	{"https://h5.example.com/?mail=a@b.example", "h5.example.com", nil},
	{"https://h5.example.com/@me/a:b", "h5.example.com", nil},
	{"https://h5.example.com/?a='b'(c)*!~$,;", "h5.example.com", nil},
	{"https://h5.example.com/?a=%00%0d%0a%3C%22", "h5.example.com", nil},
	{"https://h5.example.com/?a=&copy=1&times=2&AMP;", "h5.example.com", nil},
	{"https://h5.example.com/?to=https%3A%2F%2Fother.example%2F%3Fa%3D1%26b%3D2", "h5.example.com", nil},
	{"https://h5.example.com/?to=https://other.example/?a=1", "h5.example.com", nil},
	{"https://h5.example.com/https%3A%2F%2Fother.example", "h5.example.com", nil},

	// what WeChat appends
	{"https://h5.example.com/a?id=7&from=singlemessage&isappinstalled=0", "h5.example.com", nil},
	{"https://h5.example.com/?from=timeline", "h5.example.com", nil},
	{"https://h5.example.com/cb?code=061Z1x0w3oTzAbC&state=STATE", "h5.example.com", nil},
	{"https://h5.example.com/?nsukey=%2Fab%2Bcd%3D%3D&_t=1414587457", "h5.example.com", nil},

	// fragments are cut, at the first one
	{"https://h5.example.com/#", "h5.example.com", nil},
	{"https://h5.example.com/?a=1#/route?b=2", "h5.example.com", nil},
	{"https://h5.example.com/a#b#c", "h5.example.com", nil},
	{"https://h5.example.com#/hash", "h5.example.com", nil},
	{"https://h5.example.com/a#evil \x00\\<>&amp;\xff", "h5.example.com", nil},
	{"https://h5.example.com/#" + strings.Repeat("a", 5000), "h5.example.com", nil},
	{"https://h5.example.com/?a=%23b#c", "h5.example.com", nil},

	// long, and just short enough
	{"https://h5.example.com/?" + strings.Repeat("a", pageurl.MaxLength-24), "h5.example.com", nil},
	{"https://h5.example.com/?q=" + strings.Repeat("%E4%B8%AD", 220), "h5.example.com", nil},

	// names
	{"https://a.example.com/", "*.example.com", nil},
	{"https://a.b.c.d.example.com/", "*.example.com", nil},
	{"https://A_b-1.example.com/", "*.example.com", nil},
	{"https://a.example.com:8443/", "*.example.com:8443", nil},
	{"https://0xbeef.example.com/", "*.example.com", nil},
	{"https://127.0.0.1.example.com/", "*.example.com", nil},
	{"https://商店.example.com/", "商店.example.com", nil},
	{"https://xn--czrs0t.example.com/", "商店.example.com", nil},
	{"https://商店.example.com/", "xn--czrs0t.example.com", nil},
	{"https://XN--CZRS0T.example.com/", "商店.example.com", nil},
	{"https://a.商店.example.com/", "*.商店.example.com", nil},
	{"https://Bücher.Example/", "bücher.example", nil},
	{"https://straße.example/", "xn--strae-oqa.example", nil},
	{"https://h5.example.com./", "h5.example.com.", nil},
	{"https://localhost/", "localhost", nil},
	{"https://127.0.0.1/", "127.0.0.1", nil},
	{"https://127.0.0.1:8080/demo/share?client=ios", "127.0.0.1:8080", nil},
	{"https://[::1]/", "[::1]", nil},
	{"https://[0:0:0:0:0:0:0:1]:8443/", "[::1]:8443", nil},
	{"https://[2001:DB8::1]/", "[2001:db8::1]", nil},
	{"https://other.example/", "h5.example.com,*.example.com,other.example", nil},

	// paths
	{"https://h5.example.com/shop", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop/", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop?a=../..", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop#../..", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop/a..b/...;x/c;v=1", "h5.example.com/shop/", nil},
	{"https://h5.example.com/shop//x", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop/a%2Fb%20c%25d", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop/50%25-off%", "h5.example.com", nil},
	{"https://h5.example.com/shop/50%25-off/100%25", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop/to/https%253A%252F%252Fother.example", "h5.example.com/shop", nil},
	{"https://h5.example.com/shop/%D6%D0", "h5.example.com/shop", nil},
	{"https://h5.example.com/%E5%95%86%E5%BA%97/1", "h5.example.com/商店", nil},
	{"https://h5.example.com/商店", "h5.example.com/商店", nil},
	{"https://h5.example.com/", "h5.example.com/", nil},
}

func TestLegalPagesAreSignedByteForByte(t *testing.T) {
	t.Parallel()
	for _, row := range legal {
		all := patterns(t, row.domains)
		for name, parse := range map[string]func(string) (pageurl.URL, error){"Parse": pageurl.Parse, "ParseExact": pageurl.ParseExact} {
			u, err := parse(row.url)
			if got := verdict(all, u, err); got != nil {
				t.Errorf("%s %q on %s: %v", name, row.url, row.domains, got)
			}
			want := row.url
			if i := strings.IndexByte(want, '#'); i >= 0 {
				want = want[:i]
			}
			if err == nil && u.Signed() != want {
				t.Errorf("%s %q: signs %q, want %q", name, row.url, u.Signed(), want)
			}
		}
	}
}

func TestParseExact(t *testing.T) {
	t.Parallel()
	// A page really opened at such a URL signs just that.
	const text = "https://h5.example.com/?a=1&amp;b=2#c"
	u, err := pageurl.ParseExact(text)
	if err != nil || u.Signed() != "https://h5.example.com/?a=1&amp;b=2" {
		t.Errorf("ParseExact(%q) = %q, %v", text, u.Signed(), err)
	}
	// The other check is skipped as well, but what it finds is no page URL.
	if _, err := pageurl.ParseExact("https%3A%2F%2Fh5.example.com"); err == nil {
		t.Error("ParseExact takes an encoded URL")
	}
}

func TestAllowHTTP(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		url, domain string
		match       bool
	}{
		{"http://h5.example.com/", "h5.example.com", true},
		{"http://h5.example.com:80/", "h5.example.com", true},
		{"https://h5.example.com/", "h5.example.com", true},
		{"http://h5.example.com/", "h5.example.com:80", true},
		{"http://127.0.0.1:8080/", "127.0.0.1:8080", true},
		{"http://h5.example.com:443/", "h5.example.com", false},
		{"https://h5.example.com:80/", "h5.example.com", false},
		{"http://h5.example.com/", "h5.example.com:443", false},
		{"http://evil.example/", "h5.example.com", false},
	} {
		u, err := pageurl.Parse(row.url)
		if err != nil {
			t.Fatal(err)
		}
		p := patterns(t, row.domain)[0]
		if got := p.Match(u, true); got != row.match {
			t.Errorf("%s on %s with http allowed: %t, want %t", row.url, row.domain, got, row.match)
		}
		if u.Scheme() == "http" && p.Match(u, false) {
			t.Errorf("%s on %s: matches without http being allowed", row.url, row.domain)
		}
	}
}
