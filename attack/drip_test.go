package attack_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// Connections that send a byte now and then are ended, on every listener: those
// whose header does not come after 5 s, those whose body does not after 10 s. What
// others ask is answered meanwhile.
func TestSlowDrip(t *testing.T) {
	t.Parallel()
	s := newPlace(t, shipped(t), "WXSIGN_ACCOUNT_0_DOMAINS=h5.example.com").serve()
	waitFor(t, "a signature", func() bool { status, _ := s.sign(demoApp, page); return status == http.StatusOK })
	drips := []struct{ at, sent, drip string }{
		{s.pages, "", "GET /jssdk/config HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1000)},
		{s.pages, "GET /healthz HTTP/1.1\r\nHost: x\r\n", strings.Repeat("X: y\r\n", 200)},
		{s.pages, "POST /jssdk/config HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n", `{"url":"` + strings.Repeat("a", 3990)},
		{s.pages, "POST /demo/report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\na\r\n", 500)},
		{s.control, "GET /v1/", strings.Repeat("a", 1000)},
		{s.control, "POST /cgi-bin/stable_token HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n", strings.Repeat("{", 4000)},
		{s.control, "POST /cgi-bin/media/upload?access_token=wxs_x HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n", strings.Repeat("a",
			4000)},
		{s.panel, "GET /admin/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: wxsign=", strings.Repeat("a", 1000)},
		{
			s.panel, "POST /admin/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n\r\n",
			strings.Repeat("a", 4000),
		},
		{s.ops, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ", strings.Repeat("a", 1000)},
	}
	const each = 8
	var wait sync.WaitGroup
	for _, d := range drips {
		for range each {
			wait.Go(func() {
				conn, err := net.Dial("tcp", hostOf(d.at))
				if err == nil {
					err = drip(conn, d.sent, d.drip)
				}
				if err != nil {
					t.Errorf("%.60q: %v", d.sent+d.drip, err)
				}
			})
		}
	}
	for range 20 {
		if status, answer := s.sign(demoApp, page); status != http.StatusOK {
			t.Errorf("among them, a page got status %d, %+v", status, answer)
		}
	}
	wait.Wait()
	if after := measure(s); after.goroutines > 40+each*len(drips) {
		t.Errorf("%d goroutines are left", after.goroutines)
	}
}

// drip sends bytes one by one until the server ends the connection. That it does
// so before all are sent is what is wanted.
func drip(conn net.Conn, sent, bytes string) error {
	const pause = 100 * time.Millisecond
	defer conn.Close()
	if _, err := io.WriteString(conn, sent); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, conn) // until the server hangs up
	}()
	begin := time.Now()
	for i := range len(bytes) {
		select {
		case <-ended:
			return nil
		case <-time.After(pause):
		}
		if time.Since(begin) > patience {
			return fmt.Errorf("it still listened after %s and %d bytes", patience, i)
		}
		if _, err := io.WriteString(conn, bytes[i:i+1]); err != nil {
			<-ended
			return nil // the server has hung up, as it should
		}
	}
	return fmt.Errorf("it took all %d bytes", len(bytes))
}

// The same by TLS: hands that are shaken for ever, headers, and connections of
// HTTP/2 that say nothing.
func TestSlowDripByTLS(t *testing.T) {
	t.Parallel()
	s := secured(t, newPlace(t, shipped(t), underAttack...)).serve()
	hello := "\x16\x03\x01\x10\x00\x01\x00\x0f\xfc\x03\x03" // a ClientHello of 4 KiB begins
	var wait sync.WaitGroup
	for _, base := range []string{s.pages, s.control, s.panel} {
		for _, d := range []struct{ protocol, drip string }{
			{"", hello + strings.Repeat("a", 4000)},
			{"http/1.1", "GET /jssdk/config HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1000)},
		} {
			wait.Go(func() {
				conn, err := net.Dial("tcp", hostOf(base))
				if err == nil && d.protocol != "" {
					conn = tls.Client(conn, protocol(s.trust, d.protocol))
				}
				if err == nil {
					err = drip(conn, "", d.drip)
				}
				if err != nil {
					t.Errorf("%q at %s: %v", d.protocol, base, err)
				}
			})
		}
		wait.Go(func() {
			if err := silent(hostOf(base), protocol(s.trust, http2.NextProtoTLS)); err != nil {
				t.Errorf("HTTP/2 without a word at %s: %v", base, err)
			}
		})
	}
	wait.Wait()
}

// Connections whose request was answered, and that ask nothing more, are ended after
// a minute.
func TestIdleConnectionsEnd(t *testing.T) {
	t.Parallel()
	s := secured(t, newPlace(t, shipped(t), underAttack...)).serve()
	at := hostOf(s.pages)
	ends := func(conn net.Conn, begin time.Time) {
		_ = conn.SetReadDeadline(begin.Add(5 * time.Minute))
		_, err := io.Copy(io.Discard, conn) // the answer, then the end
		if took := time.Since(begin); err != nil && errors.Is(err, os.ErrDeadlineExceeded) || took < 55*time.Second {
			t.Errorf("a connection without work: %v after %s", err, took)
		}
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		begin := time.Now()
		conn, err := tls.Dial("tcp", at, protocol(s.trust, "http/1.1"))
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: "+at+"\r\n\r\n")
		ends(conn, begin)
	})
	wait.Go(func() {
		begin := time.Now()
		c, err := openH2(at, s.trust, 1<<20)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.conn.Close()
		_ = c.head(1, fields(pseudo(http.MethodGet, at, "/healthz")...), true)
		if got := c.answer(1); got.status != http.StatusOK {
			t.Errorf("answer %+v", got)
		}
		ends(c.conn, begin)
	})
	wait.Wait()
}

// silent begins to speak HTTP/2, says no more, and waits until the server hangs up.
func silent(at string, trust *tls.Config) error {
	raw, err := net.Dial("tcp", at)
	if err != nil {
		return err
	}
	defer raw.Close()
	conn := tls.Client(raw, trust)
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, http2.ClientPreface[:10]); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("it still listened after %s", patience)
	}
	return nil
}

// A request of HTTP/2 whose body drips is ended after 10 s; its connection is not,
// and answers others.
func TestSlowDripOfAStream(t *testing.T) {
	t.Parallel()
	s := secured(t, newPlace(t, shipped(t), underAttack...)).serve()
	at := hostOf(s.pages)
	c, err := openH2(at, s.trust, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	begin := time.Now()
	if err := c.head(1, fields(pseudo(http.MethodPost, at, "/jssdk/config")...), false); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteData(1, false, []byte(`{"url":"`)); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var dripping sync.WaitGroup
	dripping.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
				_ = c.WriteData(1, false, []byte("a")) // for as long as it is let
			}
		}
	})
	got := c.answer(1)
	close(stop)
	dripping.Wait()
	if took := time.Since(begin); !refused(got) || took < 9*time.Second {
		t.Errorf("a body that never ended got %+v after %s", got, took)
	}
	if err := c.head(3, fields(pseudo(http.MethodGet, at, "/healthz")...), true); err != nil {
		t.Fatal(err)
	}
	if got := c.answer(3); got.status != http.StatusOK {
		t.Errorf("after it, a good request got %+v", got)
	}
}
