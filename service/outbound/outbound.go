// Package outbound is the one dialer for addresses that a configuration names:
// the receivers of webhooks and the relay's WeChat hosts.
//
// A name says nothing about where it leads, and what it says may change between
// two look-ups. So every address is judged when it is dialled, after the name
// was looked up: only the public internet may be reached, except
//
//   - an address that was itself written down as the target (http://10.0.0.5/hook,
//     http://localhost:9000/hook): that very host and port;
//   - what the name of an https target leads to: nothing is sent before the
//     certificate has proved the name, so a name that was turned aside harms nobody;
//   - the networks of Options.Allow, and what the names there lead to.
//
// Link-local addresses, where clouds keep the credentials of a machine, are
// refused even then, unless a network of Options.Allow has them.
//
// Redirects are never followed, proxy settings of the environment are ignored,
// and certificates are always verified.
package outbound

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// ErrAddress says that an address was not dialled because of what it is.
var ErrAddress = errors.New("this address may not be called")

// ErrTooLarge says that an answer was longer than Options.MaxAnswer.
var ErrTooLarge = errors.New("the answer is too large")

// Defaults of Options.
const (
	DefaultTimeout        = 10 * time.Second
	DefaultConnectTimeout = 3 * time.Second
	DefaultMaxAnswer      = 64 << 10
)

// Options of New. The zero value reaches public addresses only.
type Options struct {
	// Targets are the URLs that the operator wrote down; see the package's
	// comment for what this allows. Other URLs may be called as well.
	Targets []string
	// Allow are what may be reached although it is not public: networks
	// (10.0.0.0/8), addresses, names (hooks.internal) and all names below one
	// (*.svc.cluster.local).
	Allow []string
	// Timeout bounds a call up to the last byte of the answer. Default 10 s;
	// negative = only the caller's context does.
	Timeout time.Duration
	// ConnectTimeout bounds name look-up, TCP and TLS together. Default 3 s.
	ConnectTimeout time.Duration
	// MaxAnswer is how many bytes of an answer's body can be read; the next one
	// is ErrTooLarge. Default 64 KiB; negative = no limit.
	MaxAnswer int64
	// IdleConns is how many idle connections are kept per host. Default 8.
	IdleConns int
	// RootCAs verify certificates; nil = those of the system.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil = as the system does.
	Resolver *net.Resolver
}

// New checks the options and makes a client. Its Transport may be used alone
// where http.Client's cookies, time-out and *url.Error (whose text holds the
// URL) are not wanted.
func New(o Options) (*http.Client, error) {
	gate, err := newGate(o.Targets, o.Allow)
	if err != nil {
		return nil, err
	}
	if o.ConnectTimeout < 0 || o.IdleConns < 0 {
		return nil, errors.New("outbound: ConnectTimeout and IdleConns must not be negative")
	}
	client := &http.Client{
		Transport:     newTransport(gate, o),
		Timeout:       max(0, cmp.Or(o.Timeout, DefaultTimeout)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if limit := cmp.Or(o.MaxAnswer, DefaultMaxAnswer); limit > 0 {
		client.Transport = &bounded{next: client.Transport, limit: limit}
	}
	return client, nil
}

// Cause takes the URL off an error of http.Client, which may hold a key, and
// leaves what went wrong.
func Cause(err error) error {
	for {
		wrapped, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = wrapped.Err
	}
}

// target is a place that the operator wrote down.
type target struct {
	scheme string
	host   string // as in the URL, lower case
	port   string
}

func parseTarget(raw string) (target, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return target{}, errors.New("outbound: a target must be an http or https URL") // not quoted: it may hold a key
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return target{scheme: u.Scheme, host: canonicalHost(u.Hostname()), port: port}, nil
}

// refusal is ErrAddress with a text that may reach people, so it says the mend.
func refusal(host string, addr netip.Addr, how degree, what string) error {
	if parsed, err := netip.ParseAddr(host); err == nil && parsed.Unmap() == addr {
		return fmt.Errorf("%w: %s is %s", ErrAddress, addr, what)
	}
	mend := ""
	if how == private {
		mend = "; name it in outbound.allow, or use https with a certificate for the name"
	}
	return fmt.Errorf("%w: %s leads to %s, which is %s%s", ErrAddress, host, addr, what, mend)
}
