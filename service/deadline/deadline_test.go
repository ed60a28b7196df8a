package deadline_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/deadline"
)

var errHalf = errors.New("half closed")

// TestReadEndsInTime moves a read's deadline in every way, while nothing is sent.
func TestReadEndsInTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		before, then time.Duration // the deadline at first, and 1 s later; 0 = none
		want         time.Duration // when the read ends
		told         int64         // at most
	}{
		{"one", 5 * time.Second, 5 * time.Second, 5 * time.Second, 1},
		{"later", 5 * time.Second, 9 * time.Second, 9 * time.Second, 2},
		{"sooner", 9 * time.Second, 5 * time.Second, 5 * time.Second, 2},
		{"none, then one", 0, 5 * time.Second, 5 * time.Second, 1},
		{"in the past", 9 * time.Second, -time.Hour, time.Second, 2},
		{"this moment", 9 * time.Second, time.Second, time.Second, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conn, b, _ := pair(t)
				began := time.Now()
				if test.before != 0 {
					_ = conn.SetReadDeadline(began.Add(test.before))
				}
				time.AfterFunc(time.Second, func() { _ = conn.SetReadDeadline(began.Add(test.then)) })
				var err error
				if got := took(func() { _, err = conn.Read(make([]byte, 1)) }); got != test.want || !isTimeout(err) {
					t.Errorf("the read ended after %s with %v, want %s", got, err, test.want)
				}
				if told := b.told.Load(); told > test.told {
					t.Errorf("the connection below was told %d times, want at most %d", told, test.told)
				}
			})
		})
	}
}

// isTimeout is how net/http tells one.
func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout() && errors.Is(err, os.ErrDeadlineExceeded)
}

// TestDeadlineTakenAway reads what comes long after a deadline that is none any more.
func TestDeadlineTakenAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, _, far := pair(t)
		_ = conn.SetDeadline(after(5 * time.Second))
		time.AfterFunc(3*time.Second, func() { _ = conn.SetDeadline(time.Time{}) })
		time.AfterFunc(time.Hour, func() { _, _ = far.Write([]byte("x")) })
		if n, err := conn.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("read %d bytes, %v; want what came after an hour", n, err)
		}
	})
}

// TestManyDeadlines is what a kept connection does: for each request deadlines move
// on, and none is ever missed.
func TestManyDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, b, far := pair(t)
		const requests = 600
		go func() {
			for range requests {
				time.Sleep(time.Second)
				_, _ = far.Write([]byte("x"))
				_, _ = far.Read(make([]byte, 1))
			}
		}()
		for range requests {
			_ = conn.SetReadDeadline(after(time.Minute))
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(after(5 * time.Second)) // the header's
			_ = conn.SetWriteDeadline(after(15 * time.Second))
			_ = conn.SetReadDeadline(time.Unix(1, 0)) // ends a read beside the handler
			if _, err := conn.Read(make([]byte, 1)); !isTimeout(err) {
				t.Fatalf("a read behind its deadline: %v", err)
			}
			if _, err := conn.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Time{})
		}
		// 600 s by a read deadline of 60 and a write deadline of 15 s.
		if told := b.told.Load(); told > 2*requests/15 {
			t.Errorf("the connection below was told %d times by %d requests", told, requests)
		}
		if got := took(func() { _ = conn.SetReadDeadline(after(time.Minute)); _, _ = conn.Read(make([]byte, 1)) }); got != time.Minute {
			t.Errorf("the last read ended after %s, want 1m", got)
		}
	})
}

// TestWriteGoesOn writes to one who takes a byte a second, by deadlines that are told
// too early, and one that is missed.
func TestWriteGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, _, far := pair(t)
		_ = conn.SetWriteDeadline(after(3 * time.Second))
		go func() {
			for range 10 {
				time.Sleep(time.Second)
				_, _ = io.ReadFull(far, make([]byte, 1))
				_ = conn.SetWriteDeadline(after(3 * time.Second)) // as long as it moves
			}
		}()
		var n int
		var err error
		if got := took(func() { n, err = conn.Write(make([]byte, 12)) }); n != 10 || !isTimeout(err) || got != 13*time.Second {
			t.Errorf("wrote %d bytes in %s, %v; want 10, and a timeout 3 s behind the last", n, got, err)
		}
	})
}

// TestDeadlinesAtOnce moves deadlines while a read begins: the last one holds.
func TestDeadlinesAtOnce(t *testing.T) {
	t.Parallel()
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			conn, _, _ := pair(t)
			_ = conn.SetReadDeadline(after(200 * time.Millisecond))
			read := make(chan time.Duration)
			go func() {
				read <- took(func() { _, _ = conn.Read(make([]byte, 1)) })
			}()
			for _, later := range []time.Duration{5 * time.Second, 3 * time.Second, 9 * time.Second, time.Second} {
				_ = conn.SetReadDeadline(after(later))
			}
			if got := <-read; got != time.Second {
				t.Fatalf("the read ended after %s, want 1s", got)
			}
		})
	}
}

// TestOverTCP reads and writes on the loopback: a deadline that is none any more does
// not end a read, one that is ends it.
func TestOverTCP(t *testing.T) {
	t.Parallel()
	open, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	far, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", open.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	conn, err := deadline.Listener{Listener: open}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	first := make(chan error, 1)
	_ = conn.SetReadDeadline(after(10 * time.Millisecond))
	go func() {
		_, err := conn.Read(make([]byte, 1))
		first <- err
	}()
	if err := <-first; !isTimeout(err) {
		t.Fatalf("the first read: %v, want a timeout", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	go func() {
		_, err := conn.Read(make([]byte, 1))
		first <- err
	}()
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Errorf("a read without a deadline: %v", err)
	}
	_ = conn.SetWriteDeadline(after(20 * time.Millisecond))
	if _, err := conn.Write(make([]byte, 64<<20)); !isTimeout(err) {
		t.Errorf("a write to one who reads nothing: %v, want a timeout", err)
	}
	_ = conn.Close()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read behind the end: %v", err)
	}
}

// TestBelow reaches what is wrapped.
func TestBelow(t *testing.T) {
	t.Parallel()
	conn, b, _ := pair(t)
	if conn.NetConn() != net.Conn(b) {
		t.Error("NetConn is not the connection below")
	}
	if err := conn.CloseWrite(); !errors.Is(err, errHalf) {
		t.Errorf("CloseWrite: %v, want what the connection below says", err)
	}
	if err := deadline.New(b.Conn).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite of a pipe: %v, want that it cannot", err)
	}
}
