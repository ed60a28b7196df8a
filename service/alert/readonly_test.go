package alert_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/alert"
)

// A database that takes no writes keeps no alerts either: the receivers are told
// directly, once, and in other words.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.readOnly = true
		w.goOn(30*time.Second, a)
		w.expect("")
		w.readOnly = false // a fail-over
		w.goOn(time.Minute, a)
		w.readOnly = true
		w.goOn(10*time.Minute, a)
		if e := w.last(); e.English.Title != words(t, alert.English)["database.read_only"].Title {
			t.Errorf("%+v", e.English)
		}
		w.expect("raised database critical")
		w.readOnly = false
		w.goOn(8*time.Minute, a)
		w.expect("cleared database critical")
	})
}
