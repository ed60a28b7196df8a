package pageurl

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// host is a host name in the form in which names are compared: lower case,
// punycode, no brackets.
type host struct {
	name string
	ip   bool
}

// The longest host name and the longest label of one, in bytes (RFC 1035).
const (
	maxName  = 253
	maxLabel = 63
)

// String puts the brackets of an IPv6 literal back.
func (h host) String() string {
	if h.ip && strings.Contains(h.name, ":") {
		return "[" + h.name + "]"
	}
	return h.name
}

// parseAuthority reads "host", "host:port", "[v6]" and "[v6]:port".
func parseAuthority(authority string) (host, string, error) {
	name, port := authority, ""
	if strings.HasPrefix(authority, "[") {
		end := strings.Index(authority, "]")
		if end < 0 {
			return host{}, "", invalid("its IPv6 address has no closing bracket")
		}
		name, port = authority[:end+1], authority[end+1:]
	} else if i := strings.Index(authority, ":"); i >= 0 {
		name, port = authority[:i], authority[i:]
	}
	if port != "" {
		var err error
		if port, err = parsePort(port); err != nil {
			return host{}, "", err
		}
	}
	h, err := parseHost(name)
	return h, port, err
}

// parsePort reads ":8080". Browsers never show an empty port or leading zeros.
func parsePort(text string) (string, error) {
	digits, found := strings.CutPrefix(text, ":")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !found || err != nil || n == 0 || digits[0] == '0' {
		return "", invalid("its port must be a number from 1 to 65535")
	}
	return digits, nil
}

func parseHost(name string) (host, error) {
	if literal, found := strings.CutPrefix(name, "["); found {
		addr, err := netip.ParseAddr(strings.TrimSuffix(literal, "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return host{}, invalid("its IPv6 address is malformed")
		}
		return host{name: addr.String(), ip: true}, nil
	}
	ascii, err := toASCII(name)
	if err != nil {
		return host{}, err
	}
	// Names are not even tried as addresses: the error would cost an allocation.
	if ascii != "" && isDigit(ascii[len(ascii)-1]) {
		if addr, err := netip.ParseAddr(ascii); err == nil && addr.Is4() {
			return host{name: ascii, ip: true}, nil
		}
	}
	return host{name: ascii}, checkName(ascii)
}

// toASCII lowers the name and turns an internationalised one into punycode. A
// name that only maps to another one (fullwidth letters, an ideographic full
// stop, the Kelvin sign, characters that vanish) is refused: no browser shows
// it so, and nobody lists it so.
func toASCII(name string) (string, error) {
	if isASCII(name) {
		return strings.ToLower(name), nil
	}
	for label := range strings.SplitSeq(name, ".") {
		// Punycode is never shorter, and takes time in the square of the length.
		if utf8.RuneCountInString(label) > maxLabel {
			return "", invalid("its host has an empty or overlong label")
		}
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		return "", invalid("its host is not a valid internationalised name")
	}
	if shown, err := idna.Lookup.ToUnicode(ascii); err != nil || shown != strings.Map(lowerASCII, name) {
		return "", invalid("its host is not written the way browsers show it")
	}
	return ascii, nil
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// checkName accepts host names of letters, digits, '-' and '_', and a trailing
// dot. A last label that is a number is refused: browsers read 127.1, 0x7f.1
// and 2130706433 as IPv4 addresses.
func checkName(name string) error {
	labels := strings.TrimSuffix(name, ".")
	if labels == "" || len(labels) > maxName {
		return invalid("its host is empty or too long")
	}
	last, more := "", true
	for more {
		if last, labels, more = strings.Cut(labels, "."); last == "" || len(last) > maxLabel {
			return invalid("its host has an empty or overlong label")
		}
		for i := range len(last) {
			if !inName(last[i]) {
				return invalid("its host holds a character that host names do not have")
			}
		}
	}
	if isDigit(last[0]) && isNumber(last) {
		return invalid("its host looks like an IPv4 address in an unusual form")
	}
	return nil
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func inName(b byte) bool { return 'a' <= b && b <= 'z' || isDigit(b) || b == '-' || b == '_' }

// isNumber follows the WHATWG URL standard's "ends in a number" check.
func isNumber(label string) bool {
	if hex, found := strings.CutPrefix(label, "0x"); found {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}
