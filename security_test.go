package main_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/secret"
)

// Each of the 40 threats has a test that exists, or says why it has none.
func TestThreatsHaveTests(t *testing.T) {
	t.Parallel()
	text := readText(t, "docs/security.md")
	there := testsOfTheModule(t)
	for _, match := range regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(text, -1) {
		if !there[match[1]] {
			t.Errorf("docs/security.md names %s, which is not there", match[1])
		}
	}
	for n := 1; n <= 40; n++ {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| %d \|.*$`, n)).FindString(text)
		cells := strings.Split(row, "|")
		if len(cells) != 6 {
			t.Errorf("threat %d has no row of four cells: %q", n, row)
			continue
		}
		if proof := cells[4]; !strings.Contains(proof, "`Test") && !strings.Contains(proof, "no test: ") {
			t.Errorf("threat %d has neither a test nor a reason: %q", n, proof)
		}
	}
}

// Every parser that is fuzzed is told of; `make fuzz` finds them by itself.
func TestFuzzTestsAreListed(t *testing.T) {
	t.Parallel()
	text := readText(t, "docs/security.md")
	_, listed, found := strings.Cut(text, "## Fuzzing")
	listed, _, _ = strings.Cut(listed, "\n## ")
	if !found {
		t.Fatal("docs/security.md has no section on fuzzing")
	}
	fuzzed := 0
	for name := range testsOfTheModule(t) {
		if !strings.HasPrefix(name, "Fuzz") {
			continue
		}
		fuzzed++
		if !strings.Contains(listed, "`"+name+"`") {
			t.Errorf("docs/security.md does not tell of %s", name)
		}
	}
	if fuzzed < 25 {
		t.Errorf("only %d fuzz tests were found", fuzzed)
	}
}

// testsOfTheModule are the names of all tests.
func testsOfTheModule(t *testing.T) map[string]bool {
	t.Helper()
	found, name := map[string]bool{}, regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	eachFile(t, func(file, text string) {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "model/modeltest/") {
			for _, match := range name.FindAllStringSubmatch(text, -1) {
				found[match[1]] = true
			}
		}
	})
	return found
}

func eachFile(t *testing.T, see func(file, text string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && outside(name):
			return fs.SkipDir
		case entry.Type().IsRegular() && textFile[path.Ext(name)]:
			see(name, readText(t, name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var textFile = map[string]bool{
	".go": true, ".md": true, ".toml": true, ".yaml": true, ".yml": true, ".sh": true, ".txt": true, ".sql": true, ".html": true,
	".json": true,
	".conf": true, ".service": true, ".env": true, ".js": true,
}

// No file of the repository shows a master key that would be taken: what is
// printed somewhere is nobody's secret.
func TestNoMasterKeyIsPrinted(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`(?m)(?:^|[^A-Za-z0-9+/=-])([A-Za-z0-9+/]{43}=)(?:[^=]|$)`) // not the tail of a longer one
	seen := 0
	eachFile(t, func(file, text string) {
		seen++
		for _, match := range form.FindAllStringSubmatch(text, -1) {
			found := match[1]
			if key, err := base64.StdEncoding.DecodeString(found); err != nil || len(key) != secret.KeySize {
				continue
			}
			if _, err := secret.ParseKeys(found); err == nil {
				t.Errorf("%s prints %.8s…, which would be taken as a master key", file, found)
			}
		}
	})
	if seen < 300 {
		t.Fatalf("only %d files were looked at", seen)
	}
}
