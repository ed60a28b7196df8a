package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/history"
)

// Regression: while the renewal of a dead token fails, each attempt has the trigger
// of the loss; a screenful of them hid it, and the page said that nothing was lost.
func TestLossBehindManyFailures(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	rows := []model.History{{
		AppID: "wx", Kind: "access_token", Version: 7, TriggerName: model.TriggerReport, Outcome: model.OutcomeFailed,
		Errcode: 40001, Fingerprint: "0badcafe",
	}}
	for range 250 {
		rows = append(rows, model.History{
			AppID: "wx", Kind: "access_token", Version: 7, TriggerName: model.TriggerReport, Outcome: model.OutcomeFailed, Errcode: 40125,
		})
	}
	write(t, store, rows...)
	losses, more, err := desk.Losses(t.Context(), "")
	if err != nil || more || len(losses) != 1 || losses[0].Found.Version != 7 {
		t.Errorf("%d losses, more %v, %v", len(losses), more, err)
	}
	for i := range 1200 {
		h := rows[1]
		h.AttemptID, h.AtMs = fmt.Sprint("later ", i), int64(10_000+i)
		must(t, store.AddHistory(t.Context(), h))
	}
	if losses, more, err = desk.Losses(t.Context(), ""); err != nil || !more || len(losses) != 0 {
		t.Errorf("behind too many: %d losses, more %v, %v; it must not look as if there were none", len(losses), more, err)
	}
}

// Regression: a token that a person's refresh found dead was no loss. An attempt
// that brought a value and dropped it is none.
func TestLossFoundByAPerson(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	found := model.History{
		AppID: "wx", Kind: "access_token", Version: 3, TriggerName: model.TriggerManual, Outcome: model.OutcomeFailed,
		Errcode: 40001, Fingerprint: "0badcafe",
	}
	dropped := found
	dropped.Errcode, dropped.Version = 0, 4
	write(t, store, found, dropped)
	losses, more, err := desk.Losses(t.Context(), "wx")
	if err != nil || more || len(losses) != 1 || losses[0].Found.Version != 3 {
		t.Errorf("%+v, more %v, %v", losses, more, err)
	}
}

// A token that a caller's report found dead has no live value from then on; what is
// written late, of the value before, ends nothing.
func TestTimelineEndsWithAReport(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 30, 0, 0, shanghai)
	desk, add := deskAt(t, now)
	at := func(minutes int) int64 { return now.Add(-time.Duration(minutes) * time.Minute).UnixMilli() }
	add(model.History{
		Kind: "access_token", AtMs: at(60), Outcome: model.OutcomeRenewed, ExpiresMs: at(-60), TriggerName: model.TriggerSchedule, Version: 3,
	})
	for _, version := range []int64{2, 3} {
		add(model.History{
			Kind: "access_token", AtMs: at(70 - 10*int(version)), Outcome: model.OutcomeFailed, Errcode: 40001,
			TriggerName: model.TriggerReport, Version: version,
		})
	}
	got, err := desk.Timeline(t.Context(), "wx", []string{"access_token"}, history.SpanNamed("24h"), shanghai)
	must(t, err)
	if longest := got.Lanes[0].Longest; longest != 40*time.Minute {
		t.Errorf("without a value for at most %s, want 40 min", longest)
	}
}
