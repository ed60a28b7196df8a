package cli

// SettleMemory lets tests call it apart from a start.
var SettleMemory = settleMemory
