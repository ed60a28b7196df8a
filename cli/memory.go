package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

const (
	// mostGCPercent and leastGCPercent bound what settleMemory chooses; the least is
	// Go's own default.
	mostGCPercent  = 400
	leastGCPercent = 100
	// roomForGarbage is what may gather between two collections, in bytes, unless the
	// bounds say otherwise.
	roomForGarbage = 64 << 20
)

// settleMemory is for the moment when the start is over. It returns to the system
// what only the start needed, and makes the collector wait longer where little is
// alive: a signing server makes a lot of garbage and keeps nearly nothing, so Go's
// default would collect a few megabytes hundreds of times a second. With many
// accounts the default is right. An operator's GOGC is left alone.
func settleMemory() {
	debug.FreeOSMemory() // collects first
	if _, chosen := os.LookupEnv("GOGC"); chosen {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	percent := roomForGarbage / max(1, m.HeapAlloc/100) //nolint:mnd // per cent
	debug.SetGCPercent(int(min(max(percent, leastGCPercent), mostGCPercent)))
}
