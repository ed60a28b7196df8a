package simulator

import (
	"fmt"
	"net/url"
	"strings"
)

// domain is one JS safe domain: a host that covers its subdomains, and
// optionally a path that covers what lies below it.
type domain struct{ host, path string }

func parseDomains(entries []string) ([]domain, error) {
	domains := make([]domain, 0, len(entries))
	for _, entry := range entries {
		host, path, _ := strings.Cut(entry, "/")
		if host == "" || strings.ContainsAny(entry, ":*?#@% \\") {
			return nil, fmt.Errorf(`domains: %q is not "host" or "host/path" (no scheme, no port, no star: a domain covers its subdomains)`, entry)
		}
		domains = append(domains, domain{host: strings.ToLower(host), path: strings.Trim(path, "/")})
	}
	return domains, nil
}

// covers reports whether a page lies on the domain. A path counts to its
// segment's end: wx.qq.com/mp covers /mp and /mp/x, not /mpx.
func (d domain) covers(host, path string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host != d.host && !strings.HasSuffix(host, "."+d.host) {
		return false
	}
	path = strings.TrimPrefix(path, "/")
	return d.path == "" || path == d.path || strings.HasPrefix(path, d.path+"/")
}

func (d domain) String() string {
	if d.path == "" {
		return d.host
	}
	return d.host + "/" + d.path
}

// checkPage says in words why a page URL lies on none of the account's domains;
// "" = it does. Ports other than 80 and 443 are refused unless anyPort.
func checkPage(page string, domains []domain, anyPort bool) string {
	u, err := url.Parse(page)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Sprintf("%q is not an absolute http or https URL", page)
	}
	if port := u.Port(); !anyPort && !oneOf(port, "", "80", "443") {
		return fmt.Sprintf("port %s: WeChat verifies pages on 80 and 443 only (the simulator's AnyPort lifts that)", port)
	}
	names := make([]string, 0, len(domains))
	for _, d := range domains {
		if d.covers(u.Hostname(), u.EscapedPath()) {
			return ""
		}
		names = append(names, d.String())
	}
	return fmt.Sprintf("%s%s is on none of the account's JS safe domains (%s)", u.Hostname(), u.EscapedPath(), strings.Join(names, ", "))
}
