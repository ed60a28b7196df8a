package relay

// The parsers, for the fuzzers.
var (
	SetParam   = setParam
	CountParam = countParam
	Param      = param
	ErrcodeOf  = errcodeOf
	IsPlain    = isPlain
	Holds      = holds
)
