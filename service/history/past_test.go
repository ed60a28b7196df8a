package history_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/history"
)

// write adds rows, the first the oldest, and returns their ids by version.
func write(t *testing.T, store *model.Store, rows ...model.History) map[int64]int64 {
	t.Helper()
	for i, h := range rows {
		h.AttemptID, h.Actor = fmt.Sprint("attempt ", i), "r"
		if h.AtMs == 0 {
			h.AtMs = int64(1000 + i)
		}
		if err := store.AddHistory(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	page, err := store.HistoryPage(t.Context(), model.HistoryFilter{}, model.HistoryKey{}, len(rows))
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int64]int64{}
	for _, h := range page.Rows {
		ids[h.Version] = h.ID
	}
	return ids
}

func versions(rows []history.Row) (all []int64) {
	for _, r := range rows {
		all = append(all, r.Version)
	}
	return all
}

func TestRow(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	var rows []model.History
	for i := range int64(9) {
		rows = append(rows, model.History{AppID: "wx", Kind: "jsapi", Version: i + 1, Outcome: model.OutcomeRenewed, AtMs: 1000 + i/2})
	}
	rows = append(rows, model.History{AppID: "wx", Kind: "access_token", Version: 100},
		model.History{AppID: "other", Kind: "jsapi", Version: 101})
	ids := write(t, store, rows...)
	for version, want := range map[int64][2][]int64{
		5: {{8, 7, 6}, {4, 3, 2}}, 1: {{4, 3, 2}, nil}, 9: {nil, {8, 7, 6}}, 2: {{5, 4, 3}, {1}}, 100: {nil, nil},
	} {
		detail, err := desk.Row(t.Context(), ids[version])
		if err != nil || detail.Row.Version != version {
			t.Fatalf("row %d: %+v, %v", version, detail.Row, err)
		}
		if diff := cmp.Diff(want, [2][]int64{versions(detail.After), versions(detail.Prior)}); diff != "" {
			t.Errorf("around %d: %s", version, diff)
		}
	}
	if _, err := desk.Row(t.Context(), 999); !errors.Is(err, history.ErrNoRow) {
		t.Errorf("no row: %v", err)
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	write(t, store, make([]model.History, 3)...)
	seen := 0
	err := desk.Each(t.Context(), history.Filter{}, func(rows []history.Row) error {
		seen += len(rows)
		return nil
	})
	if err != nil || seen != 3 {
		t.Errorf("%d rows, %v", seen, err)
	}
	enough := errors.New("enough")
	if err := desk.Each(t.Context(), history.Filter{}, func([]history.Row) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the reader's own end: %v", err)
	}
}

// Only so many exports run at once, and one that ends makes room.
func TestExportsAtOnce(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	write(t, store, model.History{})
	inside, leave, done := make(chan struct{}), make(chan struct{}), make(chan error)
	const most = 3
	for range most {
		go func() {
			done <- desk.Each(context.Background(), history.Filter{}, func([]history.Row) error {
				inside <- struct{}{}
				<-leave
				return nil
			})
		}()
		<-inside
	}
	nothing := func([]history.Row) error { return nil }
	if err := desk.Each(t.Context(), history.Filter{}, nothing); !errors.Is(err, history.ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	close(leave)
	for range most {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := desk.Each(t.Context(), history.Filter{}, nothing); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestLosses(t *testing.T) {
	t.Parallel()
	desk, store := newDesk(t)
	dead := func(version int64, trigger string) model.History {
		return model.History{
			AppID: "wx", Kind: "access_token", Version: version, TriggerName: trigger, Outcome: model.OutcomeFailed, Errcode: 40001, Fingerprint: "0badcafe",
		}
	}
	born := func(version int64) model.History {
		return model.History{
			AppID: "wx", Kind: "access_token", Version: version, TriggerName: "schedule", Outcome: model.OutcomeRenewed,
			ExpiresMs: 9000,
		}
	}
	failed := dead(8, model.TriggerReport)
	failed.Fingerprint = "" // an attempt to renew
	ticket := dead(3, model.TriggerReport)
	ticket.Kind = "jsapi"
	write(t, store, born(7), dead(7, model.TriggerProbe), failed, born(8), ticket, dead(8, model.TriggerReport))
	losses, more, err := desk.Losses(t.Context(), "")
	if err != nil || more || len(losses) != 2 {
		t.Fatalf("%d losses, more %v, %v", len(losses), more, err)
	}
	first, second := losses[1], losses[0]
	if first.Found.Version != 7 || first.Born.Version != 7 || first.Next.Version != 8 || !first.Born.At.Before(first.Found.At) {
		t.Errorf("the first: %+v", first)
	}
	if second.Found.Version != 8 || second.Born.Version != 8 || !second.Next.At.IsZero() {
		t.Errorf("the second: %+v", second)
	}
	if losses, _, err = desk.Losses(t.Context(), "nobody"); err != nil || len(losses) != 0 {
		t.Errorf("of nobody: %d, %v", len(losses), err)
	}
	for version := range int64(25) {
		h := dead(100+version, model.TriggerReport)
		h.AttemptID, h.AtMs = fmt.Sprint("more ", version), 5000+version
		if err := store.AddHistory(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	if losses, more, err = desk.Losses(t.Context(), "wx"); err != nil || !more || len(losses) != 20 || losses[0].Found.Version != 124 {
		t.Errorf("of many: %d, more %v, %v", len(losses), more, err)
	}
}
