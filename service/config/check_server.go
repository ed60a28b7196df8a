package config

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// listener is one address that the program opens.
type listener struct {
	section, address, cert, key string
	optional                    bool // "" = none of its own
	off                         bool // never opened
}

func (l *loader) listeners() []listener {
	c := &l.cfg
	return []listener{
		{section: "server", address: c.Server.Listen, cert: c.Server.TLSCert, key: c.Server.TLSKey},
		{section: "control", address: c.Control.Listen, cert: c.Control.TLSCert, key: c.Control.TLSKey, optional: true},
		{section: "admin", address: c.Admin.Listen, cert: c.Admin.TLSCert, key: c.Admin.TLSKey, optional: true},
		{section: "ops", address: c.Ops.Listen, optional: true},
		{section: "simulator", address: c.Simulator.Listen, off: !c.Simulator.Enabled},
	}
}

func (l *loader) checkListeners() {
	all := l.listeners()
	for i, each := range all {
		l.checkListener(each)
		for _, earlier := range all[:i] {
			if !each.off && collide(each.address, earlier.address) {
				l.fault(each.section+".listen", "is taken by "+earlier.section+".listen", "choose another port")
			}
		}
	}
	l.checkExposed("control", l.cfg.Control.Listen, l.cfg.Control.Expose)
	l.checkExposed("admin", l.cfg.Admin.Listen, l.cfg.Admin.Expose)
}

func (l *loader) checkListener(each listener) {
	path := each.section + ".listen"
	if each.address == "" && each.optional {
		if each.cert != "" || each.key != "" {
			l.fault(each.section+".tls_cert", "has no effect without "+path, "set "+path+", or set the certificate in [server]")
		}
		return
	}
	if !isAddress(each.address) {
		l.fault(path, "is not host:port: "+quote(each.address), `write it as in "127.0.0.1:8080", or ":8080" for every interface`)
	}
	l.checkCertificate(each)
}

func (l *loader) checkCertificate(each listener) {
	certPath, keyPath := each.section+".tls_cert", each.section+".tls_key"
	switch {
	case each.cert == "" && each.key == "":
		return
	case each.key == "":
		l.fault(certPath, "stands without "+keyPath, "set both or none")
		return
	case each.cert == "":
		l.fault(keyPath, "stands without "+certPath, "set both or none")
		return
	}
	cert, haveCert := l.readFile(certPath, each.cert)
	key, haveKey := l.readFile(keyPath, each.key)
	if !haveCert || !haveKey {
		return
	}
	// The error is not shown: it can quote what stands in the files.
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		l.fault(certPath, "and "+keyPath+" are not a pair of PEM files", "give the whole chain, and the key that belongs to it")
	}
}

// checkExposed refuses to put routes for servers and people where the internet
// may reach them, unless the operator says so.
func (l *loader) checkExposed(section, listen string, exposed bool) {
	if listen != "" || exposed || !isAddress(l.cfg.Server.Listen) || isLoopbackAddress(l.cfg.Server.Listen) {
		return
	}
	l.fault(section+".listen", "is empty while server.listen is beyond loopback: "+
		"its routes would be reachable by everyone who reaches the pages",
		`give it an address of its own, as in "127.0.0.1:8081", or set `+section+".expose = true")
}

// collide reports whether two addresses cannot be open at once.
func collide(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || isEveryInterface(hostA) || isEveryInterface(hostB)
}

func isEveryInterface(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "" || (err == nil && address.IsUnspecified())
}

func (l *loader) checkServer() {
	s := &l.cfg.Server
	if s.PublicURL != "" {
		l.plainURL("server.public_url", s.PublicURL)
	}
	l.networks("server.trusted_proxies", s.TrustedProxies)
	l.within("server.shutdown_timeout", s.ShutdownTimeout, time.Second, 10*time.Minute)
	const most = 1_000_000
	l.between("server.rate_per_address", s.RatePerAddress, 0, most)
	l.between("server.burst_per_address", s.BurstPerAddress, 0, most)
	l.between("server.rate_per_account", s.RatePerAccount, 0, most)
	if s.RatePerAddress > 0 && s.BurstPerAddress == 0 {
		l.fault("server.burst_per_address", "cannot be 0 while server.rate_per_address is "+strconv.Itoa(s.RatePerAddress)+
			": no request would pass", "raise it, or set the rate to 0 for no limit")
	}
}

func (l *loader) checkLog() {
	l.oneOf("log.level", l.cfg.Log.Level, "debug", "info", "warn", "error")
	l.oneOf("log.format", l.cfg.Log.Format, "text", "json")
}
