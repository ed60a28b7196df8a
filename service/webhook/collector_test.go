package webhook_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/webhook"
)

func TestEventsOfTheHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.look(10 * time.Second)
		at := time.Now()
		w.row("renewed", model.OutcomeRenewed, at)
		w.row("unchanged", model.OutcomeUnchanged, at)
		w.row("refused", model.OutcomeRefused, at)
		w.row("failed", model.OutcomeFailed, at.Add(time.Millisecond))
		w.look(2 * time.Second) // one look: within 3 seconds
		for event, want := range map[string]map[string]any{
			"renewed": {
				"id": "renewed", "type": "credential.renewed", "at": at.UTC().Format(time.RFC3339Nano), "account": appID, "kind": "access_token",
				"version": 7.0, "trigger": "schedule", "expires_at": at.Add(2 * time.Hour).UTC().Format(time.RFC3339Nano), "fingerprint": "0123abcd",
				"message": "The access_token of " + appID + " was renewed; version 7 can be used until " + at.Add(2*time.Hour).UTC().Format(time.RFC3339) + ".",
			},
			"failed": {
				"id": "failed", "type": "credential.failed", "at": at.Add(time.Millisecond).UTC().Format(time.RFC3339Nano), "account": appID,
				"kind": "access_token", "version": 7.0, "trigger": "schedule", "errcode": 40164.0, "rid": "65f0-1",
				"message": "The access_token of " + appID + " could not be renewed: WeChat refuses this address — add 1.2.3.4 to the IP list",
			},
		} {
			m := w.box.messages[w.all.Name()+" "+event]
			var got map[string]any
			must(t, json.Unmarshal(m.Body, &got))
			if diff := cmp.Diff(want, got); diff != "" || m.Type != want["type"] || m.EventID != event {
				t.Errorf("%s, %+v: (-want +got):\n%s", event, m, diff)
			}
		}
		w.expect(w.all, "renewed", "failed")
		w.expect(w.some, "failed")
		w.look(20 * time.Minute)
		w.expect(w.all)
	})
}

// The field kind is the path's word, the text for people has that of the alerts.
func TestMessagesCallAKindAsAlertsDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.look(10 * time.Second)
		kinds := map[string]string{
			snapshot.KindAccessToken: "The access_token of " + appID, snapshot.KindJSAPI: "The jsapi_ticket of " + appID,
			snapshot.KindWXCard: "The wx_card ticket of " + appID, snapshot.KindAgentConfig: "The agent_config ticket of " + appID,
		}
		for kind := range kinds {
			w.rowOf(kind, kind+" renewed", model.OutcomeRenewed, time.Now())
			w.rowOf(kind, kind+" failed", model.OutcomeFailed, time.Now())
		}
		w.look(2 * time.Second)
		for kind, begin := range kinds {
			for outcome, end := range map[string]string{" renewed": " was renewed; ", " failed": " could not be renewed: "} {
				var e webhook.Event
				must(t, json.Unmarshal(w.box.messages[w.all.Name()+" "+kind+outcome].Body, &e))
				if e.Kind != kind || !strings.HasPrefix(e.Message, begin+end) {
					t.Errorf("kind %q: %q, want it to begin with %q", e.Kind, e.Message, begin+end)
				}
			}
		}
	})
}

func TestWhatIsNoEventOfAChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.row("long before", model.OutcomeRenewed, time.Now().Add(-30*time.Minute))
		w.row("just before", model.OutcomeRenewed, time.Now())
		w.publish("old", time.Second)
		time.Sleep(time.Minute)
		w.look(10 * time.Minute)
		w.expect(w.all)

		// A receiver that joins later does not get what the first one had.
		w.row("a", model.OutcomeRenewed, time.Now())
		w.look(10 * time.Second)
		w.expect(w.all, "a")
		joined := newHook(t, "https://joined.example.com/")
		w.restart(w.all, joined)
		w.look(10 * time.Second)
		w.row("b", model.OutcomeRenewed, time.Now())
		w.look(10 * time.Second)
		w.expect(w.all, "b")
		w.expect(joined, "b")

		// One that was taken out for a day does not get the day.
		w.restart(w.all)
		for range 24 {
			w.row("of the day", model.OutcomeRenewed, time.Now())
			time.Sleep(time.Hour - 2*time.Second)
			w.look(2 * time.Second)
		}
		w.restart(w.all, joined)
		w.look(10 * time.Second)
		w.expect(joined)
		w.row("c", model.OutcomeRenewed, time.Now())
		w.look(10 * time.Second)
		w.expect(joined, "c")
	})
}

// After Begin, the first look finds what came in between.
func TestBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.row("before", model.OutcomeRenewed, time.Now().Add(-time.Millisecond))
		w.collector.Begin(t.Context())
		w.row("a", model.OutcomeRenewed, time.Now().Add(time.Millisecond))
		w.look(2 * time.Second)
		w.expect(w.all, "a")
	})
}

// What was written while nobody looked is found after the start, what was
// written late is found within minutes, and nothing twice.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.look(40 * time.Second)
		w.row("before the crash", model.OutcomeRenewed, time.Now())
		time.Sleep(10 * time.Minute)
		w.restart(w.all, w.some)
		w.look(4 * time.Second)
		w.expect(w.all, "before the crash")

		w.look(40 * time.Minute)
		w.row("late", model.OutcomeFailed, time.Now().Add(-30*time.Minute))
		w.look(6 * time.Minute)
		w.expect(w.all, "late")
		w.expect(w.some, "late")

		w.box.fails = true
		w.row("not added", model.OutcomeFailed, time.Now())
		w.look(5 * time.Minute)
		w.expect(w.all)
		w.box.fails = false
		w.look(2 * time.Second)
		w.expect(w.all, "not added")
	})
}

func TestManyRowsComeInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.look(4 * time.Second)
		var want []string
		for i := range 1100 { // more than two pages
			id := fmt.Sprintf("row %04d", i)
			want = append(want, id)
			w.row(id, model.OutcomeRenewed, time.Now().Add(time.Duration(i)*time.Millisecond))
		}
		time.Sleep(time.Minute)
		w.look(2 * time.Second)
		w.expect(w.all, want...)
	})
}

func TestExpiredCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.look(10 * time.Second)
		w.publish("one", time.Minute)
		w.look(50 * time.Second)
		w.expect(w.all)
		w.look(12 * time.Second)
		m := w.box.messages[w.all.Name()+" one-expired"]
		var e webhook.Event
		must(t, json.Unmarshal(m.Body, &e))
		if e.Type != webhook.CredentialExpired || e.Account != appID || e.Kind != "access_token" || e.Version != 1 || !e.At.Equal(e.ExpiresAt) ||
			!strings.Contains(e.Message, "has ended and there is no new one") {
			t.Errorf("%+v", e)
		}
		if strings.Contains(string(m.Body), "value of") {
			t.Error("the message holds the value")
		}
		w.expect(w.all, "one-expired")
		w.expect(w.some)
		w.look(3 * time.Hour)
		w.expect(w.all)

		// Another replica has renewed it, which this one has not heard of yet.
		w.publish("two", time.Hour)
		w.serve("one and a half", 1, time.Second)
		w.look(time.Minute)
		w.expect(w.all)
		// And after its end, once, by whichever replica.
		w.serve("two", 2, 50*time.Minute)
		w.look(50 * time.Minute)
		w.expect(w.all) // this replica's clock is early: the row decides
		w.look(10 * time.Minute)
		w.expect(w.all, "two-expired")
		w.restart(w.all, w.some)
		w.look(time.Minute)
		w.expect(w.all) // added again, and known to the outbox
	})
}

func TestWithoutReceiversNothingIsAsked(t *testing.T) {
	t.Parallel()
	alerts, err := webhook.NewHook(webhook.HookOptions{
		URL: "https://x.example.com", Secret: newSecret(), Events: []string{webhook.AlertRaised}, Client: noClient{},
	})
	must(t, err)
	box := &box{}
	hooks := webhook.NewHooks(box, []*webhook.Hook{alerts})
	c, err := webhook.NewCollector(webhook.CollectorOptions{Store: struct{ webhook.Store }{}, Table: noTable(), Hooks: hooks})
	must(t, err)
	c.Collect(t.Context())
	must(t, hooks.Announce(t.Context(), webhook.Event{ID: "a", Type: webhook.AlertRaised, At: sentAt, Message: "m"}))
	must(t, hooks.Announce(t.Context(), webhook.Event{ID: "b", Type: webhook.AlertCleared, At: sentAt, Message: "m"}))
	want := `{"id":"a","type":"alert.raised","at":"2023-11-14T22:13:20Z","message":"m"}`
	if m := box.messages[alerts.Name()+" a"]; len(box.order) != 1 || string(m.Body) != want {
		t.Errorf("%q, %s", box.order, m.Body)
	}
}
