package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// gate decides which addresses may be dialled.
type gate struct {
	targets []target
	allow   []netip.Prefix
}

func newGate(targets []string, allow []netip.Prefix) (*gate, error) {
	g := &gate{allow: slices.Clone(allow)}
	for _, prefix := range allow {
		if !prefix.IsValid() {
			return nil, errors.New("outbound: a network in Allow is invalid")
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
	if how == public || slices.ContainsFunc(g.allow, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return fmt.Errorf("%w: it has no port", ErrAddress)
	}
	host = canonicalHost(host)
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
