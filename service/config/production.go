package config

import (
	"regexp"
	"strings"
)

// The marks of the demo block in the shipped config.toml.
const (
	demoStart = "# >>> demo"
	demoEnd   = "# <<< demo"
)

// switchedOff is a line that the demo block replaces: "#key = value" or
// "#[section]", with no blank behind the #.
var switchedOff = regexp.MustCompile(`(?m)^#([a-z_]+ =|\[[a-z_]+\])`)

// Production turns the shipped config.toml into one for production: without the
// demo block, and with the lines on again that the block replaces. Examples
// ("# key = value") stay comments.
func Production(shipped string) string {
	before, rest, found := strings.Cut(shipped, demoStart)
	if found {
		_, after, _ := strings.Cut(rest, demoEnd)
		_, after, _ = strings.Cut(after, "\n")
		shipped = before + strings.TrimLeft(after, "\n")
	}
	return switchedOff.ReplaceAllString(shipped, "$1")
}
