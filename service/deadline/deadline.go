// Package deadline gives connections whose deadlines cost next to nothing as long as
// nobody misses one.
//
// net/http moves the deadlines of a connection eight times a request: for what is
// read ahead, for the header, for the answer, for the pause behind it. Each time the
// clock is read twice and a timer moved, all in all a tenth of what a signed page
// costs. Nearly every one of them is replaced long before it comes.
//
// So a [Conn] notes what was asked for, and tells the connection below only where it
// matters: when somebody waits there who could wait for too long. What that was told
// last may come too early: whoever is woken by it goes on waiting. It never comes too
// late, so each deadline is kept to the moment, as without this package.
package deadline

import (
	"errors"
	"net"
	"time"
)

// Listener accepts connections of this kind.
type Listener struct{ net.Listener }

// Accept implements [net.Listener].
func (l Listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return New(conn), nil
}

// Conn is a connection that is told of deadlines late. It may be used by any number
// of goroutines, but only one at a time writes, as HTTP and TLS do: what is woken too
// early goes on with the rest. Deadlines are moments of the clock that nobody sets, as
// [time.Now] tells them.
type Conn struct {
	net.Conn

	reads, writes direction
}

// New wraps a connection whose deadlines nobody else moves.
func New(conn net.Conn) *Conn {
	c := &Conn{Conn: conn}
	began := time.Now()
	c.reads.init(began, conn.SetReadDeadline)
	c.writes.init(began, conn.SetWriteDeadline)
	return c
}

// NetConn is the connection below, as [crypto/tls.Conn.NetConn] has it. Whoever uses
// that directly sets its deadlines anew.
func (c *Conn) NetConn() net.Conn { return c.Conn }

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.reads.set(t), c.writes.set(t))
}

// SetReadDeadline implements [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error { return c.reads.set(t) }

// SetWriteDeadline implements [net.Conn].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.writes.set(t) }

// Read implements [net.Conn].
func (c *Conn) Read(p []byte) (int, error) {
	for {
		if err := c.reads.enter(); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		if again := c.reads.leave(err); n > 0 || !again {
			return n, err
		}
	}
}

// Write implements [net.Conn].
func (c *Conn) Write(p []byte) (int, error) {
	written := 0
	for {
		if err := c.writes.enter(); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(p[written:])
		written += n
		if again := c.writes.leave(err); !again {
			return written, err
		}
	}
}

// CloseWrite ends what is sent: a server that closes a connection does so first, that
// its answer may arrive.
func (c *Conn) CloseWrite() error {
	if below, can := c.Conn.(interface{ CloseWrite() error }); can {
		return below.CloseWrite()
	}
	return errors.ErrUnsupported
}
