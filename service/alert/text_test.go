package alert_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/alert"
)

// words are the texts of a language as the file has them.
func words(t *testing.T, lang string) map[string]alert.Words {
	t.Helper()
	raw, err := os.ReadFile("text/" + lang + ".json")
	must(t, err)
	var file struct{ Alerts map[string]alert.Words }
	must(t, json.Unmarshal(raw, &file))
	return file.Alerts
}

// Both languages tell of the same conditions, with the same facts, and each
// condition has all four parts.
func TestLanguagesMatch(t *testing.T) {
	t.Parallel()
	en, zh := words(t, alert.English), words(t, alert.Chinese)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(zh))); diff != "" {
		t.Errorf("conditions (-en +zh):\n%s", diff)
	}
	blank := regexp.MustCompile(`\{\w+\}`)
	blanks := func(w alert.Words) []string {
		found := blank.FindAllString(w.Title+w.What+w.Means+w.Do, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	for name, w := range en {
		if diff := cmp.Diff(blanks(w), blanks(zh[name])); diff != "" {
			t.Errorf("facts of %s (-en +zh):\n%s", name, diff)
		}
		base, _, _ := strings.Cut(name, ".")
		if name != "many" && base != alert.Test && !slices.Contains(alert.Conditions(), base) {
			t.Errorf("Conditions does not have %s", base)
		}
		if !strings.Contains(name, ".") && name != "many" && (w.Title == "" || w.What == "" || w.Means == "" || w.Do == "") {
			t.Errorf("%s lacks a part", name)
		}
	}
	for _, name := range append(alert.Conditions(), alert.Test) {
		if en[name].Title == "" {
			t.Errorf("%s has no text", name)
		}
		document, err := os.ReadFile("../../docs/alerts.md")
		must(t, err)
		if name != alert.Test && !strings.Contains(string(document), "| `"+name+"` |") {
			t.Errorf("docs/alerts.md does not tell of %s", name)
		}
	}
}
