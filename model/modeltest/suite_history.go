package modeltest

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func historyCases() map[string]func(subject) {
	return map[string]func(subject){
		"comes back as it went in":                    historyRoundTrip,
		"an attempt once":                             historyAttemptOnce,
		"a publish once, attempts without one freely": historyPublishOnce,
		"without an instant it is now": func(x subject) {
			from := x.now()
			x.ok(x.store.AddHistory(x.Context(), attempt(x)))
			if at := history(x, 1)[0].AtMs; at < from || at > x.now() {
				x.Errorf("at %d, written at %d", at, from)
			}
		},
		"many at once":              historyMany,
		"many at once, all or none": historyAllOrNone,
		"any text":                  historyTexts,
		"newest first":              historyOrder,
		"unwritten after a publish": unwritten,
	}
}

func historyRoundTrip(x subject) {
	h := attempt(x)
	h.AtMs, h.Errcode, h.Errmsg, h.RID = 1_700_000_000_123, 40164, "invalid ip 1.2.3.4 😀 not in whitelist", "65f0-1-2"
	h.LatencyMs, h.ExpiresMs, h.Fingerprint, h.PublishID = 123, 1_700_007_200_123, "0123abcd", new(id())
	x.ok(x.store.AddHistory(x.Context(), h))
	got := history(x, 10)
	h.ID = got[0].ID
	if diff := cmp.Diff([]model.History{h}, got); diff != "" {
		x.Errorf("(-want +got):\n%s", diff)
	}
}

func historyAttemptOnce(x subject) {
	h := attempt(x)
	x.ok(x.store.AddHistory(x.Context(), h))
	h.Outcome, h.AtMs = model.OutcomeFailed, 5
	x.ok(x.store.AddHistory(x.Context(), h))
	if rows := history(x, 10); len(rows) != 1 || rows[0].Outcome != model.OutcomeUnchanged {
		x.Errorf("%+v, want the first row alone", rows)
	}
}

func historyPublishOnce(x subject) {
	publishID := id()
	for range 2 {
		h := attempt(x)
		h.PublishID = &publishID
		x.ok(x.store.AddHistory(x.Context(), h))
		x.ok(x.store.AddHistory(x.Context(), attempt(x)))
	}
	if n := len(history(x, 10)); n != 3 {
		x.Errorf("%d rows, want 1 of the publish and 2 without", n)
	}
}

func historyMany(x subject) {
	from := x.now()
	rows := make([]model.History, 100)
	for i := range rows {
		rows[i] = attempt(x)
		rows[i].RID = strconv.Itoa(i)
		switch i % 3 {
		case 0:
			rows[i].PublishID, rows[i].ValueHash, rows[i].IssuedMs = new(id()), hash(), from
		case 1:
			rows[i].AtMs, rows[i].Errmsg = int64(i), "'; ? @AppID "+strings.Repeat("错😀", 300)
		}
	}
	x.ok(x.store.AddHistories(x.Context(), nil))
	x.ok(x.store.AddHistories(x.Context(), rows))
	got := history(x, 200)
	if len(got) != len(rows) {
		x.Fatalf("%d rows, want %d", len(got), len(rows))
	}
	to := x.now()
	for _, h := range got {
		i, err := strconv.Atoi(h.RID)
		x.ok(err)
		want := rows[i]
		if want.AtMs == 0 && h.AtMs >= from && h.AtMs <= to {
			want.AtMs = h.AtMs
		}
		if want.ValueHash != "" {
			if of, err := x.store.IssuedTo(x.Context(), want.ValueHash, hour); err != nil || of != x.appID {
				x.Errorf("its token: of %q, %v", of, err)
			}
		}
		want.ID, want.ValueHash, want.IssuedMs = h.ID, "", 0
		want.Errmsg = string([]rune(want.Errmsg)[:min(512, len([]rune(want.Errmsg)))])
		if diff := cmp.Diff(want, h); diff != "" {
			x.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// historyAllOrNone: whatever was there before, or is twice among them, the others
// are not written either, so that they can be sent again.
func historyAllOrNone(x subject) {
	there := attempt(x)
	there.PublishID, there.ValueHash, there.IssuedMs = new(id()), hash(), x.now()
	x.ok(x.store.AddHistories(x.Context(), []model.History{there}))
	samePublish, sameToken := attempt(x), attempt(x)
	samePublish.PublishID = there.PublishID
	sameToken.ValueHash, sameToken.IssuedMs = there.ValueHash, there.IssuedMs
	twin := attempt(x)
	for name, second := range map[string][]model.History{
		"the attempt": {there}, "its publish": {samePublish}, "its token": {sameToken}, "one twice": {twin, twin},
	} {
		rows := slices.Concat([]model.History{attempt(x)}, second, []model.History{attempt(x)})
		if err := x.store.AddHistories(x.Context(), rows); !errors.Is(err, model.ErrDuplicate) {
			x.Errorf("%s: %v, want ErrDuplicate", name, err)
		}
		if n := len(history(x, 10)); n != 1 {
			x.Fatalf("%s: %d rows, want the first alone", name, n)
		}
	}
	rest := attempt(x)
	for range 2 { // as one does after ErrDuplicate
		x.ok(x.store.AddHistory(x.Context(), there))
		x.ok(x.store.AddHistory(x.Context(), rest))
	}
	if n := len(history(x, 10)); n != 2 {
		x.Errorf("%d rows, want 2", n)
	}
}

func historyTexts(x subject) {
	for text, want := range map[string]string{
		strings.Repeat("错😀", 300): strings.Repeat("错😀", 256),
		strings.Repeat("x", 513):  strings.Repeat("x", 512),
		"bad \xff bytes":          "bad \uFFFD bytes",
	} {
		h := attempt(x)
		h.Errmsg, h.RID, h.Actor = text, text, text
		x.ok(x.store.AddHistory(x.Context(), h))
		got := history(x, 1)[0]
		if got.Errmsg != want || !strings.HasPrefix(want, got.RID) || !strings.HasPrefix(want, got.Actor) || got.RID == "" {
			x.Errorf("errmsg %.20q…, rid %.20q…, actor %.20q… of %.20q…", got.Errmsg, got.RID, got.Actor, text)
		}
	}
}

func historyOrder(x subject) {
	var want []string
	for i, at := range []int64{100, 300, 200, 300} {
		h := attempt(x)
		h.AtMs, h.RID = at, strconv.Itoa(i)
		x.ok(x.store.AddHistory(x.Context(), h))
	}
	for _, h := range history(x, 3) {
		want = append(want, h.RID)
	}
	if !slices.Equal(want, []string{"3", "1", "2"}) {
		x.Errorf("order %v, want 3 1 2", want)
	}
}

// attempt is a history row of the subject's own.
func attempt(x subject) model.History {
	return model.History{
		AttemptID: id(), AppID: x.appID, Kind: token, Version: 1, Fence: 2,
		TriggerName: model.TriggerSchedule, Actor: "replica", Outcome: model.OutcomeUnchanged,
	}
}

func history(x subject, limit int) []model.History {
	x.Helper()
	rows, err := x.store.HistoryOf(x.Context(), x.appID, limit)
	x.ok(err)
	return rows
}

func unwritten(x subject) {
	listed := func(from int64) []string {
		rows, err := x.store.UnwrittenHistory(x.Context(), from)
		x.ok(err)
		var ids []string
		for _, r := range rows {
			if r.AppID == x.appID {
				ids = append(ids, r.PublishID)
			}
		}
		return ids
	}
	p := x.publish(hour)
	at := x.row(token).UpdatedMs
	for name, test := range map[string]struct {
		from int64
		want []string
	}{
		"published": {at - 1, []string{p.PublishID}},
		"published long ago, or never: the ticket": {at, nil},
	} {
		if got := listed(test.from); !slices.Equal(got, test.want) {
			x.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	h := attempt(x)
	h.PublishID = &p.PublishID
	x.ok(x.store.AddHistory(x.Context(), h))
	if got := listed(at - 1); got != nil {
		x.Errorf("written, and still listed: %v", got)
	}
}

func purgeCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"one replica has the duty to purge": purgeDuty,
		"history is purged in chunks": func(t *testing.T, s *model.Store) {
			t.Helper()
			x := newSubject(t, s)
			for i := range 120 {
				h := attempt(x)
				h.AtMs = int64(1000 - i%2) // 60 rows of 999, 60 of 1000
				x.ok(s.AddHistory(t.Context(), h))
			}
			kept := attempt(x)
			kept.AtMs = 1001
			x.ok(s.AddHistory(t.Context(), kept))
			late := attempt(x)
			late.AtMs = 999
			after := model.HistoryKey{}
			for i, want := range []int64{100, 20, 0, 0} {
				n, last, err := s.PurgeHistory(t.Context(), after, 1001)
				x.ok(err)
				if n != want || (n == 0) != (last == after) || last.AtMs > 1000 {
					t.Fatalf("purged %d, the last one is %+v; want %d", n, last, want)
				}
				if after = last; i == 1 {
					x.ok(s.AddHistory(t.Context(), late)) // where this run has been already: the next one's
				}
			}
			n, _, err := s.PurgeHistory(t.Context(), model.HistoryKey{}, 1001)
			x.ok(err)
			if n != 1 {
				t.Errorf("the next run purged %d, want the late one", n)
			}
			if rows := history(x, 10); len(rows) != 1 || rows[0].AttemptID != kept.AttemptID {
				t.Errorf("left: %d rows, want the one that is not older", len(rows))
			}
		},
	}
}

func purgeDuty(t *testing.T, s *model.Store) {
	t.Helper()
	x := newSubject(t, s)
	for range 2 { // the first time without a row
		x.yes(s.TakePurgeDuty(t.Context(), "a", hour))
		x.yes(s.TakePurgeDuty(t.Context(), "a", hour))
		x.no(s.TakePurgeDuty(t.Context(), "b", hour))
		x.yes(s.TakeAlertDuty(t.Context(), "b", hour)) // is another one
		x.ok(s.LeavePurgeDuty(t.Context(), "b"))
		x.no(s.TakePurgeDuty(t.Context(), "b", hour))
		x.ok(s.LeavePurgeDuty(t.Context(), "a"))
		x.yes(s.TakePurgeDuty(t.Context(), "b", -1)) // its time is over at once
	}
	x.yes(s.TakePurgeDuty(t.Context(), "c", hour))
	x.yes(s.TakePurgeDuty(t.Context(), "d", 1)) // c's lease looks far too long by d's measure
	x.ok(s.LeaveAlertDuty(t.Context(), "b"))
}

func reportCases() map[string]func(subject) {
	return map[string]func(subject){
		"the newest are kept": func(x subject) {
			other := newSubject(x.TB, x.store)
			x.ok(x.store.AddQAReport(x.Context(), report(other, "theirs"), 3))
			for _, url := range []string{"1", "2", "3", "4", "5"} {
				x.ok(x.store.AddQAReport(x.Context(), report(x, url), 3))
			}
			if got := reports(x, 10); !slices.Equal(got, []string{"5", "4", "3"}) {
				x.Errorf("kept %v, want 5 4 3", got)
			}
			if got := reports(x, 2); !slices.Equal(got, []string{"5", "4"}) {
				x.Errorf("the newest two: %v", got)
			}
			if got := reports(other, 10); !slices.Equal(got, []string{"theirs"}) {
				x.Errorf("another account's: %v", got)
			}
		},
		"comes back as it went in": func(x subject) {
			r := report(x, "https://h5.example.com/页?a=1&b='\"\\😀")
			r.UserAgent, r.Detail = strings.Repeat("é", 512), strings.Repeat("错", 2000)
			from := x.now()
			x.ok(x.store.AddQAReport(x.Context(), r, 1))
			got, _, err := x.store.QAReports(x.Context(), model.QAFilter{AppID: x.appID}, 0, 1)
			x.ok(err)
			if got[0].CreatedMs < from || got[0].ID == 0 {
				x.Errorf("id %d, created %d, written at %d", got[0].ID, got[0].CreatedMs, from)
			}
			r.ID, r.CreatedMs = got[0].ID, got[0].CreatedMs
			if diff := cmp.Diff([]model.QAReport{r}, got); diff != "" {
				x.Errorf("(-want +got):\n%s", diff)
			}
		},
	}
}

func report(x subject, url string) model.QAReport {
	return model.QAReport{
		AppID: x.appID, Profile: "default", PageURL: url,
		UserAgent: "MicroMessenger", Client: "android", Verdict: "ok", Detail: "[]",
	}
}

// reports are the page URLs of the newest reports.
func reports(x subject, limit int) []string {
	x.Helper()
	rows, _, err := x.store.QAReports(x.Context(), model.QAFilter{AppID: x.appID}, 0, limit)
	x.ok(err)
	var urls []string
	for _, r := range rows {
		urls = append(urls, r.PageURL)
	}
	return urls
}
