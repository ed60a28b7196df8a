package modeltest_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model/modeltest"
)

// behind opens two pools on one database: through a proxy, and past it.
func behind(t testing.TB) (proxy *modeltest.Proxy, through, direct *sql.DB) {
	t.Helper()
	dsn := modeltest.MariaDB(t)
	direct = open(t, dsn)
	exec1(t, direct, "CREATE TABLE seen (id INT PRIMARY KEY)")
	proxy, dsn = modeltest.NewProxyFor(t, dsn)
	return proxy, open(t, dsn), direct
}

func inserts(query []byte) bool { return bytes.HasPrefix(query, []byte("INSERT")) }

func happened(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the cut did not happen")
	}
}

func TestProxyCutsAroundOneQuery(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cut  func(*modeltest.Proxy, func([]byte) bool) <-chan struct{}
		rows int
	}{
		"before the query: nothing done": {(*modeltest.Proxy).CutNextQuery, 0},
		"before the reply: done unknown": {(*modeltest.Proxy).CutNextReply, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, through, direct := behind(t)
			done := test.cut(proxy, inserts)
			exec1(t, through, "DELETE FROM seen") // no match: passes
			if _, err := through.ExecContext(t.Context(), "INSERT INTO seen VALUES (?)", 1); err == nil {
				t.Error("the client was told that its write was done")
			}
			happened(t, done)
			if n := count(t, direct, "SELECT COUNT(*) FROM seen"); n != test.rows {
				t.Errorf("%d rows, want %d", n, test.rows)
			}
			exec1(t, through, "INSERT INTO seen VALUES (2)") // once only
		})
	}
}

func TestProxyCutsTheReplyToCommit(t *testing.T) {
	t.Parallel()
	proxy, through, direct := behind(t)
	done := proxy.CutNextReply(func(query []byte) bool { return bytes.EqualFold(query, []byte("COMMIT")) })
	tx, err := through.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO seen VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err == nil {
		t.Error("the client was told that its transaction is committed")
	}
	happened(t, done)
	if n := count(t, direct, "SELECT COUNT(*) FROM seen"); n != 1 {
		t.Errorf("%d rows, want 1: the server had committed", n)
	}
}

func TestProxyCutAndRestore(t *testing.T) {
	t.Parallel()
	proxy, through, _ := behind(t)
	conn, err := through.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	proxy.Cut()
	if err := conn.PingContext(t.Context()); err == nil {
		t.Error("an open connection lives on after Cut")
	}
	if _, err := net.DialTimeout("tcp", proxy.Addr(), time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection after Cut: %v, want it refused", err)
	}
	proxy.Restore()
	exec1(t, through, "INSERT INTO seen VALUES (1)")
}

func TestProxySlow(t *testing.T) {
	t.Parallel()
	proxy, through, _ := behind(t)
	exec1(t, through, "DO 1") // a connection, whose making takes several messages
	const wait = 200 * time.Millisecond
	proxy.Slow(wait, 2*wait)
	for range 2 {
		begin := time.Now()
		if count(t, through, "SELECT 1"); time.Since(begin) < wait {
			t.Errorf("a statement took %s, want at least %s", time.Since(begin), wait)
		}
	}
	proxy.Slow(time.Hour, time.Hour)
	failed := make(chan error, 1)
	go func() { failed <- through.PingContext(t.Context()) }()
	time.Sleep(50 * time.Millisecond) // it may be kept back by then; if not, it is refused
	proxy.Cut()
	if err := <-failed; err == nil {
		t.Error("an answer through a proxy that was cut")
	}
	proxy.Slow(0, 0)
	proxy.Restore()
	exec1(t, through, "DO 1")
}

func TestProxyRetarget(t *testing.T) {
	t.Parallel()
	first, second := modeltest.MariaDBServer(t), modeltest.MariaDBServer(t)
	proxy, dsn := modeltest.NewProxyFor(t, first.DSN())
	through := open(t, dsn)
	exec1(t, through, "CREATE TABLE only_in_first (id INT PRIMARY KEY)")
	other := open(t, second.DSN())
	var addr string
	if err := other.QueryRowContext(t.Context(), "SELECT CONCAT('127.0.0.1:', @@port)").Scan(&addr); err != nil {
		t.Fatal(err)
	}
	proxy.Retarget(addr)
	if n := count(t, through, tablesHere); n != 0 {
		t.Errorf("%d tables, want 0: it still leads to the first", n)
	}
}

func TestProxyHangDeliversLate(t *testing.T) {
	t.Parallel()
	proxy, through, direct := behind(t)
	exec1(t, through, "DO 1") // a connection from before, in the pool
	proxy.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := through.ExecContext(ctx, "INSERT INTO seen VALUES (1)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a write while hanging: %v, want it to wait until its deadline", err)
	}
	if n := count(t, direct, "SELECT COUNT(*) FROM seen"); n != 0 {
		t.Errorf("%d rows while hanging, want 0", n)
	}
	proxy.Restore()
	for deadline := time.Now().Add(10 * time.Second); count(t, direct, "SELECT COUNT(*) FROM seen") == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the write was not delivered after Restore")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestProxyCarriesOtherProtocols(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	}()
	client, err := net.Dial("tcp", modeltest.NewProxy(t, listener.Addr().String()).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	sent := bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 10_000)
	go func() { _, _ = client.Write(sent) }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("not echoed as sent: %v", err)
	}
}

// reporter counts what would have failed the test.
type reporter struct {
	testing.TB
	failures atomic.Int32
}

func (r *reporter) Error(...any) { r.failures.Add(1) }

func TestProxySaysWhatItCannotMatch(t *testing.T) {
	t.Parallel()
	r := &reporter{TB: t}
	proxy, dsn := modeltest.NewProxyFor(r, modeltest.MariaDB(t))
	proxy.CutNextReply(inserts)
	statement, err := open(t, dsn).PrepareContext(t.Context(), "SELECT ?")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = statement.Close() }()
	if _, err := statement.ExecContext(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if r.failures.Load() == 0 {
		t.Error("a prepared statement passed a rule unnoticed")
	}
}

func packet(sequence byte, payload string) []byte {
	n := len(payload)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), sequence}, payload...)
}

// FuzzCommands holds that the cuts between reads do not matter, and that whole
// packets come out as they went in.
func FuzzCommands(f *testing.F) {
	f.Add(packet(1, "handshake"), "\x03SELECT 1", 3)
	f.Add([]byte{}, "", 0)
	f.Add([]byte{0xff, 0xff, 0xff, 0}, "\x03x", 1)
	f.Fuzz(func(t *testing.T, before []byte, text string, cut int) {
		stream := append(bytes.Clone(before), packet(0, text)...)
		whole := modeltest.Commands(stream)
		cut = max(0, min(cut, len(stream)))
		if diff := cmp.Diff(whole, modeltest.Commands(stream[:cut], stream[cut:])); diff != "" {
			t.Errorf("cut at %d (-whole +cut):\n%s", cut, diff)
		}
		got := modeltest.Commands(packet(0, text), packet(1, "more of it"), packet(0, text))
		want := [][]byte{[]byte(text), []byte(text)}
		if text == "" {
			want = nil
		}
		if diff := cmp.Diff(want, got); len(text) < 1<<24 && diff != "" {
			t.Error(fmt.Sprintf("packets of %q (-want +got):\n", text) + diff)
		}
	})
}
