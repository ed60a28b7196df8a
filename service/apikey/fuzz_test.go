package apikey_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/apikey"
)

// A list of networks is taken or refused; what is taken lets in just the
// addresses that one of its entries holds.
func FuzzNetworks(f *testing.F) {
	for _, seed := range []struct{ list, addr string }{
		{"10.0.0.0/8", "10.1.2.3"},
		{"10.0.0.1,192.0.2.7/32", "::ffff:10.0.0.1"},
		{"::ffff:10.0.0.0/104", "10.9.9.9"},
		{"::ffff:0.0.0.0/95", "1.2.3.4"},
		{"2001:db8::/32", "2001:db8::1"},
		{"fe80::1%eth0", "fe80::1"},
		{"0.0.0.0/0", "1.2.3.4"},
		{"10.0.0.0/08", "10.1.2.3"},
		{"", "1.2.3.4"},
	} {
		f.Add(seed.list, seed.addr)
	}
	f.Fuzz(func(t *testing.T, list, from string) {
		addr, err := netip.ParseAddr(from)
		if err != nil {
			return
		}
		d := draft()
		d.CIDRs = strings.Split(list, ",")
		k := newKeys(t, &table{})
		_, key, err := k.Create(t.Context(), d, ann)
		if err != nil {
			if !errors.Is(err, apikey.ErrDraft) {
				t.Errorf("%q: %v", list, err)
			}
			return
		}
		caller, err := k.Authenticate(t.Context(), key.Reveal())
		must(t, err)
		inside := false
		for _, entry := range d.CIDRs {
			inside = inside || holds(t, entry, addr.Unmap())
		}
		if err := caller.Check(apikey.ScopeToken, "wx1", addr); (err == nil) != inside {
			t.Errorf("%q, from %s: %v, but inside is %t", list, from, err, inside)
		}
	})
}

// holds is what an entry means, bit by bit.
func holds(t *testing.T, entry string, addr netip.Addr) bool {
	t.Helper()
	text, bits := entry, -1
	if network, err := netip.ParsePrefix(entry); err == nil {
		text, bits = network.Addr().String(), network.Bits()
	}
	base, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatalf("%q was taken: %v", entry, err)
	}
	if bits < 0 {
		return base.Unmap() == addr
	}
	if base.Is4In6() { // the mask counts from the IPv6 end
		bits -= 96
		base = base.Unmap()
	}
	if base.Is4() != addr.Is4() || addr.Zone() != "" {
		return false
	}
	a, b := base.AsSlice(), addr.AsSlice()
	for i := range bits {
		if mask := byte(0x80) >> (i % 8); a[i/8]&mask != b[i/8]&mask {
			return false
		}
	}
	return true
}
