package alert

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

// Severities.
const (
	Warning  = model.SeverityWarning
	Critical = model.SeverityCritical
)

// The conditions that alerts are raised for; the words stand in the database, in
// webhooks and in text/*.json.
const (
	Expiring  = "expiring"  // not renewed, though much of the time for it is over
	Refused   = "refused"   // WeChat wants a person to mend something
	Quota     = "quota"     // the day's quota of calls is used up
	Sealed    = "sealed"    // a sealed value does not open
	Overwrite = "overwrite" // a token was found dead before its time
	Rival     = "rival"     // that happens again and again
	Budget    = "budget"    // few force refreshes are left for the day
	Unchanged = "unchanged" // a ticket has been the same for far too long
	Delivery  = "delivery"  // messages for a receiver do not arrive
	Differ    = "differ"    // replicas have different configurations or keys
	Database  = "database"  // the database was away
	Clock     = "clock"     // a machine's clock differs from the database's
	Behind    = "behind"    // a replica serves old values
	Redis     = "redis"     // the copy for other programs fails
	Purge     = "purge"     // old history is not deleted
	Test      = "test"      // no trouble: a person tries the channels
)

// Conditions are all that alerts are raised for; Test is none of them.
func Conditions() []string {
	return []string{
		Expiring, Refused, Quota, Sealed, Overwrite, Rival, Budget, Unchanged, Delivery, Differ, Database, Clock, Behind, Redis, Purge,
	}
}

// finding is a trouble that a look has found.
type finding struct {
	name     string
	severity string
	appID    string // "" = the whole program's
	kind     string // "" = the whole account's
	replica  string // "" = all replicas see it
	sinceMs  int64  // 0 = from now on
	facts    facts
}

// facts are what the texts of an alert are made of. Those whose name ends with
// _at are instants and those with _for are times, in milliseconds. "variant" is
// the text that is meant, where a condition has several.
type facts map[string]string

const variant = "variant"

// maxKey is the length of the alert_key column.
const maxKey = 191

// key is the same for the same trouble, whoever finds it.
func (f *finding) key() string {
	key := strings.TrimRight(f.name+" "+f.appID+" "+f.kind+" "+f.replica, " ")
	return key[:min(len(key), maxKey)]
}

// mostFact bounds what one fact may hold, in bytes: what WeChat or a receiver said
// is of any length.
const mostFact = 600

func (f facts) json() string {
	short := make(facts, len(f))
	for name, value := range f {
		value = cutBytes(strings.ToValidUTF8(value, "\uFFFD"), mostFact)
		short[name] = value
	}
	text, err := json.Marshal(short)
	if err != nil {
		return "{}" // a map of texts is always JSON
	}
	return string(text)
}

func readFacts(text string) facts {
	f := facts{}
	if json.Unmarshal([]byte(text), &f) != nil {
		return facts{} // somebody edited the row: its text has blanks left
	}
	return f
}

func milliseconds(ms int64) string { return strconv.FormatInt(ms, 10) }

func span(d time.Duration) string { return milliseconds(d.Milliseconds()) }

const (
	// mostEach is how many alerts one condition may have: where it has befallen
	// more accounts, one alert tells of them all.
	mostEach = 20
	// examples is how many accounts such an alert names.
	examples = 5
)

// gathered makes one finding of many of the same condition.
func gathered(found []finding) []finding {
	byName := map[string][]finding{}
	for _, f := range found {
		byName[f.name] = append(byName[f.name], f)
	}
	var all []finding
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if same := byName[name]; len(same) > mostEach {
			all = append(all, together(same))
		} else {
			all = append(all, same...)
		}
	}
	return all
}

func together(same []finding) finding {
	one := finding{name: same[0].name, severity: Warning, kind: "many", facts: facts{variant: "many"}}
	accounts := map[string]bool{}
	var names []string
	for _, f := range same {
		if f.severity == Critical {
			one.severity = Critical
		}
		if f.sinceMs > 0 && (one.sinceMs == 0 || f.sinceMs < one.sinceMs) {
			one.sinceMs = f.sinceMs
		}
		if !accounts[f.appID] && len(accounts) < examples {
			names = append(names, f.appID)
		}
		accounts[f.appID] = true
	}
	one.facts["count"], one.facts["accounts"] = strconv.Itoa(len(accounts)), strings.Join(names, ", ")
	one.facts["account"], one.facts["kind"] = one.facts["accounts"], same[0].facts["kind"]
	one.facts["text"], one.facts["mend"] = same[0].facts["text"], same[0].facts["mend"]
	errcode := same[0].facts["errcode"]
	if errcode != "" && !slices.ContainsFunc(same, func(f finding) bool { return f.facts["errcode"] != errcode }) {
		one.facts["errcode"] = errcode // its mend is in the reader's language
	}
	return one
}
