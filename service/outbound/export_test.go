package outbound

import "net/netip"

// Check asks the gate alone, for addresses that a test cannot listen on.
func Check(o Options, scheme, hostPort string, addr netip.Addr) error {
	g, err := newGate(o.Targets, o.Allow)
	if err != nil {
		return err
	}
	return g.check(scheme, hostPort, addr)
}
