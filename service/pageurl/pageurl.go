// Package pageurl reads the URL of a page that wants a signature, and the
// domain patterns that say whose pages an account signs for.
//
// WeChat compares the signed string with the URL its own web view shows, byte
// for byte. So nothing here rewrites a URL: the parsed parts serve the
// allow-list only, and Signed returns the bytes that came in. What no browser
// ever shows in location.href (blanks, control characters, a backslash before
// the query, userinfo) is refused, because there our reading and the browser's
// could differ.
package pageurl

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest page URL that is signed, in bytes without fragment.
const MaxLength = 2048

// The reasons to refuse a page URL. An Error carries one of them with detail.
var (
	ErrMissing       = errors.New("the url is missing")
	ErrInvalid       = errors.New("the url is not a page URL")
	ErrTooLong       = errors.New("the url is too long")
	ErrEscapedHTML   = errors.New("the url contains &amp;")
	ErrDoubleEncoded = errors.New("the url is percent-encoded twice")
)

// Error says why a page URL was refused. Its text is safe to show to callers.
type Error struct {
	Reason error  // one of this package's sentinels
	Detail string // what exactly is wrong
}

// Error implements error.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Reason.Error()
	}
	return e.Reason.Error() + ": " + e.Detail
}

// Unwrap lets errors.Is find the reason.
func (e *Error) Unwrap() error { return e.Reason }

func invalid(format string, args ...any) error {
	return &Error{Reason: ErrInvalid, Detail: fmt.Sprintf(format, args...)}
}

// URL is a page URL that passed Parse.
type URL struct {
	signed string
	scheme string
	host   host
	port   string // as written, "" where none was
	path   string // escaped, as written
}

// Parse reads a page URL that was percent-decoded once, as it is after a query
// value has been decoded. It cuts the fragment. Errors are *Error.
func Parse(text string) (URL, error) {
	u, err := ParseExact(text)
	switch {
	case err != nil && (hasPrefixFold(text, "http%3a") || hasPrefixFold(text, "https%3a")): // which is no scheme
		return URL{}, &Error{Reason: ErrDoubleEncoded}
	case err == nil && strings.Contains(u.signed, "&amp;"):
		return URL{}, &Error{Reason: ErrEscapedHTML}
	}
	return u, err
}

// ParseExact is Parse for a caller who vouches that the text is location.href:
// a page that really was opened at a URL with "&amp;" in it must sign just that.
func ParseExact(text string) (URL, error) {
	signed, _, _ := strings.Cut(text, "#")
	switch {
	case signed == "":
		return URL{}, &Error{Reason: ErrMissing}
	case len(signed) > MaxLength:
		return URL{}, &Error{Reason: ErrTooLong, Detail: fmt.Sprintf("%d bytes, at most %d are signed", len(signed), MaxLength)}
	}
	if err := checkCharacters(signed); err != nil {
		return URL{}, err
	}
	return split(signed)
}

// Signed is the string to sign: the input up to the first '#', byte for byte.
func (u URL) Signed() string { return u.signed }

// Scheme is "http" or "https".
func (u URL) Scheme() string { return u.scheme }

// Hostname is the host in lower case and punycode, an IPv6 literal without
// brackets.
func (u URL) Hostname() string { return u.host.name }

// Origin is scheme, host and port (where one was written) for messages.
func (u URL) Origin() string {
	if u.port == "" {
		return u.scheme + "://" + u.host.String()
	}
	return u.scheme + "://" + u.host.String() + ":" + u.port
}

// effectivePort is the port that the browser connects to.
func (u URL) effectivePort() string {
	if u.port == "" {
		return defaultPort(u.scheme)
	}
	return u.port
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// split takes the URL apart the way a browser does for http and https: the
// authority ends at the first '/' or '?' ('\\' was refused before).
func split(text string) (URL, error) {
	scheme, rest, err := cutScheme(text)
	if err != nil {
		return URL{}, err
	}
	u := URL{signed: text, scheme: scheme}
	authority, _, _ := strings.Cut(rest, "?")
	if slash := strings.IndexByte(authority, '/'); slash >= 0 {
		authority, u.path = authority[:slash], authority[slash:]
	}
	if strings.Contains(authority, "@") {
		return URL{}, invalid("it must not hold a user name")
	}
	u.host, u.port, err = parseAuthority(authority)
	return u, err
}

// cutScheme finds "http" or "https", in lower case, and what is behind its "://".
func cutScheme(text string) (scheme, rest string, err error) {
	if rest, usual := strings.CutPrefix(text, "https://"); usual {
		return "https", rest, nil
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return "", "", invalid("it must be absolute: https://host/path")
	}
	// Not EqualFold: it folds U+017F, the long s, into the s of https.
	scheme = strings.ToLower(scheme)
	if scheme != "https" && scheme != "http" {
		return "", "", invalid("its scheme must be https or http")
	}
	return scheme, rest, nil
}

// checkCharacters refuses what no browser shows in location.href.
func checkCharacters(text string) error {
	for i := range len(text) {
		if b := text[i]; b <= ' ' || b > '~' || b == '"' || b == '<' || b == '>' || b == '\\' {
			return checkUnusual(text)
		}
	}
	return nil
}

// checkUnusual is checkCharacters for a text with other bytes than nearly all URLs have.
func checkUnusual(text string) error {
	if !utf8.ValidString(text) {
		return invalid("it is not valid UTF-8")
	}
	query := false
	for _, r := range text {
		switch {
		case r == '?':
			query = true
		case r == ' ' || r == '"' || r == '<' || r == '>':
			return invalid("it contains %q; pass location.href.split('#')[0] unchanged", r)
		case r == '\\':
			if !query {
				return invalid("it contains a backslash")
			}
		case '!' <= r && r <= '~': // the rest of ASCII that can be seen
		case unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
			return invalid("it contains the invisible character %U", r)
		}
	}
	return nil
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}

// Parents iterates over the names above the host, nearest first: for
// a.b.example.com b.example.com, example.com, com. An IP address has none.
func (u URL) Parents() iter.Seq[string] {
	return func(yield func(string) bool) {
		if u.host.ip {
			return
		}
		_, name, found := strings.Cut(u.host.name, ".")
		for found && yield(name) {
			_, name, found = strings.Cut(name, ".")
		}
	}
}
