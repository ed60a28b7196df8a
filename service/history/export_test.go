package history

// ParsePlace and FormatPlace are each other's inverse.
var (
	ParsePlace  = parsePlace
	FormatPlace = formatPlace
)
