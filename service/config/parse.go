package config

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// largestFile bounds the configuration file, in bytes: room for 100,000 accounts.
const largestFile = 32 << 20

// document is a parsed file and the line of each of its keys and tables.
type document struct {
	tree  map[string]any
	lines map[string]int
}

// parse reads TOML. Its fault quotes one character of the text at most.
func parse(text []byte) (document, *Fault) {
	if len(text) > largestFile {
		return document{}, &Fault{Problem: "the file is larger than 32 MiB", Mend: "is it the right file?"}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	doc := document{tree: map[string]any{}}
	if err := toml.Unmarshal(text, &doc.tree); err != nil {
		fault := Fault{Problem: "the file is not TOML", Mend: "is a text without its quotes? See https://toml.io"}
		if place, ok := errors.AsType[*toml.DecodeError](err); ok {
			fault.Line, _ = place.Position()
			// What follows a colon can quote the value.
			reason, _, _ := strings.Cut(strings.TrimPrefix(place.Error(), "toml: "), ": ")
			fault.Problem = "this line is not TOML: " + reason
		}
		return document{}, &fault
	}
	doc.lines = linesOf(text)
	return doc, nil
}

// liner notes the line of every key. It walks the syntax tree because go-toml's
// strict mode names the wrong line, and the decoder none at all.
type liner struct {
	text   []byte
	parser unstable.Parser
	lines  map[string]int
	counts map[string]int // elements seen of each list of tables
	// seen and line keep the last place counted, as places only move forward.
	seen, line int
}

func linesOf(text []byte) map[string]int {
	l := &liner{text: text, lines: map[string]int{}, counts: map[string]int{}, line: 1}
	l.parser.Reset(text)
	table := ""
	for l.parser.NextExpression() {
		switch node := l.parser.Expression(); node.Kind {
		case unstable.Table:
			table = l.keys("", node.Key())
		case unstable.ArrayTable:
			table = l.arrayTable(node.Key())
		case unstable.KeyValue:
			l.keyValue(table, node)
		default: // a comment
		}
	}
	return l.lines
}

// keys notes each part of a dotted key below path and returns the whole path.
// A list of tables stands for its last element.
func (l *liner) keys(path string, keys unstable.Iterator) string {
	for keys.Next() {
		path = l.note(join(path, string(keys.Node().Data)), keys.Node())
		if count := l.counts[path]; count > 0 {
			path = join(path, strconv.Itoa(count-1))
		}
	}
	return path
}

func (l *liner) arrayTable(keys unstable.Iterator) string {
	path := ""
	for keys.Next() {
		node := keys.Node()
		path = l.note(join(path, string(node.Data)), node)
		if keys.IsLast() {
			l.counts[path]++
		}
		if count := l.counts[path]; count > 0 {
			path = l.note(join(path, strconv.Itoa(count-1)), node)
		}
	}
	return path
}

func (l *liner) keyValue(table string, node *unstable.Node) {
	value := node.Value()
	l.value(l.keys(table, node.Key()), value)
}

// value goes into inline tables and lists of them.
func (l *liner) value(path string, value *unstable.Node) {
	children := value.Children()
	switch value.Kind {
	case unstable.InlineTable:
		for children.Next() {
			l.keyValue(path, children.Node())
		}
	case unstable.Array:
		for i := 0; children.Next(); i++ {
			node := children.Node()
			l.value(l.note(join(path, strconv.Itoa(i)), node), node)
		}
	default: // a plain value
	}
}

// note keeps the first line of a path, that of the node or, for a node that
// knows none, the last line known.
func (l *liner) note(path string, node *unstable.Node) string {
	if offset := int(node.Raw.Offset); offset > l.seen {
		l.line += bytes.Count(l.text[l.seen:offset], []byte("\n"))
		l.seen = offset
	}
	if _, found := l.lines[path]; !found {
		l.lines[path] = l.line
	}
	return path
}
