package handler

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"
)

// Proxies are the networks whose word on a client's address counts.
type Proxies []netip.Prefix

// ParseProxies reads addresses and CIDRs.
func ParseProxies(list []string) (Proxies, error) {
	proxies := make(Proxies, 0, len(list))
	for _, text := range list {
		if addr, err := netip.ParseAddr(text); err == nil {
			addr = addr.Unmap().WithZone("")
			proxies = append(proxies, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted proxy %q: %w", text, err)
		}
		if inIPv6 := prefix.Bits() - mappedBits; prefix.Addr().Is4In6() && inIPv6 >= 0 {
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), inIPv6)
		}
		proxies = append(proxies, prefix)
	}
	return proxies, nil
}

// mappedBits stand before an IPv4 address that is written as an IPv6 one.
const mappedBits = 96

// Trusts reports whether the address is that of a proxy.
func (p Proxies) Trusts(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("") // a zone names an interface of this machine
	for _, prefix := range p {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// forwardedFor is the header in which proxies name the client, as the server
// spells it. No other counts: a proxy that only appends to this one passes others
// on as the client wrote them.
const forwardedFor = "X-Forwarded-For"

// addressKey is where Read leaves the client's address in gin's context.
const addressKey = "wxsign.address"

// Read is the middleware in front of all that asks AddressOf. Without it, no
// proxy is trusted.
func (p Proxies) Read(c *gin.Context) {
	if hops, forwarded := c.Request.Header[forwardedFor]; forwarded && p.Trusts(PeerAddressOf(c)) {
		c.Set(addressKey, p.client(hops))
	}
}

// client goes back from proxy to proxy to the first address that is none of them.
// It is the zero Addr where that cannot be read: the proxies in front of it may be
// allowed what a stranger is not, so none of them may stand in for it.
func (p Proxies) client(lines []string) netip.Addr {
	var addr netip.Addr
	rest := strings.Join(lines, ",")
	for more := true; more; {
		hop := rest
		if i := strings.LastIndexByte(rest, ','); i >= 0 {
			rest, hop = rest[:i], rest[i+1:]
		} else {
			more = false
		}
		addr = hopAddress(hop)
		if !addr.IsValid() || !p.Trusts(addr) {
			break
		}
	}
	return addr
}

// hopAddress reads an address of X-Forwarded-For. Some gateways write the port
// behind it (Azure's Application Gateway, IIS), some put an IPv6 address in
// brackets. Anything else is the zero Addr, also one with a zone: that means
// nothing on another machine.
func hopAddress(text string) netip.Addr {
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		if strings.HasSuffix(text, "]") {
			text += ":0"
		}
		var hop netip.AddrPort
		hop, err = netip.ParseAddrPort(text)
		addr = hop.Addr()
	}
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// AddressOf is the client's address; X-Forwarded-For counts only where a trusted
// proxy sends it. The zero Addr stands for one that cannot be read: no list of
// networks has it, and for limits all of them are one client.
func AddressOf(c *gin.Context) netip.Addr {
	if _, forwarded := c.Request.Header[forwardedFor]; forwarded {
		if told, trusted := c.Get(addressKey); trusted {
			addr, _ := told.(netip.Addr)
			return addr
		}
	}
	return PeerAddressOf(c)
}

// Forwarded reports whether AddressOf is the word of a trusted proxy.
func Forwarded(c *gin.Context) bool {
	_, trusted := c.Get(addressKey)
	return trusted
}

// AddressText is AddressOf for logs and people.
func AddressText(c *gin.Context) string {
	if addr := AddressOf(c); addr.IsValid() {
		return addr.String()
	}
	return "unknown"
}

// PeerAddressOf is the address of who opened the connection: the client, or the
// proxy in front of us.
func PeerAddressOf(c *gin.Context) netip.Addr { return peerAddress(c.Request) }

// peerAddress is without the zone of a link-local one (fe80::1%eth0): it names an
// interface of this machine, and no network has an address with one in it.
func peerAddress(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// NetworkOf is what one client is taken to have: an IPv4 address or an IPv6 /64,
// in which a household has as many addresses as it likes. It is a key for
// limiters, not a text for people. All addresses that cannot be read have one.
func NetworkOf(addr netip.Addr) string {
	switch {
	case !addr.IsValid():
		return ""
	case addr.Is4():
		b := addr.As4()
		return string(b[:])
	}
	const prefix = 8 // bytes; the zone goes with the rest
	b := addr.As16()
	return string(b[:prefix])
}
