package config

import (
	"fmt"
	"strings"
)

// Report says what is worth knowing about a configuration besides its values.
type Report struct {
	// Warnings are worth a line in the log; they stop nothing.
	Warnings []Warning
	// SecretFiles are the files in which secrets stand: those that "file:" values
	// name, and the configuration file where it holds some itself.
	SecretFiles []string
	origins     map[string]Origin
}

// Warning is about a setting that does not do what it seems to.
type Warning struct {
	// Problem is what was found, Mend says what to do.
	Problem, Mend string
}

// String is one line: problem and mend.
func (w Warning) String() string { return w.Problem + "; " + w.Mend }

// Origin says where a value came from. The zero Origin is a default.
type Origin struct {
	// Path and Line are the place in the configuration file.
	Path string
	Line int
	// Variable is the environment variable, which wins over the file.
	Variable string
	// SecretFile is the file that a "file:" value named.
	SecretFile string
}

// String is "default", "config.toml:12" or "env WXSIGN_SERVER_LISTEN".
func (o Origin) String() string {
	text := "default"
	switch {
	case o.Variable != "":
		text = "env " + o.Variable
	case o.Line > 0:
		text = fmt.Sprintf("%s:%d", o.Path, o.Line)
	}
	if o.SecretFile != "" {
		text += ", read from " + o.SecretFile
	}
	return text
}

// IsDefault reports whether nobody set the value.
func (o Origin) IsDefault() bool { return o.Variable == "" && o.Line == 0 }

// Origin says where the value of a key came from. Keys are written as in a
// Fault: server.listen, account[0].secret.
func (r Report) Origin(key string) Origin {
	return r.origins[pathOf(key)]
}

// join makes the path of a key below a table. Inside this package the elements
// of a list of tables are numbered like keys: account.0.secret.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// keyOf writes a path for people: account[0].secret. Of a key that would break
// the line it names only the table.
func keyOf(path string) string {
	for path != "" && (len(path) > 2*longestQuote || !printable(path)) {
		path = parentOf(path)
	}
	var b strings.Builder
	for i, part := range strings.Split(path, ".") {
		switch {
		case i > 0 && isIndex(part):
			b.WriteString("[" + part + "]")
		case i > 0:
			b.WriteString("." + part)
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}

// pathOf undoes keyOf.
func pathOf(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "[", "."), "]", "")
}

// parentOf is the path of the table in which path stands, "" at the top.
func parentOf(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i]
	}
	return ""
}

func isIndex(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
