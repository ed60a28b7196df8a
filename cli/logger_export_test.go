package cli

// NewLogger is what every command logs with.
var NewLogger = newLogger
