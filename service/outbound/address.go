package outbound

import "net/netip"

// Two degrees of an address that is not public.
type degree int

const (
	public  degree = iota
	private        // may be reached where a target or Options.Allow says so
	never          // only where Options.Allow says so
)

// reserved are the networks that no public server has, from the IANA registries
// of special-purpose addresses, and single addresses at which clouds hand out
// credentials: their documents name them.
var reserved = []struct {
	network netip.Prefix
	degree  degree
	what    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), never, "no address of a server"},
	{netip.MustParsePrefix("169.254.0.0/16"), never, "link-local, where clouds keep credentials"},
	{netip.MustParsePrefix("100.100.100.200/32"), never, "where a cloud keeps credentials"},
	{netip.MustParsePrefix("192.0.0.192/32"), never, "where a cloud keeps credentials"},
	{netip.MustParsePrefix("168.63.129.16/32"), never, "where a cloud keeps credentials"}, // public, but only in name
	{netip.MustParsePrefix("fd00:ec2::254/128"), never, "where a cloud keeps credentials"},
	{netip.MustParsePrefix("fd20:ce::254/128"), never, "where a cloud keeps credentials"},
	{netip.MustParsePrefix("fe80::/10"), never, "link-local"},
	{netip.MustParsePrefix("224.0.0.0/4"), never, "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), never, "no address of a server"},
	{netip.MustParsePrefix("ff00::/8"), never, "a multicast address"},
	{netip.MustParsePrefix("::/128"), never, "no address of a server"},
	{netip.MustParsePrefix("127.0.0.0/8"), private, "a loopback address"},
	{netip.MustParsePrefix("::1/128"), private, "a loopback address"},
	{netip.MustParsePrefix("10.0.0.0/8"), private, "a private address"},
	{netip.MustParsePrefix("172.16.0.0/12"), private, "a private address"},
	{netip.MustParsePrefix("192.168.0.0/16"), private, "a private address"},
	{netip.MustParsePrefix("100.64.0.0/10"), private, "a shared address of carriers"},
	{netip.MustParsePrefix("192.0.0.0/24"), private, "a reserved address"},
	{netip.MustParsePrefix("192.0.2.0/24"), private, "an address for documents"},
	{netip.MustParsePrefix("192.88.99.0/24"), private, "a reserved address"},
	{netip.MustParsePrefix("198.18.0.0/15"), private, "an address for measurements"},
	{netip.MustParsePrefix("198.51.100.0/24"), private, "an address for documents"},
	{netip.MustParsePrefix("203.0.113.0/24"), private, "an address for documents"},
	{netip.MustParsePrefix("2001::/23"), private, "a reserved address"},
	{netip.MustParsePrefix("2001:db8::/32"), private, "an address for documents"},
	{netip.MustParsePrefix("3fff::/20"), private, "an address for documents"},
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	sixToFour     = netip.MustParsePrefix("2002::/16")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	compatible    = netip.MustParsePrefix("::/96")
)

// judge says what an address is. Addresses of IPv6 that only wrap one of IPv4
// are judged by that.
func judge(addr netip.Addr) (degree, string) {
	if addr.Zone() != "" {
		return never, "bound to an interface of this machine"
	}
	addr = addr.Unmap()
	for _, r := range reserved {
		if r.network.Contains(addr) {
			return r.degree, r.what
		}
	}
	if addr.Is4() {
		return public, ""
	}
	b := addr.As16()
	switch {
	case sixToFour.Contains(addr):
		return judge(netip.AddrFrom4([4]byte(b[2:6])))
	case nat64.Contains(addr), compatible.Contains(addr):
		return judge(netip.AddrFrom4([4]byte(b[12:])))
	case !globalUnicast.Contains(addr):
		return private, "no public address"
	}
	return public, ""
}
