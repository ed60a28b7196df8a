package modeltest

import (
	"net"
	"slices"
	"sync/atomic"
)

// link is one connection through a Proxy.
type link struct {
	client, server net.Conn
	target         string               // the server's address
	commands       commandReader        // used by the client's pump only
	cutAtReply     atomic.Pointer[rule] // set: the next reply is not passed on
}

// rule waits for one query.
type rule struct {
	match       func(query []byte) bool
	beforeReply bool // else before the query
	done        chan struct{}
}

// CutNextReply lets the next query that matches reach the server and, once the
// server has answered, closes the connection without passing the answer on: the
// write is done and the client cannot know. The channel is closed when that has
// happened; a test waits for it, or it may have tested nothing. match sees the
// text of plain queries, as a DSN with interpolateParams=true sends them, BEGIN
// and COMMIT among them, and is called on the proxy's goroutine.
func (p *Proxy) CutNextReply(match func(query []byte) bool) <-chan struct{} {
	return p.addRule(&rule{match: match, beforeReply: true, done: make(chan struct{})})
}

// CutNextQuery closes the connection instead of passing on the next query that
// matches: the client sees what it sees after CutNextReply, but nothing was done.
func (p *Proxy) CutNextQuery(match func(query []byte) bool) <-chan struct{} {
	return p.addRule(&rule{match: match, done: make(chan struct{})})
}

func (p *Proxy) addRule(r *rule) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, r)
	return r.done
}

// onRequest says whether the chunk may go on to the server. Earlier chunks of a
// long query are gone by then, but a server acts only on a whole one.
func (p *Proxy) onRequest(l *link, chunk []byte) bool {
	for _, command := range l.commands.feed(chunk) {
		r := p.take(command)
		switch {
		case r == nil:
		case r.beforeReply:
			l.cutAtReply.Store(r)
		default:
			l.cut(r)
			return false
		}
	}
	return true
}

// take removes and returns the first rule that the command matches.
func (p *Proxy) take(command []byte) *rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.rules) == 0 {
		return nil
	}
	if command[0] == comStmtExecute {
		p.t.Error("proxy: a prepared statement, whose text it cannot match: open the DSN with interpolateParams=true")
	}
	if command[0] != comQuery {
		return nil
	}
	i := slices.IndexFunc(p.rules, func(r *rule) bool { return r.match(command[1:]) })
	if i < 0 {
		return nil
	}
	r := p.rules[i]
	p.rules = slices.Delete(p.rules, i, i+1)
	return r
}

// onReply says whether the chunk may go on to the client.
func (l *link) onReply([]byte) bool {
	r := l.cutAtReply.Load()
	if r == nil {
		return true
	}
	l.cut(r)
	return false
}

func (l *link) cut(r *rule) {
	l.close()
	close(r.done)
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// The commands of MySQL's protocol that matter here, by their first byte.
const (
	comQuery       = 0x03
	comStmtExecute = 0x17
)

// packetHeader is three bytes of length, little-endian, and a sequence number.
const packetHeader = 4

// commandReader finds the commands in what a MySQL client sends: packets whose
// sequence number is 0. Its zero value is ready.
type commandReader struct{ pending []byte }

// feed takes the next bytes and returns the payloads that they complete. Of a
// command longer than 16 MiB only the first packet is seen.
func (c *commandReader) feed(chunk []byte) [][]byte {
	c.pending = append(c.pending, chunk...)
	var commands [][]byte
	for len(c.pending) >= packetHeader {
		end := packetHeader + int(c.pending[0]) + int(c.pending[1])<<8 + int(c.pending[2])<<16
		if len(c.pending) < end {
			break
		}
		if payload := c.pending[packetHeader:end]; c.pending[3] == 0 && len(payload) > 0 {
			commands = append(commands, slices.Clone(payload))
		}
		c.pending = c.pending[end:]
	}
	return commands
}
