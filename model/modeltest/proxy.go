package modeltest

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Proxy stands on loopback between a client and a server and breaks what lies
// between them on demand. Cut and Hang serve any protocol over TCP; CutNextQuery
// and CutNextReply read MySQL's, without TLS or compression. Its methods may be
// called from the test's goroutine at any time.
type Proxy struct {
	t      testing.TB
	addr   string
	target string
	tasks  sync.WaitGroup

	mu       sync.Mutex
	mode     proxyMode
	changed  chan struct{} // closed and replaced when mode changes
	listener net.Listener  // nil while cut
	links    map[*link]struct{}
	rules    []*rule
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
	dialer := net.Dialer{Timeout: 5 * time.Second}
	server, err := dialer.DialContext(p.t.Context(), "tcp", p.target)
	if err != nil {
		_ = client.Close() // the target is down: so is its proxy
		return
	}
	l := &link{client: client, server: server}
	if !p.add(l) {
		l.close()
		return
	}
	p.tasks.Go(func() { p.pump(l, server, client, l.onReply) })
	p.pump(l, client, server, func(chunk []byte) bool { return p.onRequest(l, chunk) })
	p.remove(l)
}

// add fails after a Cut, which would not see the link.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == severed {
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
