package relay

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// errIdle ends a call in which nothing moves any more.
var errIdle = errors.New("nothing moved for too long")

// pulse ends a call in which no byte has moved for a while, whoever is to blame:
// it moves the deadlines of the caller's connection, and cancels what goes on
// with WeChat.
type pulse struct {
	control *http.ResponseController
	idle    time.Duration
	timer   *time.Timer

	mu     sync.Mutex
	moved  time.Time
	by     time.Time // when the request must have arrived, whatever moves; zero = never
	whole  bool      // the request has arrived; the server only listens for a hang-up
	paused bool
	over   bool
}

func newPulse(control *http.ResponseController, idle time.Duration, stop func()) *pulse {
	p := &pulse{control: control, idle: idle, timer: time.AfterFunc(idle, stop)}
	p.beat()
	return p
}

// beat is called whenever something moved. Most beats are nearly free.
func (p *pulse) beat() {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || p.paused || now.Sub(p.moved) < p.idle/16 {
		return
	}
	p.move(now)
}

// move sets all deadlines. An error only says that the writer has none, as in
// tests without a connection. p.mu is held.
func (p *pulse) move(now time.Time) {
	p.moved = now
	p.timer.Reset(p.idle)
	// A little later, so that there is still time to say why the call ended.
	_ = p.control.SetWriteDeadline(now.Add(p.idle + p.idle/8))
	if p.whole {
		return
	}
	deadline := now.Add(p.idle)
	if !p.by.IsZero() && deadline.After(p.by) {
		deadline = p.by
	}
	_ = p.control.SetReadDeadline(deadline)
}

// hurry gives the request no more time to arrive than a pause may take.
func (p *pulse) hurry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.by = p.moved.Add(p.idle)
}

// received is called when the request has arrived. The server goes on reading,
// to learn of a hang-up; a deadline there would look like one.
func (p *pulse) received() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over && !p.whole {
		p.whole = true
		_ = p.control.SetReadDeadline(time.Time{})
	}
}

// pause stops the clock while this server itself is at work, for at most that
// long.
func (p *pulse) pause(most time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused = true
	p.timer.Stop()
	_ = p.control.SetWriteDeadline(time.Now().Add(most + p.idle))
}

// resume goes on with all deadlines anew, also after the clock has run out: the
// caller is still to be told so.
func (p *pulse) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.paused = false
		p.move(time.Now())
	}
}

// stop is the last: the connection is not touched after it. The rest of a body
// that has not arrived is waited for no longer than linger.
func (p *pulse) stop(linger time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.timer.Stop()
	if !p.whole {
		_ = p.control.SetReadDeadline(time.Now().Add(linger))
	}
}
