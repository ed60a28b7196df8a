package pageurl_test

import (
	"errors"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/pageurl"
)

func seedPages(f *testing.F, add func(url, domain string)) {
	f.Helper()
	for _, table := range [][]page{hostileForms, hostileHosts, hostileNumbers, hostileUnicode, hostilePaths, legal} {
		for _, row := range table {
			domain, _, _ := strings.Cut(row.domains, ",")
			add(row.url, domain)
		}
	}
}

// What Parse takes is signed as it came, and net/url reads it the same way.
func FuzzParse(f *testing.F) {
	seedPages(f, func(url, _ string) { f.Add(url) })
	f.Fuzz(func(t *testing.T, text string) {
		exact, exactErr := pageurl.ParseExact(text)
		u, err := pageurl.Parse(text)
		checkError(t, err)
		checkError(t, exactErr)
		switch {
		case err == nil && (exactErr != nil || u != exact):
			t.Fatalf("%q: Parse takes it, ParseExact says %v", text, exactErr)
		case err != nil && exactErr == nil && !errors.Is(err, pageurl.ErrEscapedHTML):
			t.Fatalf("%q: ParseExact takes it, Parse says %v", text, err)
		case exactErr != nil:
			return
		}
		signed, _, _ := strings.Cut(text, "#")
		if exact.Signed() != signed {
			t.Fatalf("%q: signs %q", text, exact.Signed())
		}
		if len(signed) > pageurl.MaxLength {
			t.Fatalf("%d bytes are signed", len(signed))
		}
		checkAgainstNetURL(t, exact)
	})
}

func checkError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var e *pageurl.Error
	if !errors.As(err, &e) || e.Reason == nil {
		t.Fatalf("%v is no *pageurl.Error with a reason", err)
	}
}

// checkAgainstNetURL compares with another reader of the same text. A broken
// escape, which net/url refuses and browsers leave alone, is taken out before.
func checkAgainstNetURL(t *testing.T, u pageurl.URL) {
	t.Helper()
	other, err := url.Parse(u.Signed())
	if err != nil {
		if _, is := errors.AsType[url.EscapeError](err); !is {
			t.Fatalf("%q: net/url: %v", u.Signed(), err)
		}
		if other, err = url.Parse(strings.ReplaceAll(u.Signed(), "%", "_")); err != nil {
			t.Fatalf("%q: net/url: %v", u.Signed(), err)
		}
	}
	if other.Scheme != u.Scheme() || other.User != nil || other.Opaque != "" {
		t.Fatalf("%q: scheme %q, net/url reads %#v", u.Signed(), u.Scheme(), other)
	}
	if !sameHost(u.Hostname(), other.Hostname()) {
		t.Fatalf("%q: host %q, net/url reads %q", u.Signed(), u.Hostname(), other.Hostname())
	}
	if origin, err := url.Parse(u.Origin()); err != nil || origin.Port() != other.Port() || !sameHost(origin.Hostname(), other.Hostname()) {
		t.Fatalf("%q: origin %q, net/url reads port %q", u.Signed(), u.Origin(), other.Port())
	}
}

// sameHost compares a host of ours with one of net/url, which neither lowers
// nor encodes. Every label that is not ASCII must have become punycode.
func sameHost(ours, theirs string) bool {
	if a, err := netip.ParseAddr(theirs); err == nil {
		b, err := netip.ParseAddr(ours)
		return err == nil && a == b
	}
	our, their := strings.Split(ours, "."), strings.Split(theirs, ".")
	if len(our) != len(their) {
		return false
	}
	for i := range our {
		if strings.ContainsFunc(their[i], func(r rune) bool { return r >= 0x80 }) {
			if !strings.HasPrefix(our[i], "xn--") {
				return false
			}
		} else if our[i] != strings.ToLower(their[i]) {
			return false
		}
	}
	return true
}

// A match implies that net/url, too, sees the entry's host or one below it, on
// https or where http is allowed, and under the entry's path.
func FuzzMatch(f *testing.F) {
	seedPages(f, func(url, domain string) { f.Add(url, domain) })
	f.Fuzz(func(t *testing.T, text, domain string) {
		u, err := pageurl.ParseExact(text)
		if err != nil {
			return
		}
		p, err := pageurl.ParsePattern(domain)
		if err != nil {
			return
		}
		if p.Match(u, false) {
			if u.Scheme() != "https" || !p.Match(u, true) {
				t.Fatalf("%q matches %q on http", text, domain)
			}
		}
		if !p.Match(u, true) {
			return
		}
		if !p.MatchOrigin(u, true) {
			t.Fatalf("%q matches %q, its origin does not", text, domain)
		}
		origin, err := url.Parse(u.Origin())
		if err != nil {
			t.Fatal(err)
		}
		name, wildcard := p.Host()
		if host := origin.Hostname(); wildcard && !strings.HasSuffix(host, "."+name) || !wildcard && host != name {
			t.Fatalf("%q (host %q) matches %q", text, host, domain)
		}
		if _, prefix, found := strings.Cut(strings.TrimRight(domain, "/"), "/"); found {
			checkUnderPath(t, u, prefix)
		}
	})
}

// checkUnderPath reads the path the way careless servers do, decoded up to
// three times, with backslashes for slashes and without path parameters, and
// looks where it leads.
func checkUnderPath(t *testing.T, u pageurl.URL, prefix string) {
	t.Helper()
	read, err := url.Parse(u.Signed())
	if err != nil {
		t.Fatalf("%q matches under /%s, net/url: %v", u.Signed(), prefix, err)
	}
	want := path.Clean("/"+prefix) + "/"
	for text, err := read.Path, error(nil); err == nil; text, err = url.PathUnescape(text) {
		segments := strings.Split(strings.ReplaceAll(text, `\`, "/"), "/")
		for i := range segments {
			segments[i], _, _ = strings.Cut(segments[i], ";")
		}
		if under := path.Clean(strings.Join(segments, "/")) + "/"; !strings.HasPrefix(under, want) && !strings.Contains(prefix, ";") {
			t.Fatalf("%q: a server reads %q, which is not under %s", u.Signed(), under, want)
		}
		if !strings.Contains(text, "%") {
			return
		}
	}
}

func FuzzParsePattern(f *testing.F) {
	seedPages(f, func(_, domain string) { f.Add(domain) })
	for _, text := range []string{"*.", "*.127.0.0.1", "h5.example.com/*", "[::1", "h5。example.com", "a:b:c", "/", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := pageurl.ParsePattern(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "domain ") {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if p.String() != text {
			t.Fatalf("%q became %q", text, p)
		}
		name, wildcard := p.Host()
		if name == "" || strings.ContainsAny(name, "/*@?# ") {
			t.Fatalf("%q: host %q", text, name)
		}
		// An entry serves the page that stands at it, and with a star what is below.
		at := strings.TrimPrefix(text, "*.")
		u, err := pageurl.ParseExact("https://" + at)
		if wildcard {
			if err == nil && p.Match(u, false) {
				t.Fatalf("%q matches its own apex", text)
			}
			u, err = pageurl.ParseExact("https://a." + at)
		}
		if err == nil && !p.Match(u, false) && !strings.Contains(at, ":") {
			t.Fatalf("%q does not match %q", text, u.Signed())
		}
	})
}
