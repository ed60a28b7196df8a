package modeltest

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wxsign/wxsign/model"
)

func alertCases() map[string]func(subject) {
	return map[string]func(subject){
		"one alert per trouble":       alertRace,
		"seen, absent, cleared, anew": alertLife,
		"critical is told again":      alertWorse,
		"acknowledged once":           alertAck,
		"what is told is told once":   alertTold,
		"an untold alert ends untold": alertUntold,
		"a credential in trouble":     alertAiling,
		"cleared ones come in order":  alertPages,
		"counts those that came back": alertRelapse,
		"seen, but not open":          alertNotOpen,
	}
}

// alert is one of the subject's own.
func (x subject) alert() model.Alert {
	return model.Alert{
		EventID: id()[:26], AlertKey: "refused " + x.appID, Name: "refused", Severity: model.SeverityWarning, AppID: x.appID, Kind: token,
		Facts: `{"text":"不在白名单"}`, SinceMs: 7, Tell: model.TellRaised,
	}
}

// opened adds an alert and reads it back.
func (x subject) opened(change func(a *model.Alert)) model.Alert {
	x.Helper()
	a := x.alert()
	if change != nil {
		change(&a)
	}
	x.yes(x.store.AddAlert(x.Context(), a))
	open, err := x.store.OpenAlerts(x.Context(), 1000)
	x.ok(err)
	for _, row := range open {
		if row.EventID == a.EventID {
			return row
		}
	}
	x.Fatal("a new alert is not open")
	return a
}

func (x subject) alertNow(id int64) model.Alert {
	x.Helper()
	a, err := x.store.Alert(x.Context(), id)
	x.ok(err)
	return a
}

func alertRace(x subject) {
	var won atomic.Int32
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if added, err := x.store.AddAlert(x.Context(), x.alert()); err != nil {
				x.Error(err)
			} else if added {
				won.Add(1)
			}
		})
	}
	group.Wait()
	if won.Load() != 1 {
		x.Errorf("%d alerts of one trouble", won.Load())
	}
}

func alertLife(x subject) {
	a := x.opened(func(a *model.Alert) { a.CalmMs = hour })
	if a.Facts != x.alert().Facts || a.RaisedMs == 0 || a.SinceMs != 7 {
		x.Errorf("%+v", a)
	}
	x.no(x.store.AlertAbsent(x.Context(), a.ID))
	if x.alertNow(a.ID).AbsentMs == 0 {
		x.Error("it is not noted that the trouble is absent")
	}
	x.yes(x.store.AlertSeen(x.Context(), x.alert()))
	if now := x.alertNow(a.ID); now.AbsentMs != 0 || now.ClearedMs != 0 {
		x.Errorf("%+v", now)
	}
	x.no(x.store.AddAlert(x.Context(), x.alert()))
}

func alertWorse(x subject) {
	a := x.opened(nil)
	x.yes(x.store.AlertTold(x.Context(), a.ID, model.TellRaised))
	x.yes(x.store.AckAlert(x.Context(), a.ID, "li.wei", "mine"))
	same := x.alert()
	x.yes(x.store.AlertSeen(x.Context(), same))
	if now := x.alertNow(a.ID); now.Tell != model.TellNothing || now.AckedMs == 0 {
		x.Errorf("no worse: %+v", now)
	}
	same.Severity = model.SeverityCritical
	x.yes(x.store.AlertSeen(x.Context(), same))
	if now := x.alertNow(a.ID); now.Tell != model.TellRaised || now.AckedMs != 0 || now.Severity != model.SeverityCritical {
		x.Errorf("worse: %+v", now)
	}
	same.Severity = model.SeverityWarning
	x.yes(x.store.AlertSeen(x.Context(), same))
	if now := x.alertNow(a.ID); now.Severity != model.SeverityCritical {
		x.Errorf("better: %+v", now)
	}
}

func alertAck(x subject) {
	a := x.opened(nil)
	x.yes(x.store.AckAlert(x.Context(), a.ID, "li.wei", "mine"))
	x.no(x.store.AckAlert(x.Context(), a.ID, "wang", "no, mine"))
	if now := x.alertNow(a.ID); now.AckedBy != "li.wei" || now.AckNote != "mine" {
		x.Errorf("%+v", now)
	}
	x.yes(x.store.AlertAbsent(x.Context(), a.ID))
	b := x.opened(nil)
	x.yes(x.store.AlertAbsent(x.Context(), b.ID))
	x.no(x.store.AckAlert(x.Context(), b.ID, "wang", "too late"))
}

func alertTold(x subject) {
	a := x.opened(nil)
	x.yes(x.store.AlertTold(x.Context(), a.ID, model.TellRaised))
	x.no(x.store.AlertTold(x.Context(), a.ID, model.TellRaised))
	x.yes(x.store.AlertAbsent(x.Context(), a.ID))
	if now := x.alertNow(a.ID); now.Tell != model.TellCleared || now.ClearedMs == 0 {
		x.Errorf("%+v", now)
	}
	x.yes(x.store.AlertTold(x.Context(), a.ID, model.TellCleared))
}

func alertUntold(x subject) {
	a := x.opened(nil)
	x.yes(x.store.AlertAbsent(x.Context(), a.ID))
	x.no(x.store.AlertAbsent(x.Context(), a.ID))
	if now := x.alertNow(a.ID); now.Tell != model.TellNothing {
		x.Errorf("%+v", now)
	}
}

func alertRelapse(x subject) {
	for want := range 3 {
		n, err := x.store.AlertsCleared(x.Context(), x.alert().AlertKey, hour)
		x.ok(err)
		if n != want {
			x.Errorf("%d cleared, want %d", n, want)
		}
		x.yes(x.store.AlertAbsent(x.Context(), x.opened(nil).ID))
	}
}

func alertNotOpen(x subject) { x.no(x.store.AlertSeen(x.Context(), x.alert())) }

func alertPages(x subject) {
	var want []int64
	for range 5 {
		a := x.opened(nil)
		x.yes(x.store.AlertAbsent(x.Context(), a.ID))
		want = append(want, a.ID)
	}
	var got []int64
	for after := (model.AlertKey{}); ; {
		rows, err := x.store.ClearedAlerts(x.Context(), after, 2)
		x.ok(err)
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			after = model.AlertKey{ClearedMs: row.ClearedMs, ID: row.ID}
			if row.AppID == x.appID {
				got = append([]int64{row.ID}, got...)
			}
		}
	}
	if len(got) != len(want) {
		x.Fatalf("%v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			x.Fatalf("%v, want %v", got, want)
		}
	}
}

func alertAiling(x subject) {
	found := func() (rows []model.Ailing) {
		x.Helper()
		all, err := x.store.Ailing(x.Context(), model.AilingLimits{StableMs: 1000, ClassicMs: 1000, TicketMs: 1000, UnchangedMs: hour}, 2000)
		x.ok(err)
		for _, row := range all {
			if row.AppID == x.appID {
				rows = append(rows, row)
			}
		}
		return rows
	}
	if rows := found(); len(rows) != 0 {
		x.Errorf("not fetched yet: %+v", rows)
	}
	x.fail(token, 0)
	if rows := found(); len(rows) != 1 || rows[0].FailErrcode != 40164 || rows[0].AccountName != "示例" || rows[0].NowMs == 0 {
		x.Errorf("failing: %+v", rows)
	}
	x.publish(-1)
	if rows := found(); len(rows) != 0 {
		x.Errorf("renewed: %+v", rows)
	}
}

func alertStoreCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"one replica has the duty": alertDuty,
		"old alerts are purged":    alertPurge,
	}
}

func alertDuty(t *testing.T, store *model.Store) {
	t.Helper()
	x := subject{TB: t, store: store}
	x.yes(store.TakeAlertDuty(t.Context(), "a", lease))
	x.yes(store.TakeAlertDuty(t.Context(), "a", lease))
	x.no(store.TakeAlertDuty(t.Context(), "b", lease))
	x.ok(store.LeaveAlertDuty(t.Context(), "b"))
	x.no(store.TakeAlertDuty(t.Context(), "b", lease))
	x.ok(store.LeaveAlertDuty(t.Context(), "a"))
	x.yes(store.TakeAlertDuty(t.Context(), "b", 1))
	x.yes(store.TakeAlertDuty(t.Context(), "c", 0)) // b's lease looks far too long by c's measure, or is over
}

func alertPurge(t *testing.T, store *model.Store) {
	t.Helper()
	x := newSubject(t, store)
	a := x.opened(nil)
	n, err := store.PurgeAlerts(t.Context(), -hour)
	x.ok(err)
	if n != 0 {
		t.Error("an open alert is purged")
	}
	counts, err := store.CountAlerts(t.Context())
	x.ok(err)
	if counts != (model.AlertCounts{Open: 1, Unacked: 1}) {
		t.Errorf("%+v", counts)
	}
	x.yes(store.AlertAbsent(t.Context(), a.ID))
	for _, tt := range []struct{ age, want int64 }{{hour, 0}, {-hour, 1}, {-hour, 0}} {
		if n, err = store.PurgeAlerts(t.Context(), tt.age); err != nil || n != tt.want {
			t.Errorf("older than %d ms: %d, %v", tt.age, n, err)
		}
	}
}
