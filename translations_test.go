package main_test

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// translations are the documents that are there in both languages: Chinese by
// English path.
func translations(t *testing.T) map[string]string {
	t.Helper()
	pairs := map[string]string{"README.md": "README.zh-CN.md"}
	for name := range documents(t) {
		if rest, ok := strings.CutPrefix(name, "docs/zh/"); ok {
			pairs["docs/"+rest] = name
		}
	}
	if len(pairs) < 14 {
		t.Fatalf("only %d documents in Chinese", len(pairs))
	}
	return pairs
}

// Both languages are equals: what one learns from one of them, the other tells
// too. Prose cannot be compared; samples, headings, tables and names can.
func TestTranslationsAreEqual(t *testing.T) {
	t.Parallel()
	for name, translation := range translations(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			english, chinese := readText(t, name), readText(t, translation)
			for what, of := range map[string]func(string) []string{
				"code blocks":        samples,
				"levels of headings": levels,
				"rows of tables":     tableRows,
				"names in backticks": spans,
			} {
				if diff := cmp.Diff(of(english), of(chinese)); diff != "" {
					t.Errorf("%s (-%s +%s):\n%s", what, name, translation, diff)
				}
			}
		})
	}
}

// A reader of one language is led to the same page in the other, and stays in
// Chinese where there is a page in Chinese.
func TestTranslationsAreLinked(t *testing.T) {
	t.Parallel()
	pairs := translations(t)
	for name, translation := range pairs {
		if !slices.Contains(linked(t, name), translation) {
			t.Errorf("%s has no link to %s", name, translation)
		}
		for _, file := range linked(t, translation) {
			if better := pairs[file]; better != "" && file != name {
				t.Errorf("%s leads to %s, which is in Chinese at %s", translation, file, better)
			}
		}
		if !slices.Contains(linked(t, translation), name) {
			t.Errorf("%s has no link to %s", translation, name)
		}
	}
}

// linked are the files of this repository that a document links to.
func linked(t *testing.T, name string) []string {
	t.Helper()
	var files []string
	for _, link := range words(t, readText(t, name), `\]\(([^)\s]+)\)`, 0) {
		if target, _, _ := strings.Cut(link, "#"); target != "" && !strings.Contains(target, "://") {
			files = append(files, path.Join(path.Dir(name), target))
		}
	}
	return files
}

// remark is a comment in a sample: it is told in the reader's language.
var remark = regexp.MustCompile(`(?m)(?:^|[ \t]+)(?:#|//) .*$`)

// samples are the code blocks without their comments.
func samples(text string) []string {
	var all []string
	for _, block := range fence.FindAllString(text, -1) {
		all = append(all, remark.ReplaceAllString(block, ""))
	}
	return all
}

// tableRows are a line for each row of a table, with the number of its cells.
func tableRows(text string) []string {
	var rows []string
	for line := range strings.Lines(fence.ReplaceAllString(text, "")) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, strings.Repeat("|", strings.Count(codeSpan.ReplaceAllString(line, ""), "|")))
		}
	}
	return rows
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// spans are what stands in backticks, each once, wherever its line breaks.
func spans(text string) []string {
	found := map[string]bool{}
	for _, match := range codeSpan.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		found[strings.Join(strings.Fields(match[1]), " ")] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func levels(text string) []string {
	var all []string
	for _, heading := range headings(text) {
		level, _, _ := strings.Cut(heading, " ")
		all = append(all, level)
	}
	return all
}
