package snapshot

import "sync/atomic"

// moment is an event that comes once and that any number of goroutines may wait for.
// Its channel is made for the first who does: of fifty thousand views nobody waits for
// one, and a channel is as large as the rest of a view. The zero value is ready for use.
type moment struct{ channel atomic.Pointer[chan struct{}] }

// wait returns what is closed when the moment comes, or has come already.
func (m *moment) wait() <-chan struct{} {
	if known := m.channel.Load(); known != nil {
		return *known
	}
	fresh := make(chan struct{})
	if m.channel.CompareAndSwap(nil, &fresh) {
		return fresh
	}
	return *m.channel.Load() // of whoever was faster: it is never taken back
}

// end makes the moment come. It is called once.
func (m *moment) end() {
	over := make(chan struct{})
	if !m.channel.CompareAndSwap(nil, &over) {
		over = *m.channel.Load()
	}
	close(over)
}
