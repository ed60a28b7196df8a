package router_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"
)

// wire is a connection in memory, on which a server is asked one request after the
// other. What net/http does for each is the same as behind a socket, without the
// system's part: that is twice as much, and no two runs of it are alike.
type wire struct {
	net.Conn // nil: what is not below is not used

	mu       sync.Mutex
	changed  sync.Cond
	request  []byte
	due      int  // requests that are to be sent yet
	open     bool // the last one was answered
	past     bool // the deadline for reading has passed
	answered []byte
}

// Read gives a request as soon as the one before has been answered. The single byte
// is what net/http waits for behind a request, to see that its client leaves.
func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.past && w.due > 0 && (!w.open || len(p) == 1) {
		w.changed.Wait()
	}
	switch {
	case w.past:
		return 0, os.ErrDeadlineExceeded
	case w.due == 0:
		return 0, net.ErrClosed
	}
	w.open = false
	return copy(p, w.request), nil
}

// Write takes a whole answer: none is longer than what net/http writes at once.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = append(w.answered[:0], p...)
	w.open = true
	w.due--
	w.changed.Broadcast()
	return len(p), nil
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.past = !t.IsZero() && t.Before(time.Now())
	w.changed.Broadcast()
	return nil
}

func (w *wire) SetDeadline(t time.Time) error  { return w.SetReadDeadline(t) }
func (*wire) SetWriteDeadline(time.Time) error { return nil }
func (*wire) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

func (*wire) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1234} }
func (*wire) Close() error         { return nil }

// single is a listener with one connection.
type single struct {
	conn  net.Conn
	ended chan struct{}
}

func (s *single) Accept() (net.Conn, error) {
	if conn := s.conn; conn != nil {
		s.conn = nil
		return conn, nil
	}
	<-s.ended
	return nil, net.ErrClosed
}

func (*single) Close() error   { return nil }
func (*single) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// exchange has a server answer the request n times and returns its last answer.
func exchange(t testing.TB, h http.Handler, request string, n int) []byte {
	t.Helper()
	w := &wire{request: []byte(request), due: n, open: true}
	w.changed.L = &w.mu
	listener := &single{conn: w, ended: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second}
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(listener.ended)
		}
	}
	if err := server.Serve(listener); !errors.Is(err, net.ErrClosed) {
		t.Fatal(err)
	}
	return w.answered
}

// BenchmarkServed is BenchmarkSigning with net/http before it.
func BenchmarkServed(b *testing.B) {
	request := func(headers string) string {
		return "GET " + configPath(benchedPage, "") + " HTTP/1.1\r\nHost: sign.example.com\r\n" + headers + "\r\n"
	}
	for name, row := range map[string]struct {
		handler http.Handler
		request string
	}{
		"what=bare_gin":    {bareGin(), request("")},
		"what=same_origin": {everything(b), request("")},
		"what=other_page":  {everything(b), request("Origin: https://h5.example.com\r\n")},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			answer := exchange(b, row.handler, row.request, b.N)
			if !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 OK\r\n")) {
				b.Fatalf("%s", answer)
			}
		})
	}
}
