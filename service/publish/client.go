package publish

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// newClient makes one with one connection at a time, no hidden repetition, and no command
// that an old Redis or a proxy does not know. The pool is larger than needed
// because go-redis begins to dial on its own, beyond our control, when as many
// dials have failed: see renew.
func (p *Publisher) newClient() *redis.Client {
	o := &p.o
	options := &redis.Options{
		Addr: o.Address, Username: o.Username, Password: o.Password.Reveal(), DB: o.DB, TLSConfig: o.TLS,
		Protocol: 2, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		MaxRetries:               -1, DialerRetries: 1,
		DialTimeout: o.Timeout, ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, ContextTimeoutEnabled: true,
		PoolSize: 3, PipelinePoolSize: -1,
	}
	dial := o.Dial
	if dial == nil {
		dial = redis.NewDialer(options)
	}
	options.Dialer = p.line.through(dial)
	return redis.NewClient(options)
}

// quietLibrary keeps go-redis from writing lines of its own to stderr for what
// its answers say as well. The library has one logger for all of the process.
var quietLibrary = sync.OnceFunc(func() { redis.SetLogger(silence{}) })

type silence struct{}

// Printf implements go-redis's logger.
func (silence) Printf(_ context.Context, format string, v ...any) {
	_, _ = fmt.Fprintf(io.Discard, format, v...)
}

// renew begins with a new client: the next try dials afresh, and go-redis has
// no failures to count.
func (p *Publisher) renew() {
	_ = p.client.Close() // what it had is broken
	p.client = p.newClient()
}

// line is the newest connection. go-redis minds the deadline of a context but
// not its end, so a stop that is out of time cuts the connection itself.
type line struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

func (l *line) through(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			_ = conn.Close()
			return nil, net.ErrClosed
		}
		l.conn = conn
		return conn, nil
	}
}

// cut closes the connection and lets none be made any more.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.conn != nil {
		_ = l.conn.Close()
	}
}
