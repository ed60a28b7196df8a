package config

import (
	"fmt"
	"reflect"
	"strings"
)

// suggest is the mend for a key that is not in a table: its likely spelling,
// or the section where such a key stands.
func suggest(path, key string, table reflect.Type) string {
	var keys []string
	for _, f := range fieldsOf(table) {
		keys = append(keys, f.key)
	}
	if near := nearest(key, keys, max(1, len(key)/3)); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	for _, known := range knownKeys() {
		if path != "" && strings.HasSuffix(known, "."+key) {
			return fmt.Sprintf("did you mean %s? It stands in another section", known)
		}
	}
	return "remove it; `wxsign config new` shows every key"
}

// knownKeys lists every leaf outside lists of tables: server.listen.
func knownKeys() []string {
	var keys []string
	for _, l := range leavesOf("", reflect.ValueOf(Config{})) {
		keys = append(keys, l.path)
	}
	return keys
}

// nearest is the name that is at most so many letters away from word, "" if
// there is none.
func nearest(word string, names []string, letters int) string {
	if len(word) > longestQuote {
		return ""
	}
	best := ""
	for _, name := range names {
		if d := editDistance(word, name); d <= letters {
			best, letters = name, d-1
		}
	}
	return best
}

// editDistance counts the letters to put in, take out or change (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// environmentName is the variable that sets a key: WXSIGN_SERVER_LISTEN.
func environmentName(path string) string {
	return environmentPrefix + environmentWord(strings.ReplaceAll(path, ".", "_"))
}

// nearestVariable is the variable that the writer may have meant, "" if none is
// near.
func nearestVariable(name string) string {
	var names []string
	for _, key := range knownKeys() {
		names = append(names, environmentName(key))
	}
	return nearest(name, names, 2)
}
