package cli

// SettleMemory and PaceCollector let tests call them apart from a start.
var (
	SettleMemory  = settleMemory
	PaceCollector = paceCollector
)
