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
