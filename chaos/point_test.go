package chaos_test

import (
	"bytes"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// point is a place in a renewal, seen from outside, where a process can die.
type point struct {
	name string
	// of the database: the statement, and whether it is answered before the
	// process dies. The answer never arrives.
	statement statement
	applied   bool
	// of WeChat: the call, and whether WeChat has dealt with it.
	call   bool
	issued bool
	// published points lie behind the publish: the value is safe already.
	published bool
}

// points are the eight places at which each step of a renewal is either asked
// for or done, without the process knowing.
func points() []point {
	return []point{
		{name: "claim sent", statement: claims},
		{name: "claim applied", statement: claims, applied: true},
		{name: "call arrived", call: true},
		{name: "value issued", call: true, issued: true},
		{name: "publish sent", statement: publishes},
		{name: "publish applied", statement: publishes, applied: true, published: true},
		{name: "history sent", statement: writesHistory, published: true},
		{name: "history applied", statement: writesHistory, applied: true, published: true},
	}
}

// statement tells one kind of query from the others by its text.
type statement struct{ words []string }

var (
	claims        = statement{[]string{"UPDATE credential SET fence=fence+1, lease_owner="}}
	publishes     = statement{[]string{"UPDATE credential SET version=version+1, publish_id=", "birth_known="}}
	writesHistory = statement{[]string{"INSERT INTO history", "'renewed'"}}
)

// about tells whether the query is such a statement about the credential.
func (s statement) about(query []byte, appID, kind string) bool {
	for _, word := range append(s.words, "'"+appID+"'", "'"+kind+"'") {
		if !bytes.Contains(query, []byte(word)) {
			return false
		}
	}
	return true
}

// ambush waits for the first replica that reaches a point, and kills it there.
type ambush struct {
	victim atomic.Pointer[replica]
	struck chan struct{} // closed when the victim is dead at the point
	at     time.Time     // when it died; read it after struck
}

// lay lays an ambush for whoever renews the credential next. A token's call
// cannot be told from another account's, so only one account may be due.
func (c *cluster) lay(p point, appID, kind string) *ambush {
	a := &ambush{struck: make(chan struct{})}
	for _, r := range c.replicas {
		switch {
		case p.call:
			r.door.add(&trap{
				match:    func(path string) bool { return kindOf(path) == kind },
				answered: p.issued,
				spring:   func() bool { return a.take(r, syscall.SIGKILL) },
			})
		case p.applied:
			// Stopped when it asks, it can do nothing about the lost answer.
			cut := r.db.CutNextReply(func(q []byte) bool { return p.statement.about(q, appID, kind) && a.take(r, syscall.SIGSTOP) })
			go func() {
				select {
				case <-cut:
					a.finish(r)
				case <-c.t.Context().Done():
				}
			}()
		default:
			r.db.CutNextQuery(func(q []byte) bool { return p.statement.about(q, appID, kind) && a.take(r, syscall.SIGKILL) })
		}
	}
	return a
}

// take makes the replica the victim if there is none yet.
func (a *ambush) take(r *replica, signal syscall.Signal) bool {
	if !a.victim.CompareAndSwap(nil, r) {
		return false
	}
	if signal == syscall.SIGKILL {
		a.finish(r)
	} else {
		r.signal(signal)
	}
	return true
}

func (a *ambush) finish(r *replica) {
	r.signal(syscall.SIGKILL)
	a.at = time.Now()
	close(a.struck)
}

// slug is a name for a subtest.
func (p point) slug() string { return strings.ReplaceAll(p.name, " ", "_") }
