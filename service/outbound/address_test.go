package outbound_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/outbound"
)

func TestAddressesThatMayBeDialled(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"101.89.47.18": true, "8.8.8.8": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true,
		"2402:4e00::1": true, "2606:4700::1111": true, "::ffff:101.89.47.18": true, "64:ff9b::101.89.47.18": true,
		"2002:6559:2f12::1": true, // 6to4 of 101.89.47.18

		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "::ffff:127.0.0.1": false, "64:ff9b::127.0.0.1": false, "::127.0.0.1": false,
		"2002:7f00:1::": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "::ffff:10.1.2.3": false,
		"64:ff9b::10.0.0.1": false, "2002:a00:1::1": false, "100.64.0.1": false, "100.100.100.200": false, "169.254.169.254": false,
		"::ffff:169.254.169.254": false, "64:ff9b::169.254.169.254": false, "2002:a9fe:a9fe::": false, "fd00:ec2::254": false,
		"fd20:ce::254":  false,
		"168.63.129.16": false, "64:ff9b::168.63.129.16": false, "192.0.0.192": false, "168.63.129.17": true,
		"fe80::1": false, "fe80::1%lo": false, "fc00::1": false, "fd12:3456::1": false, "fec0::1": false, "0.0.0.0": false, "0.1.2.3": false,
		"::": false, "224.0.0.1": false, "239.255.255.250": false, "ff02::1": false, "240.0.0.1": false, "255.255.255.255": false,
		"192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "2001:db8::1": false, "2001::1": false,
		"64:ff9b:1::1": false, "100::1": false, "5f00::1": false, "4000::1": false,
	} {
		addr := netip.MustParseAddr(address)
		for _, scheme := range []string{"http", "https"} {
			err := outbound.Check(outbound.Options{}, scheme, net.JoinHostPort("example.com", "80"), addr)
			if got := err == nil; got != want {
				t.Errorf("%s over %s: dialled %t, want %t (%v)", address, scheme, got, want, err)
			}
			if err != nil && !errors.Is(err, outbound.ErrAddress) {
				t.Errorf("%s: %v is not ErrAddress", address, err)
			}
		}
	}
}

func TestWhatTargetsAllow(t *testing.T) {
	t.Parallel()
	const metadata = "169.254.169.254"
	for name, c := range map[string]struct {
		target, scheme, hostPort, addr string
		allow                          string
		want                           bool
	}{
		"an address written down":           {"http://10.0.0.5:8080/hook", "http", "10.0.0.5:8080", "10.0.0.5", "", true},
		"in IPv6":                           {"http://[fd00::5]/hook", "http", "[fd00::5]:80", "fd00::5", "", true},
		"with another port":                 {"http://10.0.0.5:8080/hook", "http", "10.0.0.5:22", "10.0.0.5", "", false},
		"another address":                   {"http://10.0.0.5:8080/hook", "http", "10.0.0.6:8080", "10.0.0.6", "", false},
		"localhost":                         {"http://localhost:9000", "http", "localhost:9000", "127.0.0.1", "", true},
		"localhost in IPv6":                 {"http://LocalHost:9000", "http", "localhost:9000", "::1", "", true},
		"localhost that leads elsewhere":    {"http://localhost:9000", "http", "localhost:9000", "10.0.0.1", "", false},
		"a plain name to a private address": {"http://hooks.example.com/", "http", "hooks.example.com:80", "10.0.0.5", "", false},
		"a plain name to loopback":          {"http://hooks.example.com/", "http", "hooks.example.com:80", "127.0.0.1", "", false},
		"a proved name":                     {"https://hooks.example.com/", "https", "hooks.example.com:443", "10.0.0.5", "", true},
		"a proved name, a dot at its end":   {"https://Hooks.example.com./", "https", "hooks.example.com:443", "10.0.0.5", "", true},
		"a proved name, other scheme":       {"https://hooks.example.com/", "http", "hooks.example.com:443", "10.0.0.5", "", false},
		"another proved name":               {"https://hooks.example.com/", "https", "other.example.com:443", "10.0.0.5", "", false},
		"a proved name to metadata":         {"https://hooks.example.com/", "https", "hooks.example.com:443", metadata, "", false},
		"a proved name to a cloud's host":   {"https://hooks.example.com/", "https", "hooks.example.com:443", "168.63.129.16", "", false},
		"metadata written down":             {"http://169.254.169.254/", "http", "169.254.169.254:80", metadata, "", false},
		"an allowed network":                {"", "http", "hooks.example.com:80", "10.1.2.3", "10.1.0.0/16", true},
		"beside an allowed network":         {"", "http", "hooks.example.com:80", "10.2.2.3", "10.1.0.0/16", false},
		"an allowed network, mapped":        {"", "http", "hooks.example.com:80", "::ffff:10.1.2.3", "10.1.0.0/16", true},
		"an allowed address":                {"", "http", "hooks.example.com:80", "10.1.2.3", "10.9.9.9 10.1.2.3", true},
		"beside an allowed address":         {"", "http", "hooks.example.com:80", "10.1.2.4", "10.1.2.3", false},
		"an allowed name":                   {"", "http", "hooks.internal:80", "10.1.2.3", "Hooks.internal", true},
		"an allowed name, a dot at its end": {"", "http", "Hooks.internal.:80", "127.0.0.1", "hooks.internal.", true},
		"another name than the allowed one": {"", "http", "xhooks.internal:80", "10.1.2.3", "hooks.internal", false},
		"below an allowed name":             {"", "http", "a.b.svc.cluster.local:80", "10.1.2.3", "*.svc.cluster.local", true},
		"the apex of allowed names":         {"", "http", "svc.cluster.local:80", "10.1.2.3", "*.svc.cluster.local", false},
		"ends like an allowed name":         {"", "http", "evilsvc.cluster.local:80", "10.1.2.3", "*.svc.cluster.local", false},
		"an allowed name to metadata":       {"", "http", "hooks.internal:80", metadata, "hooks.internal", false},
		"an allowed name to a cloud's host": {"", "http", "hooks.internal:80", "100.100.100.200", "*.internal", false},
		"metadata, if its network is there": {"", "http", "hooks.internal:80", metadata, "169.254.169.254", true},
		"an allowed link-local network":     {"", "http", "hooks.example.com:80", "169.254.1.1", "169.254.1.0/24", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o outbound.Options
			if c.target != "" {
				o.Targets = []string{c.target}
			}
			if c.allow != "" {
				o.Allow = strings.Split(c.allow, " ")
			}
			err := outbound.Check(o, c.scheme, c.hostPort, netip.MustParseAddr(c.addr))
			if got := err == nil; got != c.want {
				t.Errorf("dialled %t, want %t (%v)", got, c.want, err)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]outbound.Options{
		"no URL":           {Targets: []string{"hooks.example.com"}},
		"another scheme":   {Targets: []string{"ftp://hooks.example.com/s3cr3t"}},
		"not to be parsed": {Targets: []string{"http://[::1/s3cr3t"}},
		"allow: a URL":     {Allow: []string{"http://hooks.internal"}},
		"allow: a port":    {Allow: []string{"hooks.internal:80"}},
		"allow: all":       {Allow: []string{"*"}},
		"allow: nothing":   {Allow: []string{""}},
		"allow: half":      {Allow: []string{"hooks.*.internal"}},
		"allow: too wide":  {Allow: []string{"10.0.0.0/33"}},
		"a negative time":  {ConnectTimeout: -1},
	} {
		if _, err := outbound.New(o); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v; want an error that does not quote the URL", name, err)
		}
	}
}
