package main_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// entries are the error handbook's entries by the names in their headings.
func entries(t *testing.T, text string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for i, part := range strings.Split(fence.ReplaceAllString(text, ""), "\n### ") {
		if i == 0 {
			continue
		}
		heading, body, _ := strings.Cut(part, "\n")
		body, _, _ = strings.Cut(body, "\n## ")
		for name := range strings.SplitSeq(heading, ", ") {
			if _, twice := found[name]; twice {
				t.Errorf("two entries are named %q", name)
			}
			found[name] = body
		}
	}
	return found
}

// codeRow is an errcode with its class in a table of service/wechat.
var codeRow = regexp.MustCompile(`(?m)^\s+(-?\d+):\s+\{(\w+),`)

// classes says how the handbook calls a class, in both languages.
var classes = map[string][2]string{
	"Transient": {"Transient", "暂时性"}, "TokenDead": {"Token dead", "token 已失效"},
	"MinuteQuota": {"Minute quota", "分钟额度"}, "DayQuota": {"Day quota", "当日额度"}, "NeedsHuman": {"Needs a human", "要人处理"},
}

// Whatever wxsign can say has an entry in both languages, with its mend; what it
// cannot say has none.
func TestErrorHandbookIsTheCode(t *testing.T) {
	t.Parallel()
	english, chinese := entries(t, readText(t, "docs/errors.md")), entries(t, readText(t, "docs/zh/errors.md"))
	known := map[string]bool{}
	expect := func(name string, class [2]string) {
		known[name] = true
		for i, body := range []string{english[name], chinese[name]} {
			if mend := [2]string{"**Mend:** ", "**处理办法：** "}[i]; !strings.Contains(body, mend) {
				t.Errorf("%s has no entry on %q with %q", [2]string{"docs/errors.md", "docs/zh/errors.md"}[i], name, mend)
			}
			if !strings.Contains(strings.ToLower(body), strings.ToLower(class[i])) {
				t.Errorf("the entry on %q does not say %q", name, class[i])
			}
		}
	}
	errcodes := 0
	for prefix, source := range map[string]string{"": "errcodes", "WeCom ": "wecomcodes"} {
		for _, row := range codeRow.FindAllStringSubmatch(readText(t, "service/wechat/"+source+".go"), -1) {
			class, listed := classes[row[2]]
			if !listed {
				t.Fatalf("%s.go has the class %s, which this test does not know", source, row[2])
			}
			errcodes++
			expect(prefix+row[1], class)
		}
	}
	if errcodes < 50 {
		t.Errorf("only %d errcodes found: were the tables rewritten?", errcodes)
	}
	for source, pattern := range map[string]string{
		"handler/respond.go":        `http\.Status\w+,\s*(?:code: )?"([a-z_]+)"`,
		"handler/control_errors.go": `http\.Status\w+,\s*"([a-z_]+)"`,
	} {
		for _, code := range words(t, readText(t, source), pattern, 15) {
			expect(code, [2]string{})
		}
	}
	expect("internal", [2]string{})
	for _, message := range messages(t) {
		expect(message, [2]string{})
	}
	for name := range english {
		if code := regexp.MustCompile(`^(WeCom )?-?\d+$|^[a-z]+(_[a-z]+)+$`); code.MatchString(name) && !known[name] {
			t.Errorf("docs/errors.md explains %q, which nothing says", name)
		}
	}
	// What has no name of its own is told in the words of each language.
	names := func(all map[string]string) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(name string) bool {
			return strings.Contains(name, "other") || strings.Contains(name, "其他")
		})
	}
	if diff := cmp.Diff(names(english), names(chinese)); diff != "" {
		t.Errorf("entries (-docs/errors.md +docs/zh/errors.md):\n%s", diff)
	}
}

// messages are what a page can be told: WeChat's own words where it says them,
// else the codes of wxsign.js.
func messages(t *testing.T) []string {
	t.Helper()
	var texts struct {
		Errors []struct{ Code, Say string }
	}
	if err := json.Unmarshal([]byte(readText(t, "web/demo/text.en.json")), &texts); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{"config:ok": true}
	explained := map[string]bool{}
	for _, row := range texts.Errors {
		said[row.Say], explained[row.Code] = true, true
	}
	for _, code := range words(t, readText(t, "web/jssdk/wxsign.js"), `(?m)^    ([a-z_]+): \['`, 12) {
		if !explained[code] {
			said[code] = true
		}
	}
	return slices.Sorted(maps.Keys(said))
}

// The codes of wxsign.js stand in the entry on WeChat's words.
func TestErrorHandbookNamesTheCodesOfThePageHelper(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"docs/errors.md", "docs/zh/errors.md"} {
		text := readText(t, document)
		for _, code := range words(t, readText(t, "web/jssdk/wxsign.js"), `(?m)^    ([a-z_]+): \['`, 12) {
			if !strings.Contains(text, "`"+code+"`") && !strings.Contains(text, "### "+code+"\n") {
				t.Errorf("%s does not name %s", document, code)
			}
		}
	}
}
