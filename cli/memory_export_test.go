package cli

// These let tests call what tends the memory apart from a start.
var (
	SettleMemory = func() { settleMemory(busyPace()) }
	PaceForIdle  = func() { paceCollector(idlePace()) }
	PaceForBusy  = func() { paceCollector(busyPace()) }
	WidenMemory  = widenMemory
)

// MemoryJobs are those of a new memory.
func MemoryJobs() (tend, look func()) {
	m := &memory{}
	m.begin()
	return m.tend, m.look
}
