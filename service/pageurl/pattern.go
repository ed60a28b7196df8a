package pageurl

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern is one entry of an account's domain list:
//
//	h5.example.com        exactly this host, on the scheme's default port
//	*.example.com         subdomains of any depth, not example.com itself
//	h5.example.com:8443   exactly this port
//	h5.example.com/shop   only /shop and what lies below it
//
// IP addresses match only where they are written exactly.
type Pattern struct {
	text     string
	host     host
	wildcard bool   // host is the part behind "*."
	port     string // "" = the default port of the page's scheme
	path     string // "" = every path; no trailing slash; see escapeNonASCII
}

// ParsePattern reads one entry. Its error says what to write instead.
func ParsePattern(text string) (Pattern, error) {
	p, err := parsePattern(text)
	if err != nil {
		if e, is := errors.AsType[*Error](err); is { // its reason speaks of a URL, which this is not
			err = errors.New(e.Detail)
		}
		return Pattern{}, fmt.Errorf("domain %q: %w", text, err)
	}
	return p, nil
}

func parsePattern(text string) (Pattern, error) {
	if strings.Contains(text, "://") {
		return Pattern{}, errors.New("write the host without https://, for instance h5.example.com")
	}
	if strings.ContainsAny(text, "?#@\\%") || checkCharacters(text) != nil {
		return Pattern{}, errors.New("only a host, an optional :port and an optional /path are allowed")
	}
	authority, path := text, ""
	if i := strings.Index(text, "/"); i >= 0 {
		authority, path = text[:i], text[i:]
	}
	p := Pattern{text: text, path: escapeNonASCII(strings.TrimRight(path, "/"))}
	if err := checkPatternPath(path); err != nil {
		return Pattern{}, err
	}
	authority, p.wildcard = strings.CutPrefix(authority, "*.")
	if strings.Contains(authority, "*") {
		return Pattern{}, errors.New("a star may only stand at the start, as in *.example.com")
	}
	var err error
	if p.host, p.port, err = parseAuthority(authority); err != nil {
		return Pattern{}, err
	}
	if p.wildcard && p.host.ip {
		return Pattern{}, errors.New("an IP address has no subdomains")
	}
	return p, nil
}

func checkPatternPath(path string) error {
	if hasDotSegments(path) {
		return errors.New("the path must not contain . or .. segments")
	}
	if strings.Contains(path, "*") {
		return errors.New("the path must not contain a star: /shop covers all that lies below it")
	}
	return nil
}

// String is the entry as it was written.
func (p Pattern) String() string { return p.text }

// Host is the host to index the pattern by: the exact host, or with wildcard
// true the name whose subdomains match.
func (p Pattern) Host() (name string, wildcard bool) { return p.host.name, p.wildcard }

// Match reports whether a page at u belongs to this entry. Pages on http match
// only with allowHTTP.
func (p Pattern) Match(u URL, allowHTTP bool) bool {
	return p.MatchOrigin(u, allowHTTP) && p.matchPath(u.path)
}

// MatchOrigin is Match without the path, for the Origin header of a request.
func (p Pattern) MatchOrigin(u URL, allowHTTP bool) bool {
	if u.scheme == "http" && !allowHTTP {
		return false
	}
	port := p.port
	if port == "" {
		port = defaultPort(u.scheme)
	}
	return u.effectivePort() == port && p.matchHost(u.host)
}

func (p Pattern) matchHost(h host) bool {
	if !p.wildcard {
		return h == p.host
	}
	sub, found := strings.CutSuffix(h.name, p.host.name)
	return found && !h.ip && len(sub) > 1 && strings.HasSuffix(sub, ".")
}

// matchPath compares on a segment boundary. Under a path prefix a dot segment
// is refused in every spelling, because it could lead out of the prefix again.
func (p Pattern) matchPath(path string) bool {
	if p.path == "" {
		return true
	}
	rest, found := strings.CutPrefix(escapeNonASCII(path), p.path)
	return found && (rest == "" || rest[0] == '/') && !hasDotSegments(path)
}

// escapeNonASCII writes a path the way browsers show it, so that an entry with
// a Chinese path matches whether or not the page's URL is escaped.
func escapeNonASCII(path string) string {
	if isASCII(path) {
		return path
	}
	var b strings.Builder
	for i := range len(path) {
		if path[i] < utf8.RuneSelf {
			b.WriteByte(path[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", path[i])
		}
	}
	return b.String()
}

// hasDotSegments finds "." and ".." between slashes and backslashes, also with
// path parameters ("..;"), also percent-encoded, also encoded more than once.
// A broken escape or an encoded control character counts as one: what a server
// makes of it is anybody's guess.
func hasDotSegments(path string) bool {
	if _, err := url.PathUnescape(path); err != nil {
		return true
	}
	const mostDecodings = 4
	for range mostDecodings {
		for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
			segment, _, _ = strings.Cut(segment, ";")
			if segment == "." || segment == ".." {
				return true
			}
		}
		decoded := decode(path)
		if strings.ContainsFunc(decoded, unicode.IsControl) {
			return true
		}
		if decoded == path {
			return false
		}
		path = decoded
	}
	return true // still encoded after four rounds: nobody means well with that
}

// decode percent-decodes what can be decoded and leaves the rest: 50%25-off
// becomes 50%-off, and that stays.
func decode(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	decoded := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if b, err := hex.DecodeString(path[i+1 : i+3]); err == nil {
				decoded = append(decoded, b...)
				i += 2
				continue
			}
		}
		decoded = append(decoded, path[i])
	}
	return string(decoded)
}
