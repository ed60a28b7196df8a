package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// pace is how much garbage may gather between two collections: room in bytes, but at
// least so many per cent of what is alive.
type pace struct{ room, percent uint64 }

// busyPace is that of a process with much to do. More room is no help where little is
// alive: on one CPU, under as many requests as that can bear, 96 MB brought not one
// request more, and a slower slowest request of a hundred, because what a collection
// found is swept all at once. Much that is alive takes long to mark: with four times as
// much garbage, marking takes no larger part of the time than with one account.
func busyPace() pace { return pace{room: 16 << 20, percent: 400} }

// idlePace is that of one with little to do: there are few collections then, and the
// memory is worth more.
func idlePace() pace { return pace{room: 8 << 20, percent: 50} }

const (
	// mostGCPercent is what paceCollector chooses at most: before the first collection
	// nothing is known to be alive.
	mostGCPercent = 3000
	// idleGarbage is what a process that has little to do makes in a minute at most, in
	// bytes: that of 3,000 requests a second, or of following fifty thousand accounts.
	idleGarbage = 384 << 20
	// busyGarbage is what one that has much to do makes between two quick looks, which
	// are 1 s apart: that of 32,000 requests a second. Following makes less.
	busyGarbage = 75 << 20
	// slack is half of what the memory's bound leaves for what comes all at once, in
	// bytes: a few passwords of 19 MiB, or the thousands of connections that come
	// before widenMemory looks again.
	slack = 96 << 20
	// leastLower is by what part of itself the memory's bound is at least lowered.
	leastLower = 10
)

// memory tends the memory of the process. The zero value is ready for use; begin is to
// be called when the start is over.
type memory struct {
	mu       sync.Mutex
	atMinute uint64 // allocated until the last tend
	atLook   uint64 // and until the last look
	busy     bool   // the collector is paced for it
}

// begin returns what only the start needed, and counts from here. Who starts a server
// has use for it, so that the first minute is taken for busy.
func (m *memory) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = true
	settleMemory(busyPace())
	m.atMinute = allocated()
	m.atLook = m.atMinute
}

// tend is called once a minute. What is alive grows after the start, too, so the
// collector is paced anew. And where there was little to do since the last time, what
// gathered, in a rush hour before or little by little, goes back to the system.
func (m *memory) tend() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !ours() {
		return
	}
	m.busy = allocated()-m.atMinute >= idleGarbage
	if m.busy {
		paceCollector(busyPace())
	} else {
		settleMemory(idlePace())
	}
	m.atMinute = allocated()
}

// look is called every few seconds: a rush hour need not wait for the next minute.
func (m *memory) look() {
	m.mu.Lock()
	defer m.mu.Unlock()
	widenMemory()
	if now := allocated(); now-m.atLook >= busyGarbage && !m.busy {
		m.busy = true
		paceCollector(busyPace())
	}
	m.atLook = allocated()
}

// settleMemory returns to the system what is not needed any more, as after the start.
func settleMemory(p pace) {
	debug.FreeOSMemory() // collects first
	paceCollector(p)
}

// paceCollector makes the collector wait longer where little is alive: a signing
// server makes a lot of garbage and keeps nearly nothing, so Go's default would
// collect a few megabytes hundreds of times a second. An operator's GOGC is left alone.
func paceCollector(p pace) {
	if !ours() {
		return
	}
	is := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(is)
	alive := is[0].Value.Uint64()
	limitMemory()
	percent := p.room / max(1, alive/100) //nolint:mnd // per cent
	percent = min(max(percent, p.percent), mostGCPercent)
	if percent != is[1].Value.Uint64() { // setting it stops the world
		debug.SetGCPercent(int(percent))
	}
}

// limitMemory keeps what lives for a moment, as the 19 MiB of a password, from being
// taken for what is alive: five times as much would be garbage before it ends, and
// whoever tries passwords could fill the memory. An operator's GOMEMLIMIT is left alone.
func limitMemory() {
	alive, is := bound()
	if want := boundFor(alive); !oursToBound() || want < is && is-want < is/leastLower {
		return
	} else if want != is {
		debug.SetMemoryLimit(want)
	}
}

// widenMemory raises the bound where what is alive leaves no room for garbage below
// it: thousands of connections or kept bodies come within seconds, and Go would
// collect without end. It is called every few seconds, and lowers nothing: that can
// wait until tend. A few passwords are no reason to raise it.
func widenMemory() {
	if alive, is := bound(); oursToBound() && is-alive < slack {
		debug.SetMemoryLimit(boundFor(alive))
	}
}

// boundFor is the bound where so much is alive, in bytes.
func boundFor(alive int64) int64 { return 2*alive + 2*slack }

// bound is what was alive at the last collection, with the stacks, which count as
// well, and the bound in force, both in bytes.
func bound() (alive, is int64) {
	now := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(now)
	alive = int64(now[0].Value.Uint64() + now[1].Value.Uint64()) //nolint:gosec // no machine has so much
	return alive, debug.SetMemoryLimit(-1)                       // which only reads it
}

// oursToBound reports whether the bound is left to us.
func oursToBound() bool {
	_, chosen := os.LookupEnv("GOMEMLIMIT")
	return !chosen && ours()
}

// ours reports whether the collector is left to us.
func ours() bool {
	_, chosen := os.LookupEnv("GOGC")
	return !chosen
}

// allocated is all that was ever on the heap, in bytes.
func allocated() uint64 {
	is := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(is)
	return is[0].Value.Uint64()
}
