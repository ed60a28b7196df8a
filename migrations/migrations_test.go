package migrations_test

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/migrations"
)

// names lists the files of a dialect.
func names(t *testing.T, dialect string) []string {
	t.Helper()
	files, err := fs.Glob(migrations.FS, dialect+"/*")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, path.Base(f))
	}
	return names
}

func TestDialectsHaveTheSameSteps(t *testing.T) {
	t.Parallel()
	mysql, sqlite := names(t, "mysql"), names(t, "sqlite")
	if diff := cmp.Diff(mysql, sqlite); diff != "" {
		t.Errorf("each step needs a file in both folders (-mysql +sqlite):\n%s", diff)
	}
	form := regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	for i, name := range mysql {
		match := form.FindStringSubmatch(name)
		if match == nil {
			t.Errorf("%s: want NNNN_what_it_does.sql", name)
			continue
		}
		if want := fmt.Sprintf("%04d", i+1); match[1] != want {
			t.Errorf("%s: want number %s, numbers run on without gaps", name, want)
		}
	}
}

// MySQL commits each DDL statement by itself: of two in a file, the first could
// stay alone for ever.
func TestStepOfMySQLIsOneStatement(t *testing.T) {
	t.Parallel()
	for _, name := range names(t, "mysql") {
		for _, section := range []string{"Up", "Down"} {
			got := statements(sectionOf(t, "mysql/"+name, section))
			if len(got) != 1 {
				t.Errorf("%s, %s: %d statements, want 1: %q", name, section, len(got), got)
			}
		}
	}
}

// What is here runs on MySQL 5.6 to 9, MariaDB and their kin, a table can be made
// again after a crash before its step was noted, and the version before this one
// goes on working beside it.
func TestSchemaIsPlain(t *testing.T) {
	t.Parallel()
	for _, name := range names(t, "mysql") {
		up := strings.ToUpper(strings.Join(statements(sectionOf(t, "mysql/"+name, "Up")), ";"))
		for _, word := range []string{" JSON", "DATETIME", "TIMESTAMP", " ENUM", "FOREIGN KEY", "CREATE TRIGGER", "DROP "} {
			if strings.Contains(up, word) {
				t.Errorf("%s uses%s: engines differ in it, or the previous version could not go on", name, word)
			}
		}
		if strings.HasPrefix(up, "CREATE TABLE") {
			for _, phrase := range []string{"CREATE TABLE IF NOT EXISTS", "ENGINE=INNODB", "COLLATE UTF8MB4_BIN", "PRIMARY KEY"} {
				if !strings.Contains(up, phrase) {
					t.Errorf("%s: a table without %s", name, phrase)
				}
			}
		}
	}
}

func TestStatementsAreCounted(t *testing.T) {
	t.Parallel()
	const text = "CREATE TABLE a (b TEXT DEFAULT ';' -- not; here\n);\n-- nor; here\nINSERT INTO a VALUES ('it''s; one');\n\n"
	if got := statements(text); len(got) != 2 || !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "it''s; one") }) {
		t.Errorf("%d statements, want 2: %q", len(got), got)
	}
}

// sectionOf is the text below "-- +goose Up" or "-- +goose Down".
func sectionOf(t *testing.T, file, section string) string {
	t.Helper()
	text, err := fs.ReadFile(migrations.FS, file)
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(text), "-- +goose "+section+"\n")
	if !found {
		t.Fatalf("%s has no section %s", file, section)
	}
	body, _, _ = strings.Cut(body, "-- +goose ")
	return body
}

// statements splits at semicolons that stand neither in a comment nor in a
// quoted text, and drops comments.
func statements(text string) []string {
	var all []string
	var current strings.Builder
	quoted := false
	for line := range strings.Lines(text) {
		for i, r := range line {
			if !quoted && strings.HasPrefix(line[i:], "--") {
				break
			}
			switch {
			case r == '\'':
				quoted = !quoted
			case r == ';' && !quoted:
				all = append(all, strings.TrimSpace(current.String()))
				current.Reset()
				continue
			}
			current.WriteRune(r)
		}
	}
	if rest := strings.TrimSpace(current.String()); rest != "" {
		all = append(all, rest)
	}
	return all
}
