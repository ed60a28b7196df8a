package deadline_test

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/deadline"
)

// below is a connection that counts what it is told. Pipes keep their deadlines by
// the time of the bubble.
type below struct {
	net.Conn

	told atomic.Int64
}

func (b *below) SetReadDeadline(t time.Time) error {
	b.told.Add(1)
	return b.Conn.SetReadDeadline(t)
}

func (b *below) SetWriteDeadline(t time.Time) error {
	b.told.Add(1)
	return b.Conn.SetWriteDeadline(t)
}

func (*below) CloseWrite() error { return errHalf }

// pair is a connection and its other end. Both are closed when the test ends.
func pair(t *testing.T) (*deadline.Conn, *below, net.Conn) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	b := &below{Conn: near}
	return deadline.New(b), b, far
}

// after is the moment so much later.
func after(d time.Duration) time.Time { return time.Now().Add(d) }

// took is how long f takes.
func took(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
