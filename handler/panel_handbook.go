package handler

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

const handbookPath = panelPath + "/help/errors"

// handbookData is what handbook.html shows.
type handbookData struct {
	*handbook
	Query string // what is searched for, "" = everything
}

// Handbook answers GET /admin/help/errors.
func (p *Panel) Handbook(c *gin.Context) error {
	data := handbookData{handbook: p.text(c).handbook, Query: searched(c.Query("q"))}
	if data.Query != "" {
		data.handbook = data.search(data.Query)
	}
	return p.render(c, http.StatusOK, "handbook", data)
}

// search leaves the entries that hold a text, and what stands before them out.
func (h *handbook) search(text string) *handbook {
	found := &handbook{}
	text = strings.ToLower(text)
	for _, section := range h.Sections {
		section.Intro = nil
		section.Entries = slices.DeleteFunc(slices.Clone(section.Entries), func(e handbookEntry) bool {
			return !strings.Contains(e.plain, text)
		})
		if len(section.Entries) > 0 {
			found.Sections = append(found.Sections, section)
		}
	}
	return found
}

// Explained is the address of the entry of the handbook on a failure: of its
// errcode, which means something else for WeCom, else of the words in its text.
// Without an entry it is that of the handbook.
func (v panelView) Explained(account string, errcode int, text string) string {
	if errcode != 0 {
		anchor := strconv.Itoa(errcode)
		if isWeCom(account) {
			anchor = "wecom-" + anchor
		}
		if v.text.handbook.anchors[anchor] {
			return handbookPath + "#" + anchor
		}
		return handbookPath
	}
	for _, section := range v.text.handbook.Sections {
		for _, entry := range section.Entries {
			for _, name := range entry.Names {
				if strings.Contains(name.Text, " ") && strings.Contains(text, name.Text) {
					return handbookPath + "#" + name.ID
				}
			}
		}
	}
	return handbookPath
}
