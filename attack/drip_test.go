package attack_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
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
				if err := drip(strings.TrimPrefix(d.at, "http://"), d.sent, d.drip); err != nil {
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
func drip(at, sent, bytes string) error {
	const pause = 100 * time.Millisecond
	conn, err := net.Dial("tcp", at)
	if err != nil {
		return err
	}
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
