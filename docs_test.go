package main_test

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents are all Markdown files of the repository by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && outside(name):
			return fs.SkipDir
		case path.Ext(name) == ".md":
			found[name] = readText(t, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// words are the first groups of all matches, each once; at least so many.
func words(t *testing.T, text, pattern string, least int) []string {
	t.Helper()
	found := map[string]bool{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	if len(found) < least {
		t.Fatalf("%s matches %d words, want %d at least: was what it reads rewritten?", pattern, len(found), least)
	}
	return slices.Sorted(maps.Keys(found))
}

// What people meet in an answer, a log or a metric must stand in the document
// that explains it.
func TestDocumentsNameWhatTheCodeSays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, source, pattern string
		least                 int
		document              string
	}{
		{"codes of answers", "handler/respond.go", `http\.Status\w+,\s*(?:code: )?"([a-z_]+)"`, 18, "docs/signing.md"},
		{"codes for business servers", "handler/control_errors.go", `http\.Status\w+,\s*"([a-z_]+)"`, 15, "docs/api.md"},
		{"the code of the unknown", "handler/respond.go", `code: "(internal)"`, 1, "docs/signing.md"},
		{"codes of wxsign.js", "web/jssdk/wxsign.js", `(?m)^    ([a-z_]+): \['[A-Za-z]`, 12, "docs/signing.md"},
		{"errcodes", "service/wechat/errcodes.go", `(?m)^\s+(-?\d+):\s`, 30, "docs/errors.md"},
		{"codes of readyz", "service/keeper/status.go", `Code\w+\s+= "([a-z_]+)"`, 6, "docs/operations.md"},
		{"routes of the simulator", "service/simulator/doc.go", `(?m)^//\s+((?:GET|POST|DELETE) +/_sim/[a-z/]+)`, 11, "docs/simulator.md"},
		{"commands", "cli/cli.go", `(?m)^\t\t\{"([a-z-]+)", "`, 7, "docs/operations.md"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			document := readText(t, tt.document)
			for _, word := range words(t, readText(t, tt.source), tt.pattern, tt.least) {
				word = strings.Join(strings.Fields(word), " ")
				quoted := regexp.MustCompile("(^|[^a-z0-9_-])" + regexp.QuoteMeta(word) + "([^a-z0-9_-]|$)")
				if !quoted.MatchString(document) {
					t.Errorf("%s does not mention %s of %s", tt.document, word, tt.source)
				}
			}
		})
	}
}

var (
	tomlSection = regexp.MustCompile(`^#? ?\[+([a-z_.]+)\]+`)
	tomlKey     = regexp.MustCompile(`^#? ?([a-z_]+) = `)
)

// tomlKeys are the sections and keys of a TOML text as section.key, examples in
// comments too. The name of a profile is the user's: it is left out.
func tomlKeys(text string) map[string]bool {
	keys, section := map[string]bool{}, ""
	for line := range strings.Lines(text) {
		if match := tomlSection.FindStringSubmatch(line); match != nil {
			section = match[1]
			if strings.HasPrefix(section, "account.profiles.") {
				section = "account.profiles"
			}
			keys[section] = true
		} else if match := tomlKey.FindStringSubmatch(line); match != nil {
			keys[section+"."+match[1]] = true
		}
	}
	return keys
}

func TestDocumentsNameOnlyKeysThatAre(t *testing.T) {
	t.Parallel()
	keys := tomlKeys(readText(t, "config.toml"))
	variables, sections := map[string]bool{}, map[string]bool{}
	for key := range keys {
		variables["WXSIGN_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = true
		section, _, _ := strings.Cut(key, ".")
		sections[section] = true
	}
	events := words(t, readText(t, "service/webhook/event.go"), `"([a-z]+\.[a-z]+)"`, 5) // are written like keys
	index := regexp.MustCompile(`_\d+_`)
	checked := 0
	for name, text := range documents(t) {
		for _, key := range words(t, text, "`([a-z_]+(?:\\.[a-z_]+)+)(?: = [^`]*)?`", 0) {
			section, _, _ := strings.Cut(key, ".")
			if checked++; sections[section] && !keys[key] && !slices.Contains(events, key) {
				t.Errorf("%s: config.toml has no key %s", name, key)
			}
		}
		for _, variable := range words(t, text, `\b(WXSIGN_[A-Z0-9_]*[A-Z0-9])\b`, 0) {
			plain := index.ReplaceAllString(variable, "_")
			if checked++; !variables[plain] && !strings.HasPrefix(variable, "WXSIGN_TEST_") {
				t.Errorf("%s: no key has the variable %s", name, variable)
			}
		}
		for _, block := range words(t, text, "(?s)```toml\n(.*?)```", 0) {
			for key := range tomlKeys(block) {
				if checked++; !keys[key] {
					t.Errorf("%s: a sample has %s, which config.toml does not know", name, key)
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d mentions of keys found in the documents", checked)
	}
}

func TestLinksBetweenDocumentsResolve(t *testing.T) {
	t.Parallel()
	for name, text := range documents(t) {
		for _, link := range words(t, text, `\]\(([^)\s]+)\)`, 0) {
			target, anchor, _ := strings.Cut(link, "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: the link %s leads nowhere", name, link)
			} else if anchor != "" && !slices.Contains(anchors(readText(t, file)), anchor) {
				t.Errorf("%s: %s has no heading #%s", name, file, anchor)
			}
		}
	}
}

// notInAnchor is what GitHub drops from a heading to make its anchor.
var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

func anchors(text string) []string {
	var all []string
	for _, heading := range headings(text) {
		all = append(all, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimLeft(heading, "# ")), ""), " ", "-"))
	}
	return all
}

var fence = regexp.MustCompile("(?ms)^ *```.*?^ *```\n") // in lists too

func headings(text string) []string {
	return regexp.MustCompile(`(?m)^#{1,6} .*$`).FindAllString(fence.ReplaceAllString(text, ""), -1)
}
