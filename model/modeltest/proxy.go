package modeltest

import (
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Proxy stands on loopback between a client and a server and breaks what lies
// between them on demand. Cut, Hang, Slow and Retarget serve any protocol over
// TCP; CutNextQuery and CutNextReply read MySQL's, without TLS or compression.
// Its methods may be called from the test's goroutine at any time.
type Proxy struct {
	t     testing.TB
	addr  string
	tasks sync.WaitGroup

	mu       sync.Mutex
	target   string
	slow     span
	mode     proxyMode
	changed  chan struct{} // closed and replaced when mode changes
	listener net.Listener  // nil while cut
	links    map[*link]struct{}
	rules    []*rule
}

// span is a range of times; the zero value is none at all.
type span struct{ least, most time.Duration }

func (s span) pick() time.Duration {
	if s.most <= s.least {
		return s.least
	}
	return s.least + rand.N(s.most-s.least)
}

type proxyMode int

const (
	passing proxyMode = iota
	hanging
	severed
)

// NewProxy passes everything on to target, "host:port". It ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := listenLow()
	if err != nil {
		t.Fatalf("proxy: %v", err)
	}
	p := &Proxy{
		t: t, addr: listener.Addr().String(), target: target, listener: listener,
		changed: make(chan struct{}), links: map[*link]struct{}{},
	}
	p.tasks.Go(func() { p.accept(listener) })
	t.Cleanup(func() {
		p.Cut()
		p.tasks.Wait()
	})
	return p
}

// NewProxyFor puts a Proxy before the server of a MySQL DSN and returns the DSN
// that leads through it.
func NewProxyFor(t testing.TB, dsn string) (p *Proxy, through string) {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatalf("proxy: %v", err)
	}
	if config.Net != "tcp" {
		t.Fatalf("proxy: a DSN over %s; it must be tcp", config.Net)
	}
	p = NewProxy(t, config.Addr)
	config.Addr = p.Addr()
	return p, config.FormatDSN()
}

// Addr is where clients connect, "127.0.0.1:port". It stays over Cut and Restore.
func (p *Proxy) Addr() string { return p.addr }

// Cut closes every connection and refuses new ones: the server is gone.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setMode(severed)
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for l := range p.links {
		l.close()
	}
}

// Hang takes connections and bytes and passes none on, in either direction,
// until Restore or Cut: a network that swallows packets. What was swallowed is
// delivered late, at Restore, as TCP would.
func (p *Proxy) Hang() {
	p.t.Helper()
	p.listenAgain()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setMode(hanging)
}

// Slow keeps back what clients send for a time between least and most, drawn
// anew for each statement, until it is called with zeroes. Replies are not
// kept back, and a statement never overtakes another of its connection.
func (p *Proxy) Slow(least, most time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = span{least, most}
}

// Retarget leads to another server from now on, as a fail-over does: every
// connection is closed, and new ones go there.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	for l := range p.links {
		l.close()
	}
}

// Restore ends Cut and Hang.
func (p *Proxy) Restore() {
	p.t.Helper()
	p.listenAgain()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setMode(passing)
}

// listenAgain opens the port after a Cut. Its mode must follow.
func (p *Proxy) listenAgain() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return
	}
	listener, err := listenTCP(p.addr)
	if err != nil {
		p.t.Fatalf("proxy: listen again: %v", err)
	}
	p.listener = listener
	p.tasks.Go(func() { p.accept(listener) })
}

// setMode is called with p.mu held.
func (p *Proxy) setMode(mode proxyMode) {
	p.mode = mode
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return // Cut closed it
		}
		p.tasks.Go(func() { p.connect(client) })
	}
}

// connect carries one connection until either side ends it.
func (p *Proxy) connect(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(p.t.Context(), "tcp", target)
	if err != nil {
		_ = client.Close() // the target is down: so is its proxy
		return
	}
	l := &link{client: client, server: server, target: target}
	if !p.add(l) {
		l.close()
		return
	}
	p.tasks.Go(func() { p.pump(l, server, client, l.onReply) })
	p.pump(l, client, server, func(chunk []byte) bool { return p.onRequest(l, chunk) && p.dawdle() })
	p.remove(l)
}

// add fails after a Cut or a Retarget, which would not see the link.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == severed || p.target != l.target {
		return false
	}
	p.links[l] = struct{}{}
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// pump passes bytes one way. inspect sees them first and says whether they may
// go on; if not, the link has been cut.
func (p *Proxy) pump(l *link, from, to net.Conn, inspect func([]byte) bool) {
	defer l.close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !p.open() || !inspect(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// dawdle is what Slow asks for. A cut ends it; its false stops what was kept back.
func (p *Proxy) dawdle() bool {
	p.mu.Lock()
	wait, changed := p.slow.pick(), p.changed
	p.mu.Unlock()
	if wait == 0 {
		return true
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-late.C:
		return true
	case <-changed:
		return p.open()
	}
}

// open waits until bytes may pass; false: the proxy was cut.
func (p *Proxy) open() bool {
	for {
		p.mu.Lock()
		mode, changed := p.mode, p.changed
		p.mu.Unlock()
		if mode != hanging {
			return mode == passing
		}
		<-changed
	}
}
