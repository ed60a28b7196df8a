package history_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/history"
)

// shanghai is the place of the pages in these tests.
var shanghai = time.FixedZone("CST", 8*3600)

// deskAt is a desk whose database clock stands.
func deskAt(t *testing.T, now time.Time) (*history.Desk, func(h model.History)) {
	t.Helper()
	store, err := model.Open(model.Options{
		Driver: model.SQLite, DSN: filepath.Join(t.TempDir(), "wxsign.db"), NowMS: fmt.Sprint(now.UnixMilli()),
	})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	_, err = store.MigrateUp(t.Context())
	must(t, err)
	desk, err := history.New(store)
	must(t, err)
	n := 0
	return desk, func(h model.History) {
		t.Helper()
		n++
		h.AttemptID, h.AppID = fmt.Sprint(n), "wx"
		must(t, store.AddHistory(t.Context(), h))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 30, 0, 0, shanghai)
	ago := func(hours float64) time.Time { return now.Add(-time.Duration(hours * float64(time.Hour))) }
	desk, add := deskAt(t, now)
	renewed := func(kind string, hours float64) {
		add(model.History{
			Kind: kind, AtMs: ago(hours).UnixMilli(), Outcome: model.OutcomeRenewed, ExpiresMs: ago(hours - 2).UnixMilli(),
			TriggerName: model.TriggerSchedule, Version: 3, LatencyMs: 40,
		})
	}
	renewed("access_token", 25) // before the span, alive in it
	renewed("access_token", 23.5)
	renewed("access_token", 18) // 3.5 h without a value before
	add(model.History{Kind: "access_token", AtMs: ago(20).UnixMilli(), Outcome: model.OutcomeFailed, Errcode: 40164, TriggerName: model.TriggerSchedule})
	add(model.History{Kind: "access_token", AtMs: ago(17).UnixMilli(), Outcome: model.OutcomeFailed, Errcode: 40001, TriggerName: model.TriggerProbe, Version: 3}) // found dead
	add(model.History{Kind: "access_token", AtMs: ago(16.5).UnixMilli(), Outcome: model.OutcomeRenewed, ExpiresMs: ago(0.5).UnixMilli(), TriggerName: model.TriggerProbe, Version: 4})
	add(model.History{Kind: "access_token", AtMs: ago(16).UnixMilli(), Outcome: model.OutcomeRefused, TriggerName: model.TriggerReport})
	add(model.History{Kind: "access_token", AtMs: ago(15).UnixMilli(), Outcome: model.OutcomeUnchanged, ExpiresMs: ago(0.5).UnixMilli(), TriggerName: model.TriggerManual})
	renewed("wx_card", 25) // not kept any more, and nothing of it in the span

	got, err := desk.Timeline(t.Context(), "wx", []string{"access_token", "jsapi"}, history.SpanNamed("24h"), shanghai)
	must(t, err)
	if !got.To.Equal(now) || !got.From.Equal(ago(24)) || !got.Cut.IsZero() || len(got.Lanes) != 2 || got.Lanes[1].Kind != "jsapi" {
		t.Fatalf("timeline %+v", got)
	}
	lane := got.Lanes[0]
	wantLives := []history.Stretch{{ago(24), ago(21.5)}, {ago(18), ago(17)}, {ago(16.5), ago(0.5)}}
	if diff := cmp.Diff(wantLives, lane.Lives, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("lives (-want +got):\n%s", diff)
	}
	if lane.Longest != 210*time.Minute || lane.Without != (210+30+30)*time.Minute {
		t.Errorf("without a value for %s, at most %s", lane.Without, lane.Longest)
	}
	if want := (history.Counts{Renewed: 3, Unchanged: 1, Failed: 2, Refused: 1}); got.Total() != want {
		t.Errorf("total %+v, want %+v", got.Total(), want)
	}
	if m := lane.Moments[0]; !m.At.Equal(ago(23.5)) || m.Version != 3 || m.Latency != 40*time.Millisecond || m.Trigger != "schedule" {
		t.Errorf("the first moment: %+v", m)
	}
	var slots []string
	for _, s := range got.Slots {
		slots = append(slots, fmt.Sprintf("%s–%s %v %d", s.From.Format("02 15:04"), s.To.Format("15:04"), s.Counts, s.Errcode))
	}
	want := []string{
		"19 13:00–14:00 {1 0 0 0} 0", "19 16:00–17:00 {0 0 1 0} 40164", "19 18:00–19:00 {1 0 0 0} 0", "19 19:00–20:00 {0 0 1 0} 40001",
		"19 20:00–21:00 {1 0 0 1} 0", "19 21:00–22:00 {0 1 0 0} 0",
	}
	if diff := cmp.Diff(want, slots); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if lane := got.Lanes[1]; lane.Longest != 0 || len(lane.Lives) != 0 {
		t.Errorf("a credential without any history: %+v", lane)
	}
}

// busy is a store of an account that fails every second, and always has.
type busy struct{ *model.Store }

func (b busy) AttemptBefore(ctx context.Context, _ string, _ int64, skip int) (int64, error) {
	now, err := b.Now(ctx)
	return now - int64(skip)*1000, err
}

func (b busy) Timeline(_ context.Context, q model.TimelineQuery) ([]model.Moment, error) {
	var rows []model.Moment
	for at := q.ToMs - 1; at >= q.FromMs && len(rows) < q.Limit; at -= q.StepMs {
		first := max(q.FromMs, at-q.StepMs+1000)
		rows = append(rows, model.Moment{
			AtMs: at, FirstMs: first, Count: (at-first)/1000 + 1, Kind: "jsapi", Outcome: model.OutcomeFailed, TriggerName: model.TriggerSchedule,
		})
	}
	return rows, nil
}

// A busy account: of many attempts that are alike one moment is made, the newest
// of very many are read, and the page says from when on.
func TestTimelineOfABusyAccount(t *testing.T) {
	t.Parallel()
	_, store := newDesk(t)
	desk, err := history.New(busy{store})
	must(t, err)
	got, err := desk.Timeline(t.Context(), "wx", []string{"jsapi"}, history.SpanNamed("90d"), time.UTC)
	must(t, err)
	failed, moments := got.Total().Failed, len(got.Lanes[0].Moments)
	if span := got.To.Sub(got.Cut).Round(time.Second); failed != int(span.Seconds())+1 || failed < 10_000 {
		t.Errorf("%d failures in the %s before %v", failed, span, got.To)
	}
	if got.Step != 80*time.Second || moments != 151 {
		t.Errorf("%d moments of %s each", moments, got.Step)
	}
	sum := 0
	for _, s := range got.Slots {
		sum += s.Failed
	}
	if sum != failed || got.Slots[0].From.After(got.Cut) {
		t.Errorf("%d failures, %d of them in the slots %+v", failed, sum, got.Slots)
	}
}

// Days are those of the place, weeks end now, and a change of the clocks loses
// no attempt.
func TestTimelineSlots(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	now := time.Date(2026, 10, 27, 9, 0, 0, 0, berlin) // clocks went back on the 25th
	for name, want := range map[string]int{"7d": 8, "30d": 31, "90d": 13, "24h": 25} {
		desk, add := deskAt(t, now)
		span := history.SpanNamed(name)
		n := 0
		for at := now.Add(-span.Long); at.Before(now); at = at.Add(span.Long / 200) {
			add(model.History{Kind: "jsapi", AtMs: at.UnixMilli(), Outcome: model.OutcomeFailed, TriggerName: model.TriggerSchedule})
			n++
		}
		got, err := desk.Timeline(t.Context(), "wx", nil, span, berlin)
		must(t, err)
		sum := 0
		for i, s := range got.Slots {
			sum += s.Failed
			if !s.To.After(s.From) || i > 0 && !s.From.Equal(got.Slots[i-1].To) {
				t.Errorf("%s: slot %d is %v–%v", name, i, s.From, s.To)
			}
		}
		if sum != n || len(got.Slots) > want || len(got.Slots) < want-1 {
			t.Errorf("%s: %d of %d attempts in %d slots, want %d", name, sum, n, len(got.Slots), want)
		}
	}
	if history.SpanNamed("a year").Name != "24h" {
		t.Error("a span that is none")
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	for appID, name := range map[string]string{
		"wx1": "Shop", "wx2": "shop two", "wx3": "SHOP three", "wx4": "商城", "xy5": "a shop",
		"xy6": "%_", "xy7": "",
	} {
		must(t, store.InsertAccount(t.Context(), model.Account{
			AppID: appID, Name: name, Origin: model.OriginFile, Enabled: true,
			SecretEnc: []byte("x"),
		}, []string{"access_token"}))
	}
	for text, want := range map[string]string{
		"shop": "wx1 wx2 wx3", "SHOP": "wx1 wx2 wx3", "wx": "wx1 wx2 wx3 wx4", "WX1": "wx1",
		"商": "wx4", "%": "xy6", "_": "", "zzz": "", "wx1 ": "",
	} {
		found, err := desk.Search(t.Context(), text)
		must(t, err)
		got := ""
		for _, a := range found.List {
			got += " " + a.AppID
		}
		if want := want; got != "" && got[1:] != want || got == "" && want != "" {
			t.Errorf("%q finds %q, want %q", text, got, want)
		}
		if found.Now.IsZero() || found.More {
			t.Errorf("%q: now %v, more %v", text, found.Now, found.More)
		}
	}
	for i := range 40 {
		must(t, store.InsertAccount(t.Context(), model.Account{AppID: fmt.Sprintf("many%02d", i), Origin: model.OriginFile, SecretEnc: []byte("x")}, []string{"access_token"}))
	}
	if found, err := desk.Search(t.Context(), "many"); err != nil || len(found.List) != 30 || !found.More {
		t.Errorf("of 40 accounts %d are shown, more %v, %v", len(found.List), found.More, err)
	}
}
