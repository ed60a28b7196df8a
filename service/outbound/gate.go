package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// gate decides which addresses may be dialled.
type gate struct {
	targets  []target
	networks []netip.Prefix // of Options.Allow
	names    []string       // likewise; one that begins with a dot is all below it
}

func newGate(targets, allow []string) (*gate, error) {
	g := &gate{}
	for _, entry := range allow {
		if err := g.add(entry); err != nil {
			return nil, err
		}
	}
	for _, raw := range targets {
		t, err := parseTarget(raw)
		if err != nil {
			return nil, err
		}
		g.targets = append(g.targets, t)
	}
	return g, nil
}

// add takes an entry of Options.Allow in.
func (g *gate) add(entry string) error {
	if network, err := netip.ParsePrefix(entry); err == nil {
		g.networks = append(g.networks, network.Masked())
		return nil
	}
	if addr, err := netip.ParseAddr(entry); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		g.networks = append(g.networks, netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	name := canonicalHost(strings.TrimPrefix(entry, "*"))
	if strings.Trim(name, ".") == "" || strings.ContainsAny(name, "*/:@ ") {
		return fmt.Errorf("outbound: an entry of Allow is neither a network nor a name: %.64q", entry)
	}
	g.names = append(g.names, name)
	return nil
}

// allows reports whether Options.Allow has the address, or the host that led to it.
func (g *gate) allows(host string, addr netip.Addr, how degree) bool {
	if slices.ContainsFunc(g.networks, func(n netip.Prefix) bool { return n.Contains(addr) }) {
		return true
	}
	return how == private && slices.ContainsFunc(g.names, func(name string) bool {
		return host == name || strings.HasPrefix(name, ".") && strings.HasSuffix(host, name)
	})
}

// control is a net.Dialer's ControlContext for a connection to host:port: it
// sees the address itself, whatever the name was looked up to.
func (g *gate) control(scheme, hostPort string) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		dialled, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: it cannot be read", ErrAddress)
		}
		return g.check(scheme, hostPort, dialled.Addr())
	}
}

// check answers nil where addr may be dialled for a URL of this scheme, host
// and port.
func (g *gate) check(scheme, hostPort string, addr netip.Addr) error {
	addr = addr.Unmap()
	how, what := judge(addr)
	if how == public {
		return nil
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return fmt.Errorf("%w: it has no port", ErrAddress)
	}
	host = canonicalHost(host)
	if g.allows(host, addr, how) {
		return nil
	}
	if how == private && slices.ContainsFunc(g.targets, func(t target) bool {
		return t == target{scheme, host, port} && t.leadsTo(addr)
	}) {
		return nil
	}
	return refusal(host, addr, how, what)
}

// leadsTo reports whether the operator can have meant addr by the target.
func (t target) leadsTo(addr netip.Addr) bool {
	if t.host == "localhost" {
		return addr.IsLoopback()
	}
	if literal, err := netip.ParseAddr(t.host); err == nil {
		return literal.Unmap() == addr
	}
	return t.scheme == "https" // the certificate will tell
}

// canonicalHost makes two spellings of a host one.
func canonicalHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
