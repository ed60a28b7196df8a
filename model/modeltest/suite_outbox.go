package modeltest

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func deliveryCases() map[string]func(subject) {
	return map[string]func(subject){
		"comes back as it went in":           deliveryRoundTrip,
		"an event once per channel":          deliveryOnce,
		"one winner per claim":               deliveryRace,
		"a claim ends by itself":             deliveryLease,
		"only its holder ends a claim":       deliveryGuard,
		"a released claim does not count":    deliveryRelease,
		"tried again after the back-off":     deliveryRetry,
		"what is done is due no more":        deliveryDone,
		"asked for again, it is as new":      deliveryRequeue,
		"pages, the newest first":            deliveryPages,
		"all that was given up, again":       deliveryRequeueFailed,
		"a cursor begins once and goes on":   cursorMoves,
		"a cursor left behind begins afresh": cursorBegins,
	}
}

// delivery is one of the subject's own: its channel has the name of its account.
func (x subject) delivery() model.Delivery {
	return model.Delivery{Channel: x.appID, EventID: id(), EventType: "credential.renewed", AtMs: 7, Body: "{}"}
}

// queued adds a delivery and reads it back.
func (x subject) queued() model.DeliveryNow {
	x.Helper()
	d := x.delivery()
	x.yes(x.store.AddDelivery(x.Context(), d))
	for _, row := range x.dueDeliveries() {
		if row.EventID == d.EventID {
			return row
		}
	}
	x.Fatal("a new delivery is not due")
	return model.DeliveryNow{}
}

func (x subject) dueDeliveries() []model.DeliveryNow {
	x.Helper()
	rows, err := x.store.DueDeliveries(x.Context(), x.appID, 100)
	x.ok(err)
	return rows
}

// newest is the subject's newest delivery.
func (x subject) newest() model.Delivery {
	x.Helper()
	rows, _, err := x.store.DeliveryPage(x.Context(), model.DeliveryFilter{Channel: x.appID}, model.DeliveryKey{}, 1)
	x.ok(err)
	if len(rows) == 0 {
		x.Fatal("there is no delivery")
	}
	return rows[0]
}

func grantOfDelivery(d model.DeliveryNow, holder string) model.DeliveryGrant {
	return model.DeliveryGrant{ID: d.ID, Fence: d.Fence, Holder: holder}
}

func deliveryRoundTrip(x subject) {
	from := x.now()
	d := x.delivery()
	d.Body = `{"text":"` + strings.Repeat("错😀'\\", 1000) + `"}`
	x.yes(x.store.AddDelivery(x.Context(), d))
	got := x.newest()
	if got.CreatedMs < from || got.QueuedMs != got.CreatedMs || got.NextMs != got.CreatedMs || got.ID == 0 {
		x.Errorf("created %d, queued %d, due %d, written at %d, id %d", got.CreatedMs, got.QueuedMs, got.NextMs, from, got.ID)
	}
	d.ID, d.CreatedMs, d.QueuedMs, d.NextMs, d.State = got.ID, got.CreatedMs, got.QueuedMs, got.NextMs, model.DeliveryPending
	if diff := cmp.Diff(d, got); diff != "" {
		x.Errorf("(-want +got):\n%s", diff)
	}
}

func deliveryOnce(x subject) {
	d := x.delivery()
	var added atomic.Int64
	var race sync.WaitGroup
	for range 4 {
		race.Go(func() {
			if yes, err := x.store.AddDelivery(x.Context(), d); err != nil {
				x.Error(err)
			} else if yes {
				added.Add(1)
			}
		})
	}
	race.Wait()
	if added.Load() != 1 || len(x.dueDeliveries()) != 1 {
		x.Errorf("added %d times, %d rows; want 1 of each", added.Load(), len(x.dueDeliveries()))
	}
	other := newSubject(x.TB, x.store)
	d.Channel = other.appID
	x.yes(x.store.AddDelivery(x.Context(), d))
}

func deliveryRace(x subject) {
	row := x.queued()
	var won atomic.Int64
	var race sync.WaitGroup
	for i := range 6 {
		race.Go(func() {
			if yes, err := x.store.ClaimDelivery(x.Context(), grantOfDelivery(row, strings.Repeat("r", i+1)), lease); err != nil {
				x.Error(err)
			} else if yes {
				won.Add(1)
			}
		})
	}
	race.Wait()
	if got := x.newest(); won.Load() != 1 || got.Fence != 1 || got.Attempts != 1 {
		x.Errorf("%d winners, fence %d, %d attempts; want 1 of each", won.Load(), got.Fence, got.Attempts)
	}
	if due := x.dueDeliveries(); len(due) != 0 {
		x.Errorf("claimed, and %d due", len(due))
	}
}

func deliveryLease(x subject) {
	row := x.queued()
	lost := grantOfDelivery(row, "dead")
	x.yes(x.store.ClaimDelivery(x.Context(), lost, 0))
	row = x.dueDeliveries()[0]
	x.yes(x.store.ClaimDelivery(x.Context(), grantOfDelivery(row, "alive"), lease))
	x.no(x.store.EndDelivery(x.Context(), lost, model.DeliveryEnd{State: model.DeliveryFailed, Error: "late"}))
	x.no(x.store.ReleaseDelivery(x.Context(), lost))
	if got := x.newest(); got.State != model.DeliveryPending || got.Holder != "alive" || got.Attempts != 2 || got.LastError != "" {
		x.Errorf("%+v", got)
	}
}

func deliveryGuard(x subject) {
	row := x.queued()
	mine, others := grantOfDelivery(row, "mine"), grantOfDelivery(row, "others")
	x.no(x.store.EndDelivery(x.Context(), mine, model.DeliveryEnd{State: model.DeliverySent})) // not claimed yet
	x.yes(x.store.ClaimDelivery(x.Context(), mine, lease))
	x.no(x.store.EndDelivery(x.Context(), others, model.DeliveryEnd{State: model.DeliverySent}))
	x.yes(x.store.EndDelivery(x.Context(), mine, model.DeliveryEnd{State: model.DeliverySent}))
	x.no(x.store.EndDelivery(x.Context(), mine, model.DeliveryEnd{State: model.DeliveryFailed}))
}

func deliveryRelease(x subject) {
	g := grantOfDelivery(x.queued(), "replica")
	x.yes(x.store.ClaimDelivery(x.Context(), g, lease))
	x.yes(x.store.ReleaseDelivery(x.Context(), g))
	if due := x.dueDeliveries(); len(due) != 1 || due[0].Attempts != 0 || due[0].Holder != "" {
		x.Errorf("%+v", due)
	}
}

func deliveryRetry(x subject) {
	g := grantOfDelivery(x.queued(), "replica")
	x.yes(x.store.ClaimDelivery(x.Context(), g, lease))
	x.yes(x.store.EndDelivery(x.Context(), g, model.DeliveryEnd{
		State: model.DeliveryPending, BackoffMs: hour, Error: "bad \xff byte " + strings.Repeat("错", 600),
	}))
	got := x.newest()
	if wait := got.NextMs - got.CreatedMs; wait < hour || got.DoneMs != 0 || got.Attempts != 1 {
		x.Errorf("due after %d ms, done %d, %d attempts", wait, got.DoneMs, got.Attempts)
	}
	if len([]rune(got.LastError)) != 512 || !strings.HasPrefix(got.LastError, "bad \uFFFD byte 错") {
		x.Errorf("error %.40q… of %d letters", got.LastError, len([]rune(got.LastError)))
	}
	if due := x.dueDeliveries(); len(due) != 0 {
		x.Errorf("%d due in the back-off", len(due))
	}
	if due, err := x.store.DueChannels(x.Context(), []string{x.appID, "nobody"}); err != nil || len(due) != 0 {
		x.Errorf("due channels %v, %v", due, err)
	}
}

func deliveryDone(x subject) {
	for _, state := range []string{model.DeliverySent, model.DeliveryFailed} {
		g := grantOfDelivery(x.queued(), "replica")
		if due, err := x.store.DueChannels(x.Context(), []string{x.appID, "nobody"}); err != nil || !slices.Equal(due, []string{x.appID}) {
			x.Errorf("due channels %v, %v", due, err)
		}
		x.yes(x.store.ClaimDelivery(x.Context(), g, lease))
		x.yes(x.store.EndDelivery(x.Context(), g, model.DeliveryEnd{State: state}))
		g.Fence++
		x.no(x.store.ClaimDelivery(x.Context(), g, lease))
		of := model.DeliveryFilter{Channel: x.appID, State: state}
		if rows, _, err := x.store.DeliveryPage(x.Context(), of, model.DeliveryKey{}, 9); err != nil ||
			len(rows) != 1 || rows[0].DoneMs < rows[0].CreatedMs || rows[0].ID != g.ID {
			x.Errorf("%s: %+v, %v", state, rows, err)
		}
		if due := x.dueDeliveries(); len(due) != 0 {
			x.Errorf("%s: %d due", state, len(due))
		}
	}
}

func deliveryRequeue(x subject) {
	row := x.queued()
	x.no(x.store.RequeueDelivery(x.Context(), row.ID)) // on its way
	x.no(x.store.RequeueDelivery(x.Context(), -1))
	g := grantOfDelivery(row, "replica")
	x.yes(x.store.ClaimDelivery(x.Context(), g, lease))
	x.yes(x.store.EndDelivery(x.Context(), g, model.DeliveryEnd{State: model.DeliveryFailed, Error: "refused"}))
	x.yes(x.store.RequeueDelivery(x.Context(), row.ID))
	due := x.dueDeliveries()
	if len(due) != 1 || due[0].Attempts != 0 || due[0].LastError != "" || due[0].DoneMs != 0 || due[0].Fence != 1 {
		x.Fatalf("%+v", due)
	}
	x.yes(x.store.ClaimDelivery(x.Context(), grantOfDelivery(due[0], "replica"), lease))
}

func (x subject) cursor() model.Cursor {
	x.Helper()
	cursors, now, err := x.store.Cursors(x.Context(), []string{x.appID, "nobody"})
	x.ok(err)
	if now < x.row(token).UpdatedMs || len(cursors) > 1 {
		x.Fatalf("%d cursors at %d", len(cursors), now)
	}
	if len(cursors) == 0 {
		return model.Cursor{}
	}
	return cursors[0]
}

func cursorMoves(x subject) {
	for _, at := range []int64{100, 200} { // another replica came second
		x.ok(x.store.BeginCursor(x.Context(), x.appID, model.Cursor{}, at))
	}
	for _, at := range []int64{300, 250} { // a replica that is slower
		x.ok(x.store.MoveCursors(x.Context(), []string{x.appID, "nobody"}, at))
	}
	if got, want := x.cursor(), (model.Cursor{Channel: x.appID, BeginMs: 100, AtMs: 300}); got != want {
		x.Errorf("%+v, want %+v", got, want)
	}
}

func cursorBegins(x subject) {
	x.ok(x.store.BeginCursor(x.Context(), x.appID, model.Cursor{}, 100))
	was := x.cursor()
	x.ok(x.store.BeginCursor(x.Context(), x.appID, was, 1000))
	x.ok(x.store.BeginCursor(x.Context(), x.appID, was, 2000)) // another replica, too late
	if got, want := x.cursor(), (model.Cursor{Channel: x.appID, BeginMs: 1000, AtMs: 1000}); got != want {
		x.Errorf("%+v, want %+v", got, want)
	}
}

func deliveryPurgeCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"deliveries are counted, given up and purged": func(t *testing.T, s *model.Store) {
			t.Helper()
			x := newSubject(t, s)
			for _, state := range []string{model.DeliverySent, model.DeliveryFailed} {
				g := grantOfDelivery(x.queued(), "replica")
				x.yes(s.ClaimDelivery(t.Context(), g, lease))
				x.yes(s.EndDelivery(t.Context(), g, model.DeliveryEnd{State: state}))
			}
			waiting := x.queued()
			counts, err := s.DeliveryCounts(t.Context())
			x.ok(err)
			for i := range counts {
				if counts[i].OldestMs == 0 {
					t.Errorf("%+v without an instant", counts[i])
				}
				counts[i].OldestMs = 0
			}
			if diff := cmp.Diff([]model.DeliveryCount{
				{Channel: x.appID, State: model.DeliveryFailed, Count: 1}, {Channel: x.appID, State: model.DeliveryPending, Count: 1},
			}, counts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			later := x.now() + hour
			for _, step := range []struct {
				name string
				do   func() (int64, error)
				want int64
			}{
				{"of a known channel", func() (int64, error) { return s.AbandonDeliveries(t.Context(), []string{x.appID}, later, "gone") }, 0},
				{"too young", func() (int64, error) { return s.AbandonDeliveries(t.Context(), nil, waiting.QueuedMs, "gone") }, 0},
				{"abandoned", func() (int64, error) { return s.AbandonDeliveries(t.Context(), nil, later, "gone") }, 1},
				{"sent too late", func() (int64, error) {
					return s.PurgeDeliveries(t.Context(), model.DeliverySent, waiting.CreatedMs-hour)
				}, 0},
				{"sent", func() (int64, error) { return s.PurgeDeliveries(t.Context(), model.DeliverySent, later) }, 1},
				{"failed", func() (int64, error) { return s.PurgeDeliveries(t.Context(), model.DeliveryFailed, later) }, 2},
				{"nothing left", func() (int64, error) { return s.PurgeDeliveries(t.Context(), model.DeliveryFailed, later) }, 0},
			} {
				if n, err := step.do(); err != nil || n != step.want {
					t.Errorf("%s: %d, %v; want %d", step.name, n, err, step.want)
				}
			}
		},
	}
}

// deliveryPages reads three deliveries of two states in pages of two.
func deliveryPages(x subject) {
	var ids []int64
	for i := range 3 {
		row := x.queued()
		ids = append(ids, row.ID)
		if i == 1 {
			continue // waits
		}
		g := grantOfDelivery(row, "replica")
		x.yes(x.store.ClaimDelivery(x.Context(), g, lease))
		x.yes(x.store.EndDelivery(x.Context(), g, model.DeliveryEnd{State: model.DeliverySent}))
	}
	page := func(f model.DeliveryFilter, after model.DeliveryKey) (got []int64, next *model.DeliveryKey) {
		f.Channel = x.appID
		rows, next, err := x.store.DeliveryPage(x.Context(), f, after, 2)
		if err != nil {
			x.Fatal(err)
		}
		for _, row := range rows {
			got = append(got, row.ID)
		}
		return got, next
	}
	got, next := page(model.DeliveryFilter{}, model.DeliveryKey{})
	if next == nil || !slices.Equal(got, []int64{ids[2], ids[1]}) {
		x.Fatalf("the first page is %v, next %v; added were %v", got, next, ids)
	}
	if got, next = page(model.DeliveryFilter{}, *next); next != nil || !slices.Equal(got, []int64{ids[0]}) {
		x.Errorf("the second page is %v, next %v", got, next)
	}
	if got, next = page(model.DeliveryFilter{State: model.DeliverySent}, model.DeliveryKey{}); next != nil ||
		!slices.Equal(got, []int64{ids[2], ids[0]}) {
		x.Errorf("sent are %v, next %v", got, next)
	}
	if _, err := x.store.Delivery(x.Context(), -1); !errors.Is(err, model.ErrNotFound) {
		x.Errorf("a delivery that is none: %v", err)
	}
	if d, err := x.store.Delivery(x.Context(), ids[1]); err != nil || d.State != model.DeliveryPending || d.Channel != x.appID {
		x.Errorf("%+v, %v", d, err)
	}
}

func deliveryRequeueFailed(x subject) {
	for range 3 {
		g := grantOfDelivery(x.queued(), "replica")
		x.yes(x.store.ClaimDelivery(x.Context(), g, lease))
		x.yes(x.store.EndDelivery(x.Context(), g, model.DeliveryEnd{State: model.DeliveryFailed, Error: "refused"}))
	}
	for _, want := range []int64{2, 1, 0} {
		if n, err := x.store.RequeueFailed(x.Context(), x.appID, 2); err != nil || n != want {
			x.Errorf("again: %d, %v; want %d", n, err, want)
		}
	}
	if due := x.dueDeliveries(); len(due) != 3 || due[0].LastError != "" || due[0].Attempts != 0 {
		x.Errorf("%+v", due)
	}
}
