package handler

import (
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/apikey"
)

// keyFault is a way in which a key cannot be made.
type keyFault struct {
	name  string // of the text keys.fault.<name>
	words string // by which apikey's message is known
}

func keyFaults() []keyFault {
	return []keyFault{
		{"scope", "there is no scope "}, // first: no other entry has blanks
		{"name", "a name has 1 to 64"},
		{"many", "at most "},
		{"account", " is no app_id"},
		{"everywhere", " is every address"},
		{"network", " is no network"},
	}
}

// keyFault words what apikey says of a draft, in the page's language and with the
// entry that is meant; what it does not know stays as it is.
func (t panelText) keyFault(err error) string {
	message := err.Error()
	said := strings.TrimPrefix(message, apikey.ErrDraft.Error()+": ")
	for _, f := range keyFaults() {
		words, found := t.words["keys.fault."+f.name]
		if found && strings.Contains(said, f.words) {
			return strings.ReplaceAll(words, "{entry}", faultyEntry(said))
		}
	}
	return message
}

// faultyEntry is the entry that a message names: in quotes somewhere, or its first
// word.
func faultyEntry(said string) string {
	entry, _, _ := strings.Cut(said, " ")
	if i := strings.IndexByte(said, '"'); i >= 0 {
		if quoted, err := strconv.QuotedPrefix(said[i:]); err == nil {
			entry, _ = strconv.Unquote(quoted) // it is well quoted
		}
	}
	return entry
}
