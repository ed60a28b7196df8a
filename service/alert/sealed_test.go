package alert_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
)

// A stored value that did not open is told of though it was fetched anew within
// seconds, once, and for a day.
func TestChangedValueIsTold(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		for id, text := range map[string]string{
			"x": "a sealed value cannot be opened: the jsapi: sealed value is damaged — Give wxsign the master key",
			"y": "the replica that held the claim ended",
		} {
			must(t, w.store.AddHistory(t.Context(), model.History{
				AttemptID: id, AppID: "wxa", Kind: "jsapi", Version: 3, TriggerName: model.TriggerRecovery,
				Outcome: model.OutcomeFailed, Actor: "r", Errmsg: text,
			}))
		}
		w.publish("wxa", "jsapi", 48*time.Hour)
		w.goOn(time.Minute, a)
		w.expect("raised sealed critical")
		w.goOn(10*time.Minute, a)
		w.expect("")
	})
}

// While it does not open, there is one alert of it and not two.
func TestSealedIsToldOnce(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		const text = "a sealed value cannot be opened: the access_token: no key — Give wxsign the master key"
		w.fail("wxa", "access_token", 0, text)
		must(t, w.store.AddHistory(t.Context(), model.History{
			AttemptID: "x", AppID: "wxa", Kind: "access_token", TriggerName: model.TriggerRecovery, Outcome: model.OutcomeFailed, Errmsg: text,
		}))
		w.goOn(time.Minute, a)
		w.expect("raised sealed critical")
	})
}
