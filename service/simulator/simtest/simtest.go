// Package simtest starts a WeChat simulator for a test and steers it.
//
// Start listens on loopback. StartPiped joins client and server by in-memory
// pipes, which testing/synctest understands: inside a bubble, two hours of
// credentials pass in a moment. Both speak real HTTP through net/http.
package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/wxsign/wxsign/service/simulator"
)

// Server is a running simulator. It stops when its test ends.
type Server struct {
	Sim    *simulator.Simulator
	URL    string       // base URL, no slash at the end
	Client *http.Client // reaches URL; without a timeout
}

// Start runs a simulator on a loopback port that the kernel chooses.
func Start(t testing.TB, options simulator.Options) *Server {
	t.Helper()
	sim := build(t, options)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return &Server{Sim: sim, URL: server.URL, Client: server.Client()}
}

// StartPiped runs a simulator behind in-memory pipes. Only Client reaches it.
// Call it inside the bubble.
func StartPiped(t testing.TB, options simulator.Options) *Server {
	t.Helper()
	sim, listener := build(t, options), newPipes()
	server, served := &http.Server{Handler: sim}, make(chan struct{}) //nolint:gosec // no slow strangers on a pipe
	go func() {
		defer close(served)
		_ = server.Serve(listener) // always ErrServerClosed: Cleanup closes it
	}()
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return &Server{Sim: sim, URL: "http://simulator.invalid", Client: &http.Client{Transport: transport}}
}

func build(t testing.TB, options simulator.Options) *simulator.Simulator {
	t.Helper()
	sim, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

// Control sends a control request, for instance
// Control(t, "POST", "/_sim/fault", map[string]any{"path": "*", "mode": "hang"}, nil),
// and decodes the answer into into unless that is nil. Any status but 200 fails
// the test.
func (s *Server) Control(t testing.TB, method, path string, body, into any) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.Client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: status %d: %s", method, path, response.StatusCode, answer)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, answer)
	}
}

// pipes is a listener whose connections are made by dial, in memory.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes {
	return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accepted <- loopback{server}:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return loopbackAddr() }

// loopback gives a pipe the peer address of a loopback connection, so that the
// IP list and the guard of /_sim/ see one.
type loopback struct{ net.Conn }

func (loopback) RemoteAddr() net.Addr { return loopbackAddr() }

func loopbackAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }
