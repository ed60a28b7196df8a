// Package wechat is the client of api.weixin.qq.com, and in WeCom that of
// qyapi.weixin.qq.com: it fetches access_tokens and tickets and probes a token,
// one call to WeChat for one call here.
//
// It never retries and keeps nothing: when to call again is the keeper's
// decision, and every *Error carries the Class that decision needs. The one
// exception is the fallback host, tried inside the same time budget when the
// first host was never reached (see Options.FallbackURL).
//
// Answers are read strictly, because a wrong value that gets published breaks
// every page of an account: anything that is not exactly a grant is an error.
// AppSecrets and tokens travel in URLs and bodies of requests, so no error text
// holds a URL, and every occurrence of the secret in use is taken out of what
// WeChat or the network stack says.
package wechat

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// DefaultBaseURL is WeChat's general API host. Its documented stand-ins
// (api2.weixin.qq.com, sh., sz. and hk.api.weixin.qq.com) share its tokens:
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Interface_field_description.html
const DefaultBaseURL = "https://api.weixin.qq.com"

const (
	defaultTimeout        = 8 * time.Second
	defaultConnectTimeout = 3 * time.Second
	defaultUserAgent      = "wxsign"
)

// Options configure a Client. The zero value talks to WeChat itself.
type Options struct {
	// BaseURL is the API host, DefaultBaseURL if empty; a path is kept as a
	// prefix. Plain http is taken only for a loopback address: AppSecrets
	// travel here.
	BaseURL string
	// FallbackURL is a second host, "" for none. It is tried once when the
	// first could not be connected to (name, TCP or TLS), and after a time-out
	// only for the one call that is harmless to send twice: stable_token in
	// normal mode. An errcode is an answer and never leads here.
	FallbackURL string
	// Timeout bounds a call with everything in it, the fallback included.
	// Default 8 s. An earlier deadline of the caller's context wins.
	Timeout time.Duration
	// ConnectTimeout bounds name look-up, TCP and TLS together. It must be
	// shorter than Timeout. Default 3 s, but at most half of Timeout.
	ConnectTimeout time.Duration
	// Transport replaces the client's own one, which ignores proxy settings of
	// the environment and asks for TLS 1.2 at least. ConnectTimeout does not
	// reach into it.
	Transport http.RoundTripper
	// RootCAs verify certificates; nil = those of the system.
	RootCAs *x509.CertPool
	// UserAgent is sent with each request, "wxsign" if empty.
	UserAgent string
}

// Client calls WeChat. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	fallback  *url.URL // nil for none
	timeout   time.Duration
	transport http.RoundTripper
	userAgent string
}

// New checks the options and makes a client. It opens no connection.
func New(o Options) (*Client, error) {
	base, err := parseHost(cmp.Or(o.BaseURL, DefaultBaseURL))
	if err != nil {
		return nil, fmt.Errorf("wechat base URL: %w", err)
	}
	c := &Client{
		base:      base,
		timeout:   cmp.Or(o.Timeout, defaultTimeout),
		transport: o.Transport,
		userAgent: cmp.Or(o.UserAgent, defaultUserAgent),
	}
	if o.FallbackURL != "" {
		if c.fallback, err = parseHost(o.FallbackURL); err != nil {
			return nil, fmt.Errorf("wechat fallback URL: %w", err)
		}
	}
	connect := cmp.Or(o.ConnectTimeout, min(defaultConnectTimeout, c.timeout/2))
	if c.timeout < 0 || connect <= 0 || connect >= c.timeout {
		return nil, fmt.Errorf("wechat timeouts: connect %v must be above 0 and below the whole %v", connect, c.timeout)
	}
	if c.transport == nil {
		c.transport = newTransport(connect, o.RootCAs)
	}
	return c, nil
}

// CloseIdleConnections closes the connections that wait for a next call.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// newTransport speaks HTTP/1.1 only: one call per connection at a time keeps
// "was it sent?" answerable, which the fallback rule rests on.
func newTransport(connect time.Duration, roots *x509.CertPool) *http.Transport {
	// tls.Dialer spends the net.Dialer's timeout on connect and handshake together.
	tcp := &net.Dialer{Timeout: connect, KeepAlive: 15 * time.Second}
	secure := &tls.Dialer{NetDialer: tcp, Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
	return &http.Transport{
		Proxy:                  nil, // a proxy from the environment could read AppSecrets
		DialContext:            tcp.DialContext,
		DialTLSContext:         secure.DialContext,
		MaxIdleConns:           16,
		MaxIdleConnsPerHost:    8,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
	}
}

// parseHost checks an API address. Its errors never quote the address, which
// may hold a password.
func parseHost(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("must look like https://host")
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, errors.New("must have no user, query or fragment")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("must be https: plain http would show AppSecrets (allowed on loopback only)")
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
