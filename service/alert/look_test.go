package alert_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/alert"
)

// inBubble runs a test in a time of its own.
func inBubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t)) })
}

// Half of the window, a fifth, the end; and one message for each, whatever the
// number of replicas.
func TestExpiring(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a, b, c := w.replica("a"), w.replica("b"), w.replica("c")
		w.account("wxa", "classic")
		w.publish("wxa", "access_token", 30*time.Minute) // a classic token has 15 minutes for its renewal
		w.fail("wxa", "access_token", -1, "system busy — wait")
		w.goOn(20*time.Minute, a, b, c)
		w.expect("")
		w.goOn(5*time.Minute, a, b, c)
		w.expect("raised expiring warning")
		w.goOn(4*time.Minute, a, b, c)
		w.expect("raised expiring critical")
		w.goOn(time.Hour, a, b, c)
		w.expect("")
		w.publish("wxa", "access_token", 24*time.Hour)
		w.goOn(4*time.Minute, a, b, c)
		w.expect("")
		w.goOn(3*time.Minute, a, b, c)
		w.expect("cleared expiring critical")
		if open, _ := a.Counts(); open != 0 {
			t.Errorf("%d are open", open)
		}
	})
}

// WeChat may give the same ticket until its end: asked in good order, that is no
// trouble. Nobody asking is one.
func TestTicketThatWeChatGivesAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		end := time.Now().Add(8 * time.Minute).UnixMilli()
		w.publish("wxa", "access_token", 3*time.Hour)
		w.publish("wxa", "jsapi", 8*time.Minute)
		for range 15 {
			w.again("wxa", "jsapi", end, time.Now().Add(30*time.Second).UnixMilli())
			w.goOn(30*time.Second, a)
			w.expect("")
		}
		w.publish("wxa", "jsapi", 8*time.Minute)
		w.goOn(3*time.Minute, a)
		w.expect("")
		w.goOn(3*time.Minute, a) // and nobody has tried
		w.expect("raised expiring warning")
	})
}

// What needs a person is told at once, with the mend, and not again after each
// failed try.
func TestRefused(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		w.fail("wxa", "access_token", 40164, "errcode 40164: invalid ip 203.0.113.7 — Add 203.0.113.7")
		w.goOn(time.Minute, a)
		w.inbox.mu.Lock()
		if len(w.inbox.events) != 1 {
			t.Fatalf("%d events", len(w.inbox.events))
		}
		e := w.inbox.events[0]
		w.inbox.mu.Unlock()
		if e.Errcode != 40164 || e.Account != "wxa" || e.Kind != "access_token" || !strings.Contains(e.Message, "203.0.113.7") ||
			!strings.Contains(e.Chinese.Do, "IP白名单") || e.Panel == "" || strings.ContainsAny(e.English.What+e.English.Do+e.Chinese.What+e.Chinese.Do, "{}") {
			t.Errorf("%+v", e)
		}
		w.expect("raised refused critical")
		w.fail("wxa", "access_token", 40164, "errcode 40164: invalid ip 203.0.113.7 — Add 203.0.113.7")
		w.goOn(10*time.Minute, a)
		w.expect("")
	})
}

func TestLosses(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "classic")
		w.lost("wxa", 7)
		w.goOn(2*time.Minute, a)
		w.expect("raised overwrite warning")
		for v := range int64(4) {
			w.lost("wxa", 8+v)
			w.goOn(time.Minute, a)
		}
		w.expect("raised rival critical")
		w.goOn(90*time.Minute, a)
		w.expect("cleared rival critical, cleared overwrite warning")
	})
}

// A failed attempt of a probe is not a loss, nor are many that got the dead value
// again.
func TestNoLoss(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		must(t, w.store.AddHistory(t.Context(), model.History{
			AttemptID: "x", AppID: "wxa", Kind: "access_token", TriggerName: model.TriggerProbe, Outcome: model.OutcomeFailed, Errcode: -1, Actor: "r",
		}))
		for i := range 5 {
			must(t, w.store.AddHistory(t.Context(), model.History{
				AttemptID: fmt.Sprint("again ", i), AppID: "wxa", Kind: "access_token", TriggerName: model.TriggerReport, Outcome: model.OutcomeFailed,
				Errmsg: "WeCom gave the dead token again", Fingerprint: "0badcafe", Actor: "r",
			}))
		}
		w.goOn(time.Minute, a)
		w.expect("")
	})
}

func TestSealedQuotaUnchangedBudget(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		for _, appID := range []string{"wxa", "wxb", "wxc"} {
			w.account(appID, "stable")
		}
		w.fail("wxa", "access_token", 0, "a sealed value cannot be opened — Give wxsign the master key")
		w.fail("wxb", "access_token", 45009, "reach max api daily quota — wait")
		g := w.claim("wxc", "access_token")
		year, month, day := time.Now().UTC().Add(8 * time.Hour).Date()
		for range 16 {
			spent, err := w.store.SpendForce(t.Context(), g, model.ForceBudget{Day: year*10000 + int(month)*100 + day, Limit: 20})
			must(t, err)
			if !spent {
				t.Fatal("not spent")
			}
		}
		w.goOn(time.Minute, a)
		got := w.inbox.took()
		for _, want := range []string{"raised sealed critical", "raised quota critical", "raised budget warning"} {
			if !strings.Contains(got, want) {
				t.Errorf("told %q without %q", got, want)
			}
		}
		w.goOn(5*time.Hour, a)
		if got := w.inbox.took(); strings.Count(got, "raised unchanged warning") != 3 {
			t.Errorf("tickets that do not change: %q", got)
		}
	})
}

// Many accounts with the same trouble are one message.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		for i := range 25 {
			appID := fmt.Sprintf("wx%02d", i)
			w.account(appID, "stable")
			w.fail(appID, "access_token", 40164, "errcode 40164: invalid ip — Add it")
		}
		w.goOn(time.Minute, a)
		w.inbox.mu.Lock()
		if len(w.inbox.events) != 1 {
			t.Fatalf("%d events", len(w.inbox.events))
		}
		e := w.inbox.events[0]
		w.inbox.mu.Unlock()
		if e.Account != "" || !strings.Contains(e.English.What, "25 accounts") || !strings.Contains(e.Chinese.Title, "25 个账号") ||
			strings.ContainsAny(e.English.Title+e.English.What+e.English.Means+e.English.Do, "{}") {
			t.Errorf("%+v", e.English)
		}
	})
}

// A trouble that comes and goes is one alert, and needs the longer to be over the
// more often it came back.
func TestFlapping(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		flap := func(pause time.Duration) {
			w.fail("wxa", "access_token", 40164, "x — y")
			w.goOn(time.Minute, a)
			w.publish("wxa", "access_token", 24*time.Hour)
			w.goOn(pause, a)
		}
		for range 5 {
			flap(3 * time.Minute)
		}
		w.expect("raised refused critical")
		w.goOn(5*time.Minute, a)
		w.expect("cleared refused critical")
		flap(7 * time.Minute)
		w.expect("raised refused critical")
		w.goOn(5*time.Minute, a)
		w.expect("cleared refused critical")
	})
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		w.quiet = "23:00-07:00" // a bubble begins at midnight UTC
		a := w.replica("a")
		w.account("wxa", "stable")
		w.lost("wxa", 1)
		w.goOn(time.Hour, a)
		w.expect("") // came and went
		w.fail("wxa", "access_token", 40164, "x — y")
		w.goOn(time.Minute, a)
		w.expect("raised refused critical")
		w.redis = "connection refused"
		w.goOn(5*time.Hour, a)
		w.publish("wxa", "access_token", 24*time.Hour)
		w.publish("wxa", "jsapi", 24*time.Hour)
		w.goOn(30*time.Minute, a)
		w.expect("cleared refused critical")
		w.goOn(time.Hour, a)
		w.expect("raised redis warning")
	})
}

// The duty passes on when its holder dies; what a dead replica saw is over.
func TestHolderDies(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a, b := w.replica("a"), w.replica("b")
		w.account("wxa", "stable")
		a.Note(alert.Purge, errors.New("disk full"))
		w.goOn(time.Minute, a, b)
		w.expect("raised purge warning")
		w.fail("wxa", "access_token", 40164, "x — y")
		w.goOn(3*time.Minute, b)
		w.expect("raised refused critical")
		w.goOn(8*time.Minute, b)
		w.expect("cleared purge warning")
		must(t, b.Leave(t.Context()))
	})
}

// Without a database the receivers are told directly, and once.
func TestOutage(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.goOn(time.Minute, a)
		w.down = time.Second
		w.goOn(30*time.Second, a)
		w.expect("")
		w.goOn(10*time.Minute, a)
		w.expect("raised database critical")
		w.down = 0
		w.goOn(time.Minute, a)
		w.expect("")
		page, err := a.Page(t.Context(), alert.English, "")
		must(t, err)
		if len(page.Open) != 1 || page.Open[0].Name != alert.Database || !page.Open[0].Calm {
			t.Errorf("%+v", page.Open)
		}
		w.goOn(7*time.Minute, a)
		w.expect("cleared database critical")
	})
}

// Alerts that no receiver takes are not lost, and that is told too.
func TestDeliveriesFail(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		w.inbox.err = errors.New("550 no such user")
		w.fail("wxa", "access_token", 40164, "x — y")
		w.goOn(15*time.Minute, a)
		page, err := a.Page(t.Context(), alert.Chinese, "")
		must(t, err)
		if len(page.Open) != 2 || page.Open[1].Name != alert.Delivery || !strings.Contains(page.Open[1].Title, "inbox ops") {
			t.Errorf("%+v", page.Open)
		}
		w.inbox.err = nil
		w.goOn(20*time.Minute, a)
		if got := w.inbox.took(); !strings.HasPrefix(got, "raised refused critical") && !strings.Contains(got, "raised delivery warning") {
			t.Errorf("told %q", got)
		}
	})
}

func TestFleetAndFollower(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		w.own["wxa access_token"], w.own["wxa jsapi"] = 1, 1
		must(t, w.store.SeeReplica(t.Context(), model.Replica{Name: "b", Config: "another"}))
		for range 9 {
			w.goOn(time.Minute, a)
			must(t, w.store.SeeReplica(t.Context(), model.Replica{Name: "b", Config: "another"}))
		}
		w.expect("")
		for range 3 {
			must(t, w.store.SeeReplica(t.Context(), model.Replica{Name: "b", Config: "another"}))
			w.goOn(30*time.Second, a)
			must(t, w.store.SeeReplica(t.Context(), model.Replica{Name: "b", Config: "another"}))
			w.goOn(30*time.Second, a)
		}
		w.expect("raised differ warning")
		w.publish("wxa", "jsapi", 24*time.Hour)
		w.goOn(30*time.Second, a)
		w.expect("")
		w.goOn(2*time.Minute, a)
		w.expect("raised behind warning")
		w.own["wxa jsapi"] = 2
		w.goOn(10*time.Minute, a)
		if got := w.inbox.took(); !strings.Contains(got, "cleared behind warning") {
			t.Errorf("told %q", got)
		}
	})
}

func TestParseQuiet(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse("15:04", text)
		must(t, err)
		return v
	}
	for _, tt := range []struct {
		hours string
		yes   []string
		no    []string
	}{
		{"", nil, []string{"00:00", "12:00"}},
		{"22:00-08:00", []string{"22:00", "00:00", "07:59"}, []string{"08:00", "21:59", "12:00"}},
		{"12:00-13:30", []string{"12:00", "13:29"}, []string{"13:30", "11:59", "00:00"}},
	} {
		q, err := alert.ParseQuiet(tt.hours)
		must(t, err)
		for _, hour := range tt.yes {
			if !q.At(at(hour)) {
				t.Errorf("%q: %s is not quiet", tt.hours, hour)
			}
		}
		for _, hour := range tt.no {
			if q.At(at(hour)) {
				t.Errorf("%q: %s is quiet", tt.hours, hour)
			}
		}
	}
	for _, wrong := range []string{"22", "22:00", "22:00-", "22:00-25:00", "08:00-08:00", "a-b"} {
		if _, err := alert.ParseQuiet(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
