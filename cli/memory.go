package cli

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// mostGCPercent and leastGCPercent bound what paceCollector chooses; the least is
	// Go's own default.
	mostGCPercent  = 400
	leastGCPercent = 100
	// roomForGarbage is what may gather between two collections, in bytes, unless the
	// bounds say otherwise.
	roomForGarbage = 64 << 20
)

// settleMemory is for the moment when the start is over: it returns to the system
// what only the start needed.
func settleMemory() {
	debug.FreeOSMemory() // collects first
	paceCollector()
}

// paceCollector makes the collector wait longer where little is alive: a signing
// server makes a lot of garbage and keeps nearly nothing, so Go's default would
// collect a few megabytes hundreds of times a second. With many accounts the default
// is right, and what is alive grows after the start, too, so this is called again and
// again. An operator's GOGC is left alone.
func paceCollector() {
	if _, chosen := os.LookupEnv("GOGC"); chosen {
		return
	}
	is := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(is)
	percent := roomForGarbage / max(1, is[0].Value.Uint64()/100) //nolint:mnd // per cent
	percent = min(max(percent, leastGCPercent), mostGCPercent)
	if percent != is[1].Value.Uint64() { // setting it stops the world
		debug.SetGCPercent(int(percent))
	}
}
