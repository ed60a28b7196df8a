package paneltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever stands in the address of a list of the panel: the list, or a word on
// what cannot be understood, never a fault, and what was typed stays text.
func FuzzListFilters(f *testing.F) {
	for _, query := range []string{
		"", "account=wx0000000000000000&kind=jsapi&outcome=failed&errcode=40001", "before=1700000000000-3", "before='", "errcode=1e9",
		"from=2026-01-01T00:00&to=2025-01-01", "account=%25_%27%22%3B--", "actor=%00", "kind=<script>alert(1)</script>", "%zz=1",
		"trigger=x&trigger=y", "client=%F0%9F%98%80", "ua=!%25_", "state=failed&channel=x", "before=9223372036854775807-9223372036854775807",
	} {
		f.Add(query)
	}
	k := newPanelKit(f, panelKitOptions{})
	k.seed(2)
	admin := k.as("admin")
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r == '#' || r >= 0x7f }) {
			query = url.QueryEscape(query) // the rest no client can send
		}
		for _, list := range []string{"history", "history.csv", "audit", "qa", "alerts", "accounts/wx0000000000000000/timeline"} {
			at := *admin.panelKit // in the name of this input's test
			at.t = t
			v := visitor{&at, admin.client}
			got := v.get("/admin/" + list + "?" + query)
			if got.StatusCode >= http.StatusInternalServerError || got.StatusCode == http.StatusSeeOther {
				t.Errorf("%s?%s: status %d", list, query, got.StatusCode)
			}
			if strings.Contains(got.body, "<script>alert(") {
				t.Errorf("%s?%s: what was typed is markup", list, query)
			}
		}
	})
}
