package handler

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/history"
)

// historyFields are the filters of the history page as they stand in its
// address, in the order of the form.
var historyFields = []string{"account", "kind", "trigger", "outcome", "errcode", "actor", "from", "to"}

// timeForms are how a time may be written: as browsers send it, and as people
// shorten it.
var timeForms = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// maxField is the longest value of a filter, in bytes; longer ones fit no row.
const maxField = 191

// historyData is what history.html shows.
type historyData struct {
	Page     history.Page
	Query    map[string]string // of historyFields, as they were typed
	Wrong    map[string]bool   // fields that cannot be understood
	Kinds    []string
	Triggers []string
	Outcomes []string
	Newest   string // address of the first page, "" where this is it
	Next     string // address of the page after this one
	Filtered bool
}

// History answers GET /admin/history.
func (p *Panel) History(c *gin.Context) error {
	query := c.Request.URL.Query()
	filter, typed, wrong := p.historyFilter(query)
	data := historyData{
		Query: typed, Wrong: wrong, Filtered: filter.Any(),
		Kinds: history.Kinds(), Triggers: history.Triggers(), Outcomes: history.Outcomes(),
	}
	if len(wrong) > 0 {
		return p.render(c, http.StatusUnprocessableEntity, "history", data)
	}
	place := query.Get("before")
	var err error
	if data.Page, err = p.options.History.Page(c.Request.Context(), filter, place); err != nil {
		return err
	}
	if place != "" {
		data.Newest = historyAddress(typed, "")
	}
	if data.Page.Next != "" {
		data.Next = historyAddress(typed, data.Page.Next)
	}
	return p.render(c, http.StatusOK, "history", data)
}

// historyFilter reads the filters of an address: what each means, what was
// typed, and which cannot be understood.
func (p *Panel) historyFilter(query url.Values) (f history.Filter, typed map[string]string, wrong map[string]bool) {
	typed, wrong = map[string]string{}, map[string]bool{}
	for _, name := range historyFields {
		if value := strings.TrimSpace(query.Get(name)); value != "" {
			typed[name] = value
			wrong[name] = len(value) > maxField
		}
	}
	f = history.Filter{Account: typed["account"], Actor: typed["actor"]}
	oneOf := func(name string, words []string) string {
		wrong[name] = typed[name] != "" && !slices.Contains(words, typed[name])
		return typed[name]
	}
	f.Kind, f.Trigger, f.Outcome = oneOf("kind", history.Kinds()), oneOf("trigger", history.Triggers()), oneOf("outcome", history.Outcomes())
	if text := typed["errcode"]; text != "" {
		errcode, err := strconv.ParseInt(text, 10, 32)
		number := int(errcode)
		f.Errcode, wrong["errcode"] = &number, err != nil
	}
	f.From, wrong["from"] = p.readTime(typed["from"])
	f.To, wrong["to"] = p.readTime(typed["to"])
	for name := range wrong {
		if !wrong[name] {
			delete(wrong, name)
		}
	}
	return f, typed, wrong
}

// readTime reads a time in the panel's time zone; "" is the zero time.
func (p *Panel) readTime(text string) (t time.Time, wrong bool) {
	if text == "" {
		return time.Time{}, false
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, text, p.options.Location); err == nil && t.Unix() > 0 {
			return t, false
		}
	}
	return time.Time{}, true
}

// historyAddress is the address of the history with these filters.
func historyAddress(typed map[string]string, before string) string {
	query := url.Values{}
	for name, value := range typed {
		query.Set(name, value)
	}
	if before != "" {
		query.Set("before", before)
	}
	if len(query) == 0 {
		return panelPath + "/history"
	}
	return panelPath + "/history?" + query.Encode()
}

// withQuery adds a parameter to an address of the panel.
func withQuery(address, name, value string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}
