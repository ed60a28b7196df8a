package handler

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"unicode"

	"github.com/wxsign/wxsign/docs"
)

// handbook is the error handbook in one language, read from the document of
// docs/ so that there is one text of it.
type handbook struct {
	Intro    []handbookBlock
	Sections []handbookSection
	anchors  map[string]bool
}

// handbookSection is a heading of the second level with its entries.
type handbookSection struct {
	Title   string
	ID      string
	Intro   []handbookBlock
	Entries []handbookEntry
}

// handbookEntry explains one error, or several of one kind.
type handbookEntry struct {
	Names  []handbookName
	Blocks []handbookBlock
	plain  string // in small letters, to search in
}

// handbookName is what an error is called, and where a link to it leads.
type handbookName struct{ Text, ID string }

// handbookBlock is a paragraph, or a table whose first row is its head.
type handbookBlock struct {
	Text []handbookSpan
	Rows [][][]handbookSpan
}

// handbookSpan is text of one kind: "", code, strong, em, link.
type handbookSpan struct{ Kind, Text, Href string }

// readHandbook reads it in one of the panel's languages.
func readHandbook(language string) (*handbook, error) {
	name := "errors.md"
	if language != "en" {
		name = language + "/" + name
	}
	text, err := fs.ReadFile(docs.Handbook, name)
	if err != nil {
		return nil, err
	}
	h := parseHandbook(string(text))
	if len(h.Sections) == 0 {
		return nil, fmt.Errorf("docs/%s has no section", name)
	}
	return h, nil
}

// onlyLink is a paragraph of one link: to the document in the other language,
// which the panel switches by itself.
var onlyLink = regexp.MustCompile(`^\[[^\]]*\]\([^)]*\)$`)

// parseHandbook reads the little Markdown that the handbook is written in:
// headings, paragraphs and tables.
func parseHandbook(text string) *handbook {
	h := &handbook{anchors: map[string]bool{}}
	for chunk := range strings.SplitSeq(text, "\n\n") {
		chunk = strings.TrimSpace(chunk)
		switch {
		case chunk == "", strings.HasPrefix(chunk, "# "), onlyLink.MatchString(chunk):
		case strings.HasPrefix(chunk, "## "):
			title := strings.TrimPrefix(chunk, "## ")
			h.Sections = append(h.Sections, handbookSection{Title: title, ID: h.anchor(title)})
		case strings.HasPrefix(chunk, "### ") && len(h.Sections) > 0:
			section := &h.Sections[len(h.Sections)-1]
			section.Entries = append(section.Entries, h.entry(strings.TrimPrefix(chunk, "### ")))
		default:
			h.add(chunk)
		}
	}
	return h
}

// entry begins one; a heading names several errors with commas.
func (h *handbook) entry(heading string) handbookEntry {
	e := handbookEntry{plain: strings.ToLower(heading)}
	for name := range strings.SplitSeq(heading, ", ") {
		e.Names = append(e.Names, handbookName{Text: name, ID: h.anchor(name)})
	}
	return e
}

// add puts a paragraph or a table where the document is.
func (h *handbook) add(chunk string) {
	block := handbookBlock{}
	if strings.HasPrefix(chunk, "|") {
		block.Rows = tableRows(chunk)
	} else {
		block.Text = spans(strings.ReplaceAll(chunk, "\n", " "))
	}
	if len(h.Sections) == 0 {
		h.Intro = append(h.Intro, block)
		return
	}
	section := &h.Sections[len(h.Sections)-1]
	if len(section.Entries) == 0 {
		section.Intro = append(section.Intro, block)
		return
	}
	entry := &section.Entries[len(section.Entries)-1]
	entry.Blocks = append(entry.Blocks, block)
	entry.plain += " " + strings.ToLower(chunk)
}

// tableRows leaves out the line below the head.
func tableRows(chunk string) [][][]handbookSpan {
	var rows [][][]handbookSpan
	for line := range strings.Lines(chunk) {
		line = strings.Trim(strings.TrimSpace(line), "|")
		if strings.Trim(line, "|- ") == "" {
			continue
		}
		var row [][]handbookSpan
		for cell := range strings.SplitSeq(line, "|") {
			row = append(row, spans(strings.TrimSpace(cell)))
		}
		rows = append(rows, row)
	}
	return rows
}

// marked is what is more than text: `code`, **strong**, *em*, [text](link), <link>.
var marked = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|\\*([^*]+)\\*|\\[([^\\]]+)\\]\\(([^)]+)\\)|<(https://[^>]+)>")

func spans(text string) []handbookSpan {
	var all []handbookSpan
	end := 0
	for _, at := range marked.FindAllStringSubmatchIndex(text, -1) {
		if at[0] > end {
			all = append(all, handbookSpan{Text: text[end:at[0]]})
		}
		group := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return text[at[2*i]:at[2*i+1]]
		}
		all = append(all, span(group))
		end = at[1]
	}
	if end < len(text) {
		all = append(all, handbookSpan{Text: text[end:]})
	}
	return all
}

// span is what a match of marked means. A link to another document of docs/,
// which the panel does not have, becomes its name.
func span(group func(int) string) handbookSpan {
	switch {
	case group(1) != "":
		return handbookSpan{Kind: "code", Text: group(1)}
	case group(2) != "":
		return handbookSpan{Kind: "strong", Text: group(2)}
	case group(3) != "":
		return handbookSpan{Kind: "em", Text: group(3)}
	case group(6) != "":
		return handbookSpan{Kind: "link", Text: group(6), Href: group(6)}
	case strings.HasPrefix(group(5), "#"), strings.HasPrefix(group(5), "https://"):
		return handbookSpan{Kind: "link", Text: group(4), Href: group(5)}
	}
	file, _, _ := strings.Cut(group(5), "#")
	return handbookSpan{Text: group(4) + " (docs/" + strings.TrimPrefix(file, "../") + ")"}
}

// anchor is a heading as GitHub links to it.
func (h *handbook) anchor(heading string) string {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '_', r == '-', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
	h.anchors[anchor] = true
	return anchor
}
