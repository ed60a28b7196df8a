package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is one thing that is wrong and what mends it. It never holds a secret.
type Fault struct {
	// Key is the key as people know it: server.listen, account[0].secret.
	Key string
	// File and Line say where the value stands if it came from the file, or
	// where the table starts in which it is missing.
	File string
	Line int
	// Variable is the environment variable the value came from.
	Variable string
	// Problem goes on after the key: "is not host:port".
	Problem string
	// Mend says what to do.
	Mend string
}

// String is one line: place, key, problem, mend.
func (f Fault) String() string {
	var b strings.Builder
	switch {
	case f.Variable != "":
		fmt.Fprintf(&b, "%s: ", f.Variable)
	case f.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", f.File, f.Line)
	}
	if f.Key != "" {
		fmt.Fprintf(&b, "%s ", f.Key)
	}
	b.WriteString(f.Problem)
	if f.Mend != "" {
		fmt.Fprintf(&b, "; %s", f.Mend)
	}
	return b.String()
}

// Faults is every fault of a configuration. As an error it prints one a line.
type Faults []Fault //nolint:errname // it is a list first: callers range over it

// Error implements error.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts the faults of the file first, in the order of its lines, then
// those of the environment, then what stands nowhere.
func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(rank(a), rank(b)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Variable, b.Variable),
		)
	})
	return f
}

func rank(f Fault) int {
	switch {
	case f.Variable != "":
		return 1
	case f.Line > 0:
		return 0
	default:
		return 2
	}
}

// longestQuote bounds what a fault quotes of a value, in bytes.
const longestQuote = 80

// quote shows a value that is not secret. It shows nothing that is long or has
// line breaks: with a forgotten quotation mark a value can swallow the lines
// below it, secrets among them. Nor does it show an @: a password may stand in
// front of it, in a DSN or a URL that was put at the wrong key ("@every 5s" is
// harmless).
func quote(value string) string {
	if value == "" {
		return "the empty value"
	}
	if len(value) > longestQuote || !printable(value) || strings.LastIndexByte(value, '@') > 0 {
		return "the value"
	}
	return `"` + value + `"`
}

// printable reports whether text is one line of ordinary characters.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
