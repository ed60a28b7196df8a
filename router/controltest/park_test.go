package controltest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/deadline"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// serve is the world on a listener as the program's, where polls wait without a
// goroutine of their own. taken counts the connections that were taken off the server.
func (w *world) serve() (server *httptest.Server, taken *atomic.Int64) {
	w.Helper()
	taken = &atomic.Int64{}
	server = httptest.NewUnstartedServer(w.Handler)
	server.Listener = deadline.Listener{Listener: server.Listener}
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateHijacked {
			taken.Add(1)
		}
	}
	server.Start()
	w.Cleanup(server.Close)
	w.Cleanup(func() { w.control.EndWaits(context.Background()) }) // first: what waits goes back to the server
	return server, taken
}

// wire is one connection of a caller who writes its requests by hand.
type wire struct {
	testing.TB
	net.Conn
	reader *bufio.Reader
}

func (w *world) dial(server *httptest.Server) *wire {
	w.Helper()
	conn, err := (&net.Dialer{}).DialContext(w.Context(), "tcp", server.Listener.Addr().String())
	w.ok(err)
	w.Cleanup(func() { _ = conn.Close() })
	w.ok(conn.SetDeadline(time.Now().Add(waitPatience)))
	return &wire{w.TB, conn, bufio.NewReader(conn)}
}

// say sends a GET with further header lines.
func (c *wire) say(target, key string, lines ...string) {
	c.Helper()
	head := append([]string{"GET " + target + " HTTP/1.1", "Host: wxsign", "Authorization: Bearer " + key}, lines...)
	text := strings.Join(head, "\r\n") + "\r\n\r\n"
	if _, err := io.WriteString(c, text); err != nil {
		c.Fatal(err)
	}
}

// hear reads one answer.
func (c *wire) hear() (status int, body string) {
	c.Helper()
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (w *world) pollPath(wait string) string {
	return agentToken + "?wait=" + wait + "&after=" + strconv.FormatInt(w.current(agent7, keeper.KindAccessToken).Version, 10)
}

func (w *world) until(what string, done func() bool) {
	w.Helper()
	for deadline := time.Now().Add(waitPatience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%s: not within %s", what, waitPatience)
		}
	}
}

// Many polls wait on connections that the server does not hold, are woken by the
// next value, and go on with the same connections.
func TestParkedPollsWake(t *testing.T) {
	t.Parallel()
	const polls = 30 // of three rounds, fewer answers than the log would thin
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	server, taken := w.serve()
	var wires []*wire
	for i := range polls {
		c := w.dial(server)
		path := w.pollPath("60s")
		if i%2 == 1 {
			path = strings.Replace(path, "wait=", "x=%20&w%61it=", 1) // in other bytes
		}
		c.say(path, key)
		wires = append(wires, c)
	}
	for round := 1; round <= 3; round++ {
		w.until("all polls wait", func() bool { return taken.Load() == int64(round*polls) })
		w.publish(agent7, keeper.KindJSAPI, "no news to them")
		next := fmt.Sprintf("token-%d", round)
		w.publish(agent7, keeper.KindAccessToken, next)
		for _, c := range wires {
			if status, body := c.hear(); status != http.StatusOK || !strings.Contains(body, `"`+next+`"`) {
				t.Fatalf("round %d: status %d: %s", round, status, body)
			}
			c.say(w.pollPath("60s"), key)
		}
	}
	w.until("all polls wait", func() bool { return taken.Load() == 4*polls })
	if text := w.log.String(); strings.Count(text, "status=200") != 3*polls || strings.Contains(text, "status=0") {
		t.Errorf("the log does not have one line for each answer:\n%s", text)
	}
}

// What ends a wait, and how the caller hears of it.
func TestParkedPollsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	id, key := w.key("token", agent7)
	server, taken := w.serve()

	c := w.dial(server)
	c.say(w.pollPath("150ms"), key)
	c.say(agentToken, key) // sent before the answer to the first: it is the next request
	if status, _ := c.hear(); status != http.StatusNotModified {
		t.Errorf("time up: status %d", status)
	}
	if status, body := c.hear(); status != http.StatusOK || !strings.Contains(body, "access_token") {
		t.Errorf("the request behind a poll: status %d: %s", status, body)
	}

	c.say(w.pollPath("30s"), key)
	short := w.dial(server) // does not wait for the one that came before it
	short.say(w.pollPath("150ms"), key, "Connection: close")
	if status, _ := short.hear(); status != http.StatusNotModified {
		t.Errorf("a short wait beside a long one: status %d", status)
	}
	if _, err := short.reader.ReadByte(); err == nil {
		t.Error("the connection stayed, against the caller's wish")
	}

	w.until("it waits", func() bool { return taken.Load() == 3 })
	w.ok(w.keys.Revoke(t.Context(), id, apikey.Actor{Name: "test"}))
	w.publish(agent7, keeper.KindAccessToken, "not for revoked keys")
	if status, body := c.hear(); status != http.StatusUnauthorized || strings.Contains(body, "not for") {
		t.Errorf("the key was revoked while it waited: status %d: %s", status, body)
	}

	_, key = w.key("token", agent7)
	c.say(w.pollPath("30s"), key)
	w.until("it waits", func() bool { return taken.Load() == 4 })
	w.table.Remove(agent7)
	if status, body := c.hear(); status != http.StatusNotFound {
		t.Errorf("the account was removed: status %d: %s", status, body)
	}
}

// The process stops: who waits is answered, and Shutdown waits for the answers.
func TestParkedPollsAtTheStop(t *testing.T) {
	t.Parallel()
	const polls = 20
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	server, taken := w.serve()
	var wires []*wire
	for range polls {
		c := w.dial(server)
		c.say(w.pollPath("60s"), key)
		wires = append(wires, c)
	}
	w.until("all polls wait", func() bool { return taken.Load() == polls })
	w.control.EndWaits(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), waitPatience)
	defer cancel()
	w.ok(server.Config.Shutdown(ctx))
	for _, c := range wires {
		if status, _ := c.hear(); status != http.StatusNotModified {
			t.Errorf("status %d", status)
		}
	}
}

// Who leaves gives the connection free long before the wait is over.
func TestParkedPollOfOneWhoLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	server, taken := w.serve()
	c := w.dial(server)
	c.say(w.pollPath("60s"), key)
	w.until("it waits", func() bool { return taken.Load() == 1 })
	tcp, _ := c.Conn.(*net.TCPConn)
	w.ok(tcp.CloseWrite())
	if _, err := c.reader.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end of the connection within %s", err, waitPatience)
	}
}

// A value that has ended is no news: who knows an older one waits for the next,
// whoever waits beside it.
func TestParkedPollsBehindAnEndedValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	server, taken := w.serve()
	put := func(version int64, value string, life time.Duration) {
		end := time.Now().Add(life)
		w.table.PutCredential(agent7, snapshot.Credential{
			Kind: keeper.KindAccessToken, Value: secret.New(value), Version: version, PublishID: fmt.Sprintf("%032x", version),
			IssuedAt: end.Add(-2 * time.Hour).UnixMilli(), ExpiresAt: end.UnixMilli(), Deadline: end,
		})
	}
	put(2, "second", time.Hour)
	var wires []*wire
	for n, knows := range []string{"2", "1"} {
		c := w.dial(server)
		c.say(agentToken+"?wait=60s&after="+knows, key)
		w.until("it waits", func() bool { return taken.Load() == int64(n+1) })
		put(2, "second", -time.Second)
		wires = append(wires, c)
	}
	put(3, "third", time.Hour)
	for i, c := range wires {
		if status, body := c.hear(); status != http.StatusOK || !strings.Contains(body, `"third"`) {
			t.Errorf("poll %d: status %d: %s", i, status, body)
		}
	}
}

// What cannot be taken aside waits as any request does.
func TestPollsThatAreNotParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	server, taken := w.serve()
	for name, text := range map[string]string{
		"HEAD":     "HEAD " + w.pollPath("20ms") + " HTTP/1.1\r\nHost: wxsign\r\nConnection: close\r\nAuthorization: Bearer " + key + "\r\n\r\n",
		"HTTP/1.0": "GET " + w.pollPath("20ms") + " HTTP/1.0\r\nAuthorization: Bearer " + key + "\r\n\r\n",
		"long": "GET " + w.pollPath("20ms") + " HTTP/1.1\r\nHost: wxsign\r\nConnection: close\r\nX-Long: " + strings.Repeat("x", 4<<10) +
			"\r\nAuthorization: Bearer " + key + "\r\n\r\n",
		"a body": "GET " + w.pollPath("20ms") + " HTTP/1.1\r\nHost: wxsign\r\nConnection: close\r\nContent-Length: 2\r\nAuthorization: Bearer " + key + "\r\n\r\n{}",
	} {
		c := w.dial(server)
		_, err := io.WriteString(c, text)
		w.ok(err)
		if status, _ := c.hear(); status != http.StatusNotModified {
			t.Errorf("%s: status %d", name, status)
		}
	}
	if n := taken.Load(); n != 0 {
		t.Errorf("%d connections were taken off the server", n)
	}
}

// A client of Go's own does not notice: it keeps its connection.
func TestParkedPollKeepsTheConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	server, taken := w.serve()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	var reused bool
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused }}
	for round := range 3 {
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, server.URL+w.pollPath("20ms"), nil)
		w.ok(err)
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := transport.RoundTrip(r)
		w.ok(err)
		w.ok(resp.Body.Close())
		if resp.StatusCode != http.StatusNotModified || reused != (round > 0) {
			t.Errorf("round %d: status %d, connection reused: %t", round, resp.StatusCode, reused)
		}
	}
	if taken.Load() != 3 {
		t.Errorf("%d of 3 polls were parked", taken.Load())
	}
}
