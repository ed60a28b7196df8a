package relay_test

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/relay"
)

// The oracle is net/url's own reading of a query, as far as it can read it.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"access_token=wxs_1", "a=1&access_token=x&b=%20+", "access%5ftoken=x",
		"%61ccess_token", "access_token", "&&access_token=&&", "access_token=a=b&%zz=1", "a;access_token=1",
	} {
		f.Add(seed, "80_live-token&=+%")
	}
	f.Fuzz(func(t *testing.T, raw, value string) {
		const name = "access_token"
		n := relay.CountParam(raw, name)
		changed := relay.SetParam(raw, name, value)
		if n == 0 && changed != raw {
			t.Fatalf("%q became %q though it has no %s", raw, changed, name)
		}
		if relay.CountParam(changed, name) != n {
			t.Fatalf("%q has %d of %s, %q another number", raw, n, name, changed)
		}
		if n > 0 && relay.Param(changed, name) != value {
			t.Fatalf("%q: its value is %q, want %q", changed, relay.Param(changed, name), value)
		}
		before, after := strings.Split(raw, "&"), strings.Split(changed, "&")
		if len(before) != len(after) {
			t.Fatalf("%q has another number of parameters than %q", changed, raw)
		}
		different := 0
		for i := range before {
			if before[i] != after[i] {
				different++
			}
		}
		if different > n {
			t.Fatalf("%q: more than the %d parameters of %q changed", changed, n, raw)
		}
		if values, err := url.ParseQuery(raw); err == nil {
			if len(values[name]) != n {
				t.Fatalf("%q: net/url finds %d, we %d", raw, len(values[name]), n)
			}
			if n > 0 && values.Get(name) != relay.Param(raw, name) {
				t.Fatalf("%q: net/url reads %q, we %q", raw, values.Get(name), relay.Param(raw, name))
			}
		}
	})
}

func FuzzErrcode(f *testing.F) {
	for _, seed := range []string{
		`{"errcode":40001,"errmsg":"x"}`, `{"errcode":-1}`, `{"errcode":"40001"}`, `[{"errcode":1}]`, `{"a":{"errcode":1}}`,
		`{"errcode":1e3}`, `{"errcode":null}`, `{"errcode":99999999999999999999}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		code := relay.ErrcodeOf(body)
		if code == 0 {
			return
		}
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil {
			t.Fatalf("%q is no JSON object and has errcode %d", body, code)
		}
		if number, ok := fields["errcode"].(float64); !ok || int(number) != code {
			t.Fatalf("%q: errcode %d, want %v", body, code, fields["errcode"])
		}
	})
}

// A path that passes is read in one way only: cleaning it, decoding it once more
// and folding slashes change nothing.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/cgi-bin/x", "/a/../b", "/%2e%2e/x", "/a//b", "/a%2fb", "/%252e", "/a/", "/ü", "/a;b", "/a%5cb", "/a%00", "/%ff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") || !relay.IsPlain(u.Path, u.EscapedPath()) {
			return
		}
		if clean := path.Clean(u.Path); u.Path != "/" && clean != strings.TrimSuffix(u.Path, "/") {
			t.Fatalf("%q passes and may be read as %q", raw, clean)
		}
		if again, err := url.PathUnescape(u.Path); err != nil || again != u.Path {
			t.Fatalf("%q passes and may be decoded to %q", raw, again)
		}
		if strings.ContainsAny(u.Path, "\\?#;\r\n\x00") {
			t.Fatalf("%q passes", raw)
		}
	})
}

func FuzzHolds(f *testing.F) {
	f.Add("a=%77xs_1&b", "wxs_1")
	f.Fuzz(func(t *testing.T, raw, text string) {
		decoded, err := url.PathUnescape(raw)
		if err == nil && strings.Contains(decoded, text) && !relay.Holds(raw, text) {
			t.Fatalf("%q holds %q and it was not found", raw, text)
		}
	})
}
