package relay

import (
	"net/url"
	"strings"
)

// The parameters that are replaced.
const (
	paramToken  = "access_token"
	paramSecret = "secret"
	paramAppID  = "appid"
)

// isParam reports whether a piece between two & is the parameter, however its
// name is escaped.
func isParam(piece, name string) (value string, is bool) {
	key, value, _ := strings.Cut(piece, "=")
	if key == name {
		return value, true
	}
	decoded, err := url.QueryUnescape(key)
	return value, err == nil && decoded == name
}

// countParam is how often a raw query has the parameter.
func countParam(raw, name string) int {
	n := 0
	for piece := range strings.SplitSeq(raw, "&") {
		if _, is := isParam(piece, name); is {
			n++
		}
	}
	return n
}

// param is the decoded value of the first parameter of this name, "" if there
// is none or it cannot be decoded.
func param(raw, name string) string {
	for piece := range strings.SplitSeq(raw, "&") {
		if value, is := isParam(piece, name); is {
			decoded, err := url.QueryUnescape(value)
			if err != nil {
				return ""
			}
			return decoded
		}
	}
	return ""
}

// presentsKey reports whether a parameter holds what looks like an API key.
func presentsKey(raw string) bool {
	for piece := range strings.SplitSeq(raw, "&") {
		_, value, _ := strings.Cut(piece, "=")
		decoded, err := url.QueryUnescape(value)
		if err != nil {
			decoded = value
		}
		if strings.HasPrefix(decoded, keyPrefix) {
			return true
		}
	}
	return false
}

// setParam replaces the value of every parameter of this name; every other byte
// of the query stays as it is.
func setParam(raw, name, value string) string {
	var out strings.Builder
	out.Grow(len(raw) + len(value))
	first := true
	for piece := range strings.SplitSeq(raw, "&") {
		if !first {
			out.WriteByte('&')
		}
		first = false
		if _, is := isParam(piece, name); !is {
			out.WriteString(piece)
			continue
		}
		key, _, _ := strings.Cut(piece, "=")
		out.WriteString(key + "=" + url.QueryEscape(value))
	}
	return out.String()
}

// holds reports whether text is anywhere in a query or a path, plain or
// escaped: where an API key must not be.
func holds(raw, text string) bool {
	if strings.Contains(raw, text) {
		return true
	}
	var decoded strings.Builder // unlike url.QueryUnescape it goes on behind a stray %
	for i := 0; i < len(raw); i++ {
		if raw[i] == '%' && i+2 < len(raw) {
			if b, err := url.PathUnescape(raw[i : i+3]); err == nil {
				decoded.WriteString(b)
				i += 2
				continue
			}
		}
		decoded.WriteByte(raw[i])
	}
	return strings.Contains(decoded.String(), text)
}
