package handler

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// timeForms are how a time may be written: as browsers send it, and as people
// shorten it.
var timeForms = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}

// maxField is the longest value of a filter, in bytes; longer ones fit no row.
const maxField = 191

// filterForm is the filter of a list as it stands in the page's address.
type filterForm struct {
	Query map[string]string // fields as they were typed
	Wrong map[string]bool   // those that cannot be understood
}

// readFilter takes the named fields out of an address.
func readFilter(query url.Values, names []string) filterForm {
	f := filterForm{map[string]string{}, map[string]bool{}}
	for _, name := range names {
		if value := strings.TrimSpace(query.Get(name)); value != "" {
			f.Query[name] = value
			f.refuse(name, len(value) > maxField)
		}
	}
	return f
}

func (f filterForm) refuse(name string, wrong bool) {
	if wrong {
		f.Wrong[name] = true
	}
}

// oneOf is the value of a field that takes only certain words.
func (f filterForm) oneOf(name string, words []string) string {
	value := f.Query[name]
	f.refuse(name, value != "" && !slices.Contains(words, value))
	return value
}

// time reads a field as a time of the panel's time zone.
func (f filterForm) time(name string, zone *time.Location) time.Time {
	t, wrong := readTime(f.Query[name], zone)
	f.refuse(name, wrong)
	return t
}

// readTime reads a time; "" is the zero time.
func readTime(text string, zone *time.Location) (t time.Time, wrong bool) {
	if text == "" {
		return time.Time{}, false
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, text, zone); err == nil && t.Unix() > 0 {
			return t, false
		}
	}
	return time.Time{}, true
}

// address is that of the list with this filter, from a place on; "" is the
// newest end.
func (f filterForm) address(path, before string) string {
	query := url.Values{}
	for name, value := range f.Query {
		query.Set(name, value)
	}
	if before != "" {
		query.Set("before", before)
	}
	if len(query) == 0 {
		return panelPath + path
	}
	return panelPath + path + "?" + query.Encode()
}

// pager leads through a list that has no page numbers.
type pager struct {
	Newest string // address of the first page, "" where this is it
	Next   string // address of the page after this one, "" at the end
}

func (f filterForm) pager(path, place, next string) pager {
	var p pager
	if place != "" {
		p.Newest = f.address(path, "")
	}
	if next != "" {
		p.Next = f.address(path, next)
	}
	return p
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
