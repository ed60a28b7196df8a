package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// mostGCPercent and leastGCPercent bound what paceCollector chooses; the least is
	// Go's own default.
	mostGCPercent  = 3000
	leastGCPercent = 100
	// roomForGarbage is what may gather between two collections, in bytes, unless the
	// bounds say otherwise. It is so large that on one CPU, under as many requests as
	// that can bear, collections take less than a hundredth of the time: so they are
	// not what the slowest request of a hundred waits for.
	roomForGarbage = 96 << 20
	// roomWhenIdle is the same for a process that has little to do.
	roomWhenIdle = 16 << 20
	// idleGarbage is what a process that has little to do makes in a minute at most, in
	// bytes: that of a few hundred requests a second, or of following very many accounts.
	idleGarbage = 4 * roomForGarbage
	// leastLower is by what part of itself the memory's bound is at least lowered.
	leastLower = 10
)

// settleMemory returns to the system what is not needed any more, as after the start.
// room is what may gather from now on, in bytes.
func settleMemory(room uint64) {
	debug.FreeOSMemory() // collects first
	paceCollector(room)
}

// tendMemory makes what is to be done once a minute. What is alive grows after the
// start, too, so the collector is paced anew. And where there was little to do since
// the last time, what gathered, in a rush hour before or little by little, goes back
// to the system, and less may gather until there is more to do.
func tendMemory() func() {
	seen := allocated()
	return func() {
		if !ours() {
			return
		}
		if allocated()-seen < idleGarbage {
			settleMemory(roomWhenIdle)
		} else {
			paceCollector(roomForGarbage)
		}
		seen = allocated()
	}
}

// paceCollector makes the collector wait longer where little is alive: a signing
// server makes a lot of garbage and keeps nearly nothing, so Go's default would
// collect a few megabytes hundreds of times a second. With many accounts the default
// is right. An operator's GOGC is left alone.
func paceCollector(room uint64) {
	if !ours() {
		return
	}
	is := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(is)
	alive := is[0].Value.Uint64()
	limitMemory()
	percent := room / max(1, alive/100) //nolint:mnd // per cent
	percent = min(max(percent, leastGCPercent), mostGCPercent)
	if percent != is[1].Value.Uint64() { // setting it stops the world
		debug.SetGCPercent(int(percent))
	}
}

// limitMemory keeps what lives for a moment, as the 19 MiB of a password, from being
// taken for what is alive: 30 times as much would be garbage before it ends, and
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
// wait until tendMemory looks. A few passwords are no reason to raise it.
func widenMemory() {
	if alive, is := bound(); oursToBound() && is-alive < roomForGarbage {
		debug.SetMemoryLimit(boundFor(alive))
	}
}

// boundFor is the bound where so much is alive, in bytes.
func boundFor(alive int64) int64 { return 2*alive + 2*roomForGarbage }

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
