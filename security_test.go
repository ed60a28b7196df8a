package main_test

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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

// A document that names a test is believed: so the test must be there.
func TestDocumentsNameRealTests(t *testing.T) {
	t.Parallel()
	there, named := testsOfTheModule(t), 0
	name := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`)
	eachFile(t, func(file, text string) {
		if path.Ext(file) != ".md" {
			return
		}
		for _, test := range name.FindAllString(text, -1) {
			named++
			if !there[test] {
				t.Errorf("%s names %s, which is not there", file, test)
			}
		}
	})
	if named < 200 {
		t.Errorf("only %d names were found", named)
	}
}

// What fuzzing has found and scripts/fuzz.sh keeps is of a test that is there, and
// little: every checkout pays for it, and every `go test` runs it.
func TestFuzzCorporaStaySmall(t *testing.T) {
	t.Parallel()
	const mostFiles, mostBytes, mostInAll = 80, 64 << 10, 2 << 20
	corpora, err := filepath.Glob("testdata/fuzz/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, depth := range []string{"*", "*/*", "*/*/*"} {
		more, err := filepath.Glob(depth + "/testdata/fuzz/*")
		if err != nil {
			t.Fatal(err)
		}
		corpora = append(corpora, more...)
	}
	if len(corpora) < 10 {
		t.Errorf("only %d fuzz tests have kept inputs: %q", len(corpora), corpora)
	}
	there, all := testsOfTheModule(t), 0
	for _, corpus := range corpora {
		if !there[filepath.Base(corpus)] {
			t.Errorf("%s is of no test", corpus)
		}
		files, bytes := sizeOfCorpus(t, corpus)
		if files > mostFiles || bytes > mostBytes {
			t.Errorf("%s has %d files of %d bytes", corpus, files, bytes)
		}
		all += bytes
	}
	if all > mostInAll {
		t.Errorf("the kept inputs have %d bytes in all", all)
	}
}

func sizeOfCorpus(t *testing.T, dir string) (files, bytes int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text := readText(t, filepath.Join(dir, entry.Name()))
		if !strings.HasPrefix(text, "go test fuzz v1\n") {
			t.Errorf("%s/%s is no input", dir, entry.Name())
		}
		if masterKeyIn(text) != "" {
			t.Errorf("%s/%s prints a master key that would be taken", dir, entry.Name())
		}
		bytes += len(text)
	}
	return len(entries), bytes
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
	seen := 0
	eachFile(t, func(file, text string) {
		seen++
		if key := masterKeyIn(text); key != "" {
			t.Errorf("%s prints %.8s…, which would be taken as a master key", file, key)
		}
	})
	if seen < 300 {
		t.Fatalf("only %d files were looked at", seen)
	}
}

// masterKeyForm is that of 32 bytes in base64, and not the tail of a longer one.
var masterKeyForm = regexp.MustCompile(`(?m)(?:^|[^A-Za-z0-9+/=-])([A-Za-z0-9+/]{43}=)(?:[^=]|$)`)

// masterKeyIn finds one that would be taken, "" where there is none.
func masterKeyIn(text string) string {
	for _, match := range masterKeyForm.FindAllStringSubmatch(text, -1) {
		found := match[1]
		if key, err := base64.StdEncoding.DecodeString(found); err != nil || len(key) != secret.KeySize {
			continue
		}
		if _, err := secret.ParseKeys(found); err == nil {
			return found
		}
	}
	return ""
}
