package modeltest

// Commands feeds the chunks to a commandReader and returns what it finds.
func Commands(chunks ...[]byte) [][]byte {
	var reader commandReader
	var commands [][]byte
	for _, chunk := range chunks {
		commands = append(commands, reader.feed(chunk)...)
	}
	return commands
}
