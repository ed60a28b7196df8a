package web_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/web"
)

func read(t *testing.T, files fs.FS, name string) []byte {
	t.Helper()
	body, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// flat gives every text by its path; texts of a list by their number.
func flat(into map[string]string, path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for key, v := range value {
			flat(into, path+"."+key, v)
		}
	case []any:
		for i, v := range value {
			flat(into, fmt.Sprintf("%s.%d", path, i), v)
		}
	default:
		into[path] = fmt.Sprint(value)
	}
}

// Both languages say the same things, with the same blanks to fill.
func TestDemoTextsMatch(t *testing.T) {
	t.Parallel()
	texts := map[string]map[string]string{}
	for _, lang := range []string{"zh", "en"} {
		var value map[string]any
		if err := json.Unmarshal(read(t, web.Demo(), "text."+lang+".json"), &value); err != nil {
			t.Fatal(err)
		}
		texts[lang] = map[string]string{}
		flat(texts[lang], "", value)
	}
	keys := func(lang string) []string { return slices.Sorted(maps.Keys(texts[lang])) }
	if diff := cmp.Diff(keys("zh"), keys("en")); diff != "" {
		t.Errorf("keys (-zh +en):\n%s", diff)
	}
	blank := regexp.MustCompile(`\{\w+\}`)
	blanks := func(s string) []string { return slices.Sorted(slices.Values(blank.FindAllString(s, -1))) }
	for key, zh := range texts["zh"] {
		en := texts["en"][key]
		if diff := cmp.Diff(blanks(zh), blanks(en)); diff != "" {
			t.Errorf("%s: blanks (-zh +en):\n%s", key, diff)
		}
		if strings.HasPrefix(key, ".errors") && strings.HasSuffix(key, ".code") && zh != en {
			t.Errorf("%s: %s and %s", key, zh, en)
		}
	}
}

// Every failure that the page helper can name stands in the page's long table.
func TestDemoTableKnowsTheHelpersCodes(t *testing.T) {
	t.Parallel()
	var text struct {
		Errors []struct{ Code string }
	}
	if err := json.Unmarshal(read(t, web.Demo(), "text.en.json"), &text); err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, row := range text.Errors {
		known = append(known, row.Code)
	}
	codes := regexp.MustCompile(`(?m)^    ([a-z_]+): \['`).FindAllSubmatch(read(t, os.DirFS("jssdk"), "wxsign.js"), -1)
	if len(codes) < 10 {
		t.Fatalf("found only %d codes in wxsign.js", len(codes))
	}
	for _, found := range codes {
		code := string(found[1])
		// not_wechat is a verdict of its own; a server's refusal brings its own code.
		if code != "not_wechat" && code != "server_refused" && !slices.Contains(known, code) {
			t.Errorf("the table lacks %s", code)
		}
	}
}

// Old web views: what demo.css must do without.
func TestStylesAreOldEnough(t *testing.T) {
	t.Parallel()
	css := string(read(t, web.Demo(), "demo.css"))
	css = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(css, "")
	for _, young := range []string{"light-dark(", ":has(", "grid", "gap:", "&", "@layer", "@container", "color-mix", "inset:"} {
		if strings.Contains(css, young) {
			t.Errorf("demo.css uses %s", young)
		}
	}
}

// The types name what the script offers.
func TestTypesNameWhatTheScriptOffers(t *testing.T) {
	t.Parallel()
	script, types := string(read(t, os.DirFS("jssdk"), "wxsign.js")), string(read(t, web.JSSDK(), "wxsign.d.ts"))
	offered := regexp.MustCompile(`(?s)window\.wxsign = \{(.*?)\};`).FindStringSubmatch(script)
	if offered == nil {
		t.Fatal("wxsign.js does not set window.wxsign")
	}
	declared := types[strings.Index(types, "declare const wxsign"):]
	name := regexp.MustCompile(`^[a-z]+$`)
	for part := range strings.SplitSeq(offered[1], ",") {
		field, _, _ := strings.Cut(strings.TrimSpace(part), ":")
		if name.MatchString(field) && !strings.Contains(declared, field+":") {
			t.Errorf("wxsign.d.ts lacks %s", field)
		}
	}
}

// The examples in the document are those that run.
func TestDocumentShowsTheExamples(t *testing.T) {
	t.Parallel()
	document := string(read(t, os.DirFS("../docs"), "examples.md"))
	files, err := fs.Glob(web.Examples(), "*.html")
	if err != nil || len(files) < 6 {
		t.Fatalf("examples: %v, %v", files, err)
	}
	for _, name := range files {
		source := strings.TrimSpace(string(read(t, web.Examples(), name)))
		if name != "index.html" && !strings.Contains(document, "```html\n"+source+"\n```") {
			t.Errorf("docs/examples.md does not show %s as it is", name)
		}
		if lines := strings.Count(source, "\n") + 1; name != "index.html" && lines > 25 {
			t.Errorf("%s has %d lines, an example has 25 at most", name, lines)
		}
	}
}

// The npm package has what it promises, under the licence of the repository.
func TestPackageIsWhole(t *testing.T) {
	t.Parallel()
	folder := os.DirFS("jssdk")
	var pack struct {
		Main, Module, Types, License string
		Files                        []string
	}
	if err := json.Unmarshal(read(t, folder, "package.json"), &pack); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pack.Files, pack.Main[2:], pack.Module[2:], pack.Types[2:]) {
		if len(read(t, folder, name)) == 0 || !slices.Contains(pack.Files, name) {
			t.Errorf("%s is empty, or is not packed", name)
		}
	}
	if pack.License != "Apache-2.0" || string(read(t, folder, "LICENSE")) != string(read(t, os.DirFS(".."), "LICENSE")) {
		t.Error("another licence than the repository's")
	}
	module := string(read(t, folder, "wxsign.mjs"))
	for _, name := range []string{"config", "reconfigure", "signature", "share", "urls", "client", "landing"} {
		if !strings.Contains(module, name+",") && !strings.Contains(module, name+"}") {
			t.Errorf("wxsign.mjs does not export %s", name)
		}
	}
}
