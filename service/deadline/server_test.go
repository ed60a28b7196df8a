package deadline_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/deadline"
)

// pipes is a listener without a network.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (*pipes) Addr() net.Addr { return &net.TCPAddr{} }

func plain(l net.Listener) net.Listener { return l }

func ours(l net.Listener) net.Listener { return deadline.Listener{Listener: l} }

// unhurried takes its time, where it is asked to, and gives back what it is sent.
func unhurried(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/slow":
		time.Sleep(8 * time.Second)
	case "/patient":
		time.Sleep(14 * time.Second)
		_ = http.NewResponseController(w).SetWriteDeadline(after(20 * time.Second))
		time.Sleep(14 * time.Second)
	}
	_, _ = io.Copy(w, r.Body)
	_, _ = io.WriteString(w, "done")
}

// serve starts a server with deadlines of every kind, and returns how to reach it.
func serve(t *testing.T, wrap func(net.Listener) net.Listener, handler http.HandlerFunc) (dial func() net.Conn) {
	t.Helper()
	l := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute,
		Handler: handler,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(wrap(l)) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return func() net.Conn {
		near, far := net.Pipe()
		l.accepted <- far
		t.Cleanup(func() { _ = near.Close() })
		return near
	}
}

// TestServerKeepsItsTimes lets clients be slow in every way, on connections of ours
// and on plain ones: both are answered alike and end at the same moment.
func TestServerKeepsItsTimes(t *testing.T) {
	t.Parallel()
	get := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }
	tests := []struct {
		name string
		talk func(conn net.Conn)
		want time.Duration // when the server hangs up
	}{
		{"says nothing", func(net.Conn) {}, 5 * time.Second},
		{"half a header", func(c net.Conn) { say(c, "GET / HT") }, 5 * time.Second},
		{"half a header behind an answer", func(c net.Conn) { say(c, get("/")); say(c, "GET / HT") }, 5 * time.Second},
		{"an answer, then nothing", func(c net.Conn) { say(c, get("/")) }, time.Minute},
		{"a slow answer, then nothing", func(c net.Conn) { say(c, get("/slow")) }, 68 * time.Second},
		{"an answer that takes its time", func(c net.Conn) { say(c, get("/patient")) }, 88 * time.Second},
		{"a body that does not come", func(c net.Conn) { say(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf") }, 10 * time.Second},
		{"many answers, then nothing", func(c net.Conn) {
			for range 20 {
				say(c, get("/"))
				time.Sleep(10 * time.Second)
			}
		}, 250 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for kind, wrap := range map[string]func(net.Listener) net.Listener{"plain": plain, "ours": ours} {
				synctest.Test(t, func(t *testing.T) {
					conn := serve(t, wrap, unhurried)()
					var ended time.Time
					hungUp := make(chan struct{})
					began := time.Now()
					go func() {
						_, _ = io.Copy(io.Discard, conn)
						ended = time.Now()
						close(hungUp)
					}()
					test.talk(conn)
					<-hungUp
					if got := ended.Sub(began); got != test.want {
						t.Errorf("%s: the server hung up after %s, want %s", kind, got, test.want)
					}
				})
			}
		})
	}
}

// say writes, and lets the server go on with it.
func say(conn net.Conn, text string) {
	_, _ = io.WriteString(conn, text)
	synctest.Wait()
}

// TestServerSeesWhoLeaves ends a handler whose client hangs up.
func TestServerSeesWhoLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := make(chan struct{})
		conn := serve(t, ours, func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			close(seen)
		})()
		say(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		time.Sleep(3 * time.Second)
		if got := took(func() { _ = conn.Close(); <-seen }); got != 0 {
			t.Errorf("the handler ended %s after its client had left", got)
		}
	})
}

// TestServerAnswers sends requests one behind the other on one connection.
func TestServerAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := serve(t, ours, unhurried)()
		answers := bufio.NewReader(conn)
		for i := range 100 {
			_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
			res, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || string(body) != "hellodone" || res.Close {
				t.Fatalf("request %d: %q, %v", i, body, err)
			}
			_ = res.Body.Close()
			time.Sleep(time.Duration(i) * time.Second / 2)
		}
	})
}
