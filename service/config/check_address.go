package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// isAddress reports whether text is host:port with a numeric port; the host may
// be empty (every interface).
func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || !printable(text) || strings.ContainsAny(text, " /@?#") {
		return false
	}
	if strings.Contains(host, ":") { // only IPv6 has colons
		if _, err := netip.ParseAddr(host); err != nil {
			return false
		}
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// isLoopback reports whether only this machine reaches the host.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// isLoopbackAddress is isLoopback for host:port.
func isLoopbackAddress(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopback(host)
}

// isNetwork reports whether text is a CIDR or a single address.
func isNetwork(text string) bool {
	if _, err := netip.ParsePrefix(text); err == nil {
		return true
	}
	address, err := netip.ParseAddr(text)
	return err == nil && address.Zone() == ""
}

// networks checks a list of CIDRs and addresses.
func (l *loader) networks(path string, values []string) {
	for i, value := range values {
		if !isNetwork(value) {
			l.fault(join(path, strconv.Itoa(i)), "is not a network: "+quote(value),
				`write a CIDR or an address, as in "10.0.0.0/8" or "192.168.1.7"`)
		}
	}
}

// parseURL takes http and https URLs without user, query and fragment apart. It
// tells no reason, because url.Parse quotes the URL, and a URL may hold a
// password.
func parseURL(text string) (*url.URL, bool) {
	parsed, err := url.Parse(text)
	if err != nil || !slices.Contains([]string{"http", "https"}, parsed.Scheme) || parsed.Hostname() == "" {
		return nil, false
	}
	if port := parsed.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return nil, false
		}
	}
	return parsed, true
}

// plainURL checks a URL to which paths are added: nothing may follow its path.
func (l *loader) plainURL(path, text string) (*url.URL, bool) {
	parsed, ok := parseURL(text)
	if !ok || parsed.User != nil || parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" {
		l.fault(path, "must be an http or https URL without user, query and fragment", `write it as in "https://example.com"`)
		return nil, false
	}
	return parsed, true
}

// upstreamURL checks a server that gets secrets: https, or http on loopback.
func (l *loader) upstreamURL(path, text string) {
	if parsed, ok := l.plainURL(path, text); ok && parsed.Scheme != "https" && !isLoopback(parsed.Hostname()) {
		l.fault(path, "is neither https nor on loopback", "AppSecret and tokens go there: write https://")
	}
}

func trimSlash(url string) string { return strings.TrimRight(url, "/") }
