package handler

import "strings"

// navEntry is a page that every page links to.
type navEntry struct {
	Page string // name of its template, and of its text nav.<Page>
	Path string
	role string // the least role that it is for
}

// navEntries are in the order of the bar.
func navEntries() []navEntry {
	return []navEntry{
		{"overview", panelPath + "/", RoleViewer},
		{"history", panelPath + historyPath, RoleViewer},
		{"checker", panelPath + "/checker", RoleViewer},
		{"qa", panelPath + qaPath, RoleViewer},
		{"alerts", panelPath + alertsPath, RoleViewer},
		{"keys", panelPath + keysPath, RoleViewer},
		{"audit", panelPath + auditPath, RoleViewer},
		{"people", panelPath + peoplePath, RoleAdmin},
	}
}

// Section is the entry that a page belongs to: history_row to history.
func (v panelView) Section() string {
	section, _, _ := strings.Cut(v.Page, "_")
	return section
}

// Nav lists the pages that the person may open.
func (v panelView) Nav() []navEntry {
	var open []navEntry
	for _, entry := range navEntries() {
		if v.Person != nil && v.Person.May(entry.role) {
			open = append(open, entry)
		}
	}
	return open
}
