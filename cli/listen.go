package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/wxsign/wxsign/service/deadline"
)

// Limits of every HTTP server; routes that need longer move their own deadline.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = time.Minute
	maxHeaderBytes    = 16 << 10
	// restingTimeout is writeTimeout where answers may rest: a relayed one and a CSV
	// move their own deadline by 30 s, which must come first.
	restingTimeout = 35 * time.Second
)

// listener is an address that is open, and the server behind it.
type listener struct {
	name   string
	net    net.Listener
	server *http.Server
	secure bool
	failed chan error
	// patient lets an answer take as long as it likes: the simulator's faults do.
	patient bool
	// resting lets a client by HTTP/2 take nothing for a while: the routes for
	// business servers, or the panel, are there.
	resting bool
}

// listen opens the address. Nothing is answered before serve.
func listen(ctx context.Context, name, address string, files tlsFiles) (*listener, error) {
	l := &listener{name: name, failed: make(chan error, 1)}
	open, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s.listen: %w; is another program on this address?", name, err)
	}
	open = deadline.Listener{Listener: open}
	if files.cert == "" {
		l.net = open
		return l, nil
	}
	pair, err := newCertificate(files)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s.tls_cert and tls_key: %w", name, err), open.Close())
	}
	l.secure = true
	l.net = tls.NewListener(open, &tls.Config{
		GetCertificate: pair.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	})
	return l, nil
}

// serve answers requests in the background until close.
func (l *listener) serve(h http.Handler, log *slog.Logger) {
	l.server = &http.Server{
		Handler:           guarded(h, log),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes,
		// By HTTP/2 the above ends streams, not a connection whose client reads nothing.
		HTTP2:    &http.HTTP2Config{WriteByteTimeout: l.byteTimeout()},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	if l.patient {
		l.server.WriteTimeout, l.server.HTTP2 = 0, nil
	}
	go func() {
		if err := l.server.Serve(l.net); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- fmt.Errorf("the %s listener failed: %w", l.name, err)
		}
	}()
}

// byteTimeout is how long a client by HTTP/2 may take nothing. It ends all that goes
// on by its connection, so it is no shorter than any answer's own time.
func (l *listener) byteTimeout() time.Duration {
	if l.resting {
		return restingTimeout
	}
	return writeTimeout
}

// close accepts nothing more and waits for open requests until ctx ends.
func (l *listener) close(ctx context.Context) error {
	if l.server == nil {
		return l.net.Close()
	}
	if err := l.server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests on the %s listener did not end in time: %w", l.name, err), l.server.Close())
	}
	return nil
}

// origin is how a browser on this machine reaches the listener.
func (l *listener) origin() string {
	scheme := "http"
	if l.secure {
		scheme = "https"
	}
	return scheme + "://" + l.hostPort()
}

func (l *listener) hostPort() string {
	host, port, _ := net.SplitHostPort(l.net.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
