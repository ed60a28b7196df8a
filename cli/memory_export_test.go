package cli

// These let tests call what tends the memory apart from a start.
var (
	SettleMemory  = func() { settleMemory(roomForGarbage) }
	PaceCollector = func() { paceCollector(roomForGarbage) }
	TendMemory    = tendMemory
	WidenMemory   = widenMemory
)
