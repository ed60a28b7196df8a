package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// newTransport speaks HTTP/1.1 only: one call per connection at a time keeps
// "was it sent?" answerable.
func newTransport(g *gate, o Options) *http.Transport {
	connect := cmp.Or(o.ConnectTimeout, DefaultConnectTimeout)
	dialer := func(scheme, hostPort string) *net.Dialer {
		return &net.Dialer{
			Timeout: connect, KeepAlive: 15 * time.Second, Resolver: o.Resolver, ControlContext: g.control(scheme, hostPort),
		}
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs}
	return &http.Transport{
		Proxy: nil, // a proxy from the environment could read what is sent
		DialContext: func(ctx context.Context, network, hostPort string) (net.Conn, error) {
			return dialer("http", hostPort).DialContext(ctx, network, hostPort)
		},
		// tls.Dialer spends the net.Dialer's time-out on connect and handshake together.
		DialTLSContext: func(ctx context.Context, network, hostPort string) (net.Conn, error) {
			d := &tls.Dialer{NetDialer: dialer("https", hostPort), Config: secure}
			return d.DialContext(ctx, network, hostPort)
		},
		DisableCompression:     true, // a few bytes could unpack to very many
		MaxIdleConns:           8 * cmp.Or(o.IdleConns, 8),
		MaxIdleConnsPerHost:    cmp.Or(o.IdleConns, 8),
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 32 << 10,
		ReadBufferSize:         16 << 10,
		WriteBufferSize:        16 << 10,
	}
}

// bounded lets no more than limit bytes of a body be read.
type bounded struct {
	next  http.RoundTripper
	limit int64
}

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: b.limit}
	return resp, nil
}

// CloseIdleConnections passes on what http.Client.CloseIdleConnections asks.
func (b *bounded) CloseIdleConnections() {
	if t, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	// One byte more than allowed tells an answer of exactly the limit from a
	// longer one.
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
