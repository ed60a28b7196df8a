package alert

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

// The languages.
const (
	English = "en"
	Chinese = "zh"
)

// timeForm is how messages write an instant.
const timeForm = "2006-01-02 15:04:05 -07:00"

//go:embed text/en.json text/zh.json
var textFiles embed.FS

// Words are what people read of an alert.
type Words struct {
	Title string `json:"title"`
	What  string `json:"what"`  // what happened
	Means string `json:"means"` // what it means for users
	Do    string `json:"do"`
}

// texts are the words of one language by condition, or by condition.variant: there
// an empty field is that of the condition.
type language struct {
	Alerts map[string]Words  `json:"alerts"`
	Mends  map[string]string `json:"mends"` // by errcode, or errcode.kind
	Facts  map[string]string `json:"facts"` // words in place of facts: by.probe
	Units  struct{ Day, Hour, Minute, Second string }
}

type texts map[string]language

func readTexts() (texts, error) {
	all := texts{}
	for _, name := range []string{English, Chinese} {
		raw, err := textFiles.ReadFile("text/" + name + ".json")
		if err != nil {
			return nil, err
		}
		var l language
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, fmt.Errorf("alert: text/%s.json: %w", name, err)
		}
		all[name] = l
	}
	return all, nil
}

// Words tells of an alert in a language.
func (a *Alerts) Words(row model.Alert, lang string) Words {
	l, known := a.texts[lang]
	if !known {
		l = a.texts[English]
	}
	f := readFacts(row.Facts)
	w := l.Alerts[row.Name]
	special := l.Alerts[row.Name+"."+f[variant]]
	if f[variant] == "many" {
		means := special.Means // of accounts some of which may work and some not
		special = l.Alerts["many"]
		special.Means = means
		special.Title = strings.ReplaceAll(special.Title, "{title}", w.Title)
		special.What = strings.ReplaceAll(special.What, "{title}", w.Title)
	}
	w = Words{either(special.Title, w.Title), either(special.What, w.What), either(special.Means, w.Means), either(special.Do, w.Do)}
	f["mend"] = l.mend(f)
	fill := l.filler(f, a.options.Location)
	return Words{fill.Replace(w.Title), fill.Replace(w.What), fill.Replace(w.Means), strings.TrimSpace(fill.Replace(w.Do))}
}

func either(special, usual string) string {
	if special != "" {
		return special
	}
	return usual
}

// mend says what to do about an errcode, else in the keeper's words.
func (l language) mend(f facts) string {
	for _, key := range []string{f["errcode"] + "." + f["kind"], f["errcode"]} {
		if mend := l.Mends[key]; mend != "" {
			return mend
		}
	}
	return f["mend"]
}

// filler puts the facts into a text. Blanks that no fact fills stay: a test knows
// which facts each text needs.
func (l language) filler(f facts, zone *time.Location) *strings.Replacer {
	pairs := make([]string, 0, 2*len(f))
	for name, value := range f {
		ms, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err == nil && strings.HasSuffix(name, "_at"):
			value = time.UnixMilli(ms).In(zone).Format(timeForm)
		case err == nil && strings.HasSuffix(name, "_for"):
			value = l.span(time.Duration(ms) * time.Millisecond)
		default:
			value = either(l.Facts[name+"."+value], value)
		}
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...)
}

// span is a time in the two largest units that it has.
func (l language) span(d time.Duration) string {
	var parts []string
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, l.Units.Day}, {time.Hour, l.Units.Hour}, {time.Minute, l.Units.Minute}, {time.Second, l.Units.Second}} {
		if n := d / u.size; n > 0 && len(parts) < 2 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d %= u.size
		}
	}
	if len(parts) == 0 {
		return "0" + l.Units.Second
	}
	return strings.Join(parts, " ")
}
