package handler

// DropParam is for the fuzzer.
func DropParam(raw, name string) string { return dropParam(raw, name) }
