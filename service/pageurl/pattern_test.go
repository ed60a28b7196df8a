package pageurl_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

func TestParsePattern(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text, host string
		wildcard   bool
	}{
		{"h5.example.com", "h5.example.com", false},
		{"H5.Example.COM", "h5.example.com", false},
		{"h5.example.com:8443", "h5.example.com", false},
		{"h5.example.com/shop/", "h5.example.com", false},
		{"h5.example.com:8443/shop/a", "h5.example.com", false},
		{"h5.example.com/商店", "h5.example.com", false},
		{"h5.example.com.", "h5.example.com.", false},
		{"*.example.com", "example.com", true},
		{"*.Example.com:8443/shop", "example.com", true},
		{"*.商店.example", "xn--czrs0t.example", true},
		{"xn--CZRS0T.example", "xn--czrs0t.example", false},
		{"a_b.example.com", "a_b.example.com", false},
		{"localhost:8080", "localhost", false},
		{"127.0.0.1", "127.0.0.1", false},
		{"127.0.0.1:8080/demo", "127.0.0.1", false},
		{"[::1]", "::1", false},
		{"[2001:DB8:0:0::1]:8443", "2001:db8::1", false},
	} {
		p, err := pageurl.ParsePattern(row.text)
		if err != nil {
			t.Errorf("%q: %v", row.text, err)
			continue
		}
		if host, wildcard := p.Host(); host != row.host || wildcard != row.wildcard {
			t.Errorf("%q: host %q, wildcard %t; want %q, %t", row.text, host, wildcard, row.host, row.wildcard)
		}
		if p.String() != row.text {
			t.Errorf("%q: String() = %q", row.text, p.String())
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	t.Parallel()
	const onlyHost = "only a host, an optional :port and an optional /path are allowed"
	for text, want := range map[string]string{
		"":                                "its host is empty",
		".":                               "its host is empty",
		"/shop":                           "its host is empty",
		":8443":                           "its host is empty",
		"*":                               "a star may only stand at the start",
		"*.":                              "its host is empty",
		"*..":                             "its host is empty",
		"*.*.example.com":                 "a star may only stand at the start",
		"*example.com":                    "a star may only stand at the start",
		"h5.*.com":                        "a star may only stand at the start",
		"h5.example.*":                    "a star may only stand at the start",
		"h5.example.com:*":                "a star may only stand at the start",
		"*.127.0.0.1":                     "an IP address has no subdomains",
		"*.[::1]":                         "an IP address has no subdomains",
		"*.0.0.1":                         "IPv4 address in an unusual form",
		"127.1":                           "IPv4 address in an unusual form",
		"0x7f000001":                      "IPv4 address in an unusual form",
		"2130706433":                      "IPv4 address in an unusual form",
		"[::1":                            "no closing bracket",
		"[::1%25lo]":                      onlyHost,
		"[::g]":                           "its IPv6 address is malformed",
		"::1":                             "its port must be a number",
		"https://h5.example.com":          "write the host without https://",
		"http://h5.example.com/shop":      "write the host without https://",
		"h5.example.com:":                 "its port must be a number",
		"h5.example.com:0":                "its port must be a number",
		"h5.example.com:080":              "its port must be a number",
		"h5.example.com:65536":            "its port must be a number",
		"h5.example.com:https":            "its port must be a number",
		"h5.example.com, a.example.com":   onlyHost,
		"h5.example.com,a.example.com":    "character that host names do not have",
		"h5.example.com;a.example.com":    "character that host names do not have",
		" h5.example.com":                 onlyHost,
		"h5.example.com\n":                onlyHost,
		"h5.example.com\x00":              onlyHost,
		"h5.example.com/\x00":             onlyHost,
		"h5.exam\u00adple.com":            onlyHost,
		"h5.example.com/\u200b":           onlyHost,
		"h5.example.com/\xff":             onlyHost,
		"h5.example.com?a=1":              onlyHost,
		"h5.example.com#a":                onlyHost,
		"user@h5.example.com":             onlyHost,
		`h5.example.com\shop`:             onlyHost,
		"h5.example.com/%73hop":           onlyHost,
		"h5%2eexample.com":                onlyHost,
		`"h5.example.com"`:                onlyHost,
		"<h5.example.com>":                onlyHost,
		"h5..example.com":                 "empty or overlong label",
		".example.com":                    "empty or overlong label",
		strings.Repeat("a", 64) + ".com":  "empty or overlong label",
		strings.Repeat("a.", 127) + "com": "too long",
		"h5.example.com/shop/..":          "must not contain . or .. segments",
		"h5.example.com/./shop":           "must not contain . or .. segments",
		"h5.example.com/..;/shop":         "must not contain . or .. segments",
		"h5.example.com/*":                "must not contain a star",
		"h5.example.com/shop/*":           "must not contain a star",
		"h5\u3002example.com":             "not written the way browsers show it",
		"\uff485.example.com":             "not written the way browsers show it",
		"xn--\u00fc.example":              "not a valid internationalised name",
	} {
		_, err := pageurl.ParsePattern(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want …%s…", text, err, want)
			continue
		}
		if !strings.HasPrefix(err.Error(), "domain ") || strings.Contains(err.Error(), pageurl.ErrInvalid.Error()) {
			t.Errorf("%q: %q does not speak of a domain", text, err)
		}
	}
}

// A refusal tells what is wrong and never quotes the URL, which may hold an
// OAuth code.
func TestErrorText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                  "the url is missing",
		"https%3A%2F%2Fh5.example.com":      "the url is percent-encoded twice",
		"https://h5.example.com/?a=1&amp;b": "the url contains &amp;",
		"/shop?code=canary":                 "the url is not a page URL: it must be absolute: https://host/path",
		"ftp://canary.example/":             "the url is not a page URL: its scheme must be https or http",
		"https://canary@h5.example.com/":    "the url is not a page URL: it must not hold a user name",
		"https://h5.example.com/a b?canary": `the url is not a page URL: it contains ' '; pass location.href.split('#')[0] unchanged`,
		"https://h5.example.com/\u200b":     "the url is not a page URL: it contains the invisible character U+200B",

		"https://h5.example.com/" + strings.Repeat("a", 2048): "the url is too long: 2071 bytes, at most 2048 are signed",
	} {
		if _, err := pageurl.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://h5.example.com":            "https://h5.example.com",
		"HTTPS://H5.Example.com/a?b":        "https://h5.example.com",
		"https://h5.example.com:443/":       "https://h5.example.com:443",
		"http://h5.example.com:8080?a":      "http://h5.example.com:8080",
		"https://[2001:DB8:0::1]:8443/":     "https://[2001:db8::1]:8443",
		"https://商店.example.com/分享":         "https://xn--czrs0t.example.com",
		"https://127.0.0.1:8080/demo/share": "https://127.0.0.1:8080",
	} {
		u, err := pageurl.Parse(text)
		if err != nil || u.Origin() != want {
			t.Errorf("%s: origin %q, %v; want %q", text, u.Origin(), err, want)
		}
	}
}

func TestParents(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://a.b.example.com/": "b.example.com example.com com",
		"https://localhost/":       "",
		"https://127.0.0.1/":       "",
		"https://[::1]/":           "",
	} {
		u, err := pageurl.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for name := range u.Parents() {
			got = append(got, name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %s", text, got, want)
		}
	}
}
