package attack_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Clients that ask for much and read nothing of it are let go when the 15 s for an
// answer are over, and no goroutine of wxsign waits for them any more.
func TestStalledReaders(t *testing.T) {
	t.Parallel()
	for name, stall := range map[string]func(t *testing.T, s *server) net.Conn{
		"plain":        stallPlain,
		"TLS":          stallTLS,
		"HTTP2":        stallH2,
		"HTTP2 window": stallWindow,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secured(t, newPlace(t, shipped(t), underAttack...)).serve()
			waitFor(t, "a signature", func() bool { status, _ := s.sign(demoApp, page); return status == http.StatusOK })
			before := measure(s).goroutines
			const clients = 2
			var open []net.Conn
			for range clients {
				conn := stall(t, s)
				defer conn.Close()
				open = append(open, conn)
			}
			waitFor(t, "answers that nobody takes", func() bool { return s.waitingWriters() >= clients })
			begin := time.Now()
			if status, answer := s.sign(demoApp, page); status != http.StatusOK {
				t.Errorf("beside them, a page got status %d, %+v", status, answer)
			}
			waitFor(t, "the end of all that wrote to them", func() bool { return s.waitingWriters() == 0 })
			t.Logf("let go after %s", time.Since(begin).Round(time.Second/10))
			for _, conn := range open { // one by HTTP/2 may go on with other requests
				_ = conn.Close()
			}
			waitFor(t, "the end of their connections", func() bool { return measure(s).goroutines <= before+moreGoroutines })
		})
	}
}

// waitingWriters counts the goroutines of wxsign that wait until a client takes more.
func (s *server) waitingWriters() int {
	s.t.Helper()
	time.Sleep(time.Second / 5) // a dump costs wxsign a moment
	_, dump := s.get(s.ops + "/debug/pprof/goroutine?debug=2")
	writers := 0
	for goroutine := range strings.SplitSeq(dump, "\n\n") {
		if strings.Contains(goroutine, "net.(*netFD).Write(") || strings.Contains(goroutine, ".writeDataFromHandler(") {
			writers++
		}
	}
	return writers
}

// manyRequests are more than the buffers between two programs hold answers to.
const manyRequests = 5_000

// askMuch writes requests, one behind the other, until the server stops to read.
func askMuch(conn net.Conn, at, path string) {
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	go func() {
		one := "GET " + path + " HTTP/1.1\r\nHost: " + at + "\r\n\r\n"
		_, _ = io.WriteString(conn, strings.Repeat(one, manyRequests)) // until it hangs up
	}()
}

// dialSmall has little room for answers.
func dialSmall(t *testing.T, at string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", at, patience)
	if err != nil {
		t.Fatal(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
	return conn
}

func stallPlain(t *testing.T, s *server) net.Conn {
	t.Helper()
	conn := dialSmall(t, hostOf(s.ops))
	askMuch(conn, hostOf(s.ops), "/metrics")
	return conn
}

func stallTLS(t *testing.T, s *server) net.Conn {
	t.Helper()
	conn := tls.Client(dialSmall(t, hostOf(s.pages)), protocol(s.trust, "http/1.1"))
	askMuch(conn, hostOf(s.pages), "/demo/static/demo.js")
	return conn
}

// stallH2 gives leave to send a gigabyte, and reads nothing.
func stallH2(t *testing.T, s *server) net.Conn {
	t.Helper()
	return stallStreams(t, s, 1<<30)
}

// stallWindow reads all frames, but never gives leave to send any of an answer.
func stallWindow(t *testing.T, s *server) net.Conn {
	t.Helper()
	return stallStreams(t, s, 0)
}

func stallStreams(t *testing.T, s *server, window uint32) net.Conn {
	t.Helper()
	const streams = 240 // 250 are allowed at once
	at := hostOf(s.pages)
	c, err := openH2(at, s.trust, window)
	if err != nil {
		t.Fatal(err)
	}
	for n := range streams {
		if err := c.head(oddStream(n), fields(pseudo(http.MethodGet, at, "/demo/static/demo.js")...), true); err != nil {
			t.Fatal(err)
		}
	}
	if window == 0 {
		go func() {
			for err := error(nil); err == nil; {
				_, err = c.ReadFrame()
			}
		}()
	}
	return c.conn
}
