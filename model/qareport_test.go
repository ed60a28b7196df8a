package model_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

// Pages of reports walk through just those that a filter means, each once.
func TestQAReportPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		for i := range 24 {
			must(t, s.AddQAReport(t.Context(), model.QAReport{
				AppID: []string{"wxa", "wxb"}[i%2], Client: []string{"ios", "android", "desktop"}[i%3], Verdict: []string{"ok", "failed"}[i/4%2],
				PageURL: "u", UserAgent: fmt.Sprintf("MicroMessenger/8.0.%d 100%%_!", i%4), Detail: fmt.Sprint(i),
			}, 1000))
		}
		now, err := s.Now(t.Context())
		must(t, err)
		for name, c := range map[string]struct {
			filter model.QAFilter
			want   int
		}{
			"all":         {model.QAFilter{}, 24},
			"account":     {model.QAFilter{AppID: "wxa"}, 12},
			"verdict":     {model.QAFilter{Verdict: "failed"}, 12},
			"client":      {model.QAFilter{Client: "ios"}, 8},
			"all of them": {model.QAFilter{AppID: "wxa", Verdict: "ok", Client: "ios"}, 2},
			"user agent":  {model.QAFilter{UserAgent: "MICROMESSENGER/8.0.3"}, 6},
			"percent":     {model.QAFilter{UserAgent: "0%_!"}, 24},
			"no wildcard": {model.QAFilter{UserAgent: "8%0"}, 0},
			"no joker":    {model.QAFilter{UserAgent: "8_0"}, 0},
			"since":       {model.QAFilter{FromMs: 1}, 24},
			"later":       {model.QAFilter{FromMs: now + 60_000}, 0},
			"before":      {model.QAFilter{ToMs: 1}, 0},
		} {
			var seen []string
			for before := int64(0); ; {
				rows, next, err := s.QAReports(t.Context(), c.filter, before, 5)
				must(t, err)
				for _, r := range rows {
					seen = append(seen, r.Detail)
				}
				if before = next; next == 0 {
					break
				}
			}
			unique := map[string]bool{}
			for _, detail := range seen {
				unique[detail] = true
			}
			if len(seen) != c.want || len(unique) != c.want {
				t.Errorf("%s: %d reports, %d of them different; want %d", name, len(seen), len(unique), c.want)
			}
		}
		rows, _, err := s.QAReports(t.Context(), model.QAFilter{}, 0, 1)
		must(t, err)
		one, err := s.QAReport(t.Context(), rows[0].ID)
		must(t, err)
		if diff := cmp.Diff(rows[0], one); diff != "" {
			t.Error(diff)
		}
		if _, err := s.QAReport(t.Context(), rows[0].ID+1); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("no report: %v", err)
		}
	})
}

// A flood of reports that anybody can send drops only its own kind.
func TestQAReportsOfPagesAreCountedApart(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		const keep = 3
		add := func(appID, client string, n int) {
			t.Helper()
			for range n {
				must(t, s.AddQAReport(t.Context(), model.QAReport{AppID: appID, Client: client, Verdict: "failed", PageURL: "u"}, keep))
			}
		}
		count := func(f model.QAFilter) int {
			t.Helper()
			rows, _, err := s.QAReports(t.Context(), f, 0, 100)
			must(t, err)
			return len(rows)
		}
		add("wxa", "ios", 2)
		add("wxb", "page ios", 2)
		add("wxa", model.PageClient+"ios", 5)
		add("wxa", model.PageClient+"android", 1)
		for want, f := range map[int]model.QAFilter{
			2 + keep: {AppID: "wxa"}, 1: {AppID: "wxa", Client: "page android"}, 0: {Client: "pages"},
		} {
			if got := count(f); got != want {
				t.Errorf("%+v: %d reports, want %d", f, got, want)
			}
		}
		add("wxa", "android", 2)
		if got := count(model.QAFilter{AppID: "wxa", Client: "ios"}); got != 1 {
			t.Errorf("%d of the demo's first reports, want 1", got)
		}
		if got := count(model.QAFilter{AppID: "wxb"}); got != 2 {
			t.Errorf("another account has %d reports, want 2", got)
		}
	})
}
