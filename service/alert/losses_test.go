package alert_test

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
)

// Whoever finds a token dead, it is a loss, and both languages have words for the
// finder. Regression: a person's refresh was none of them.
func TestLossOfEveryFinder(t *testing.T) {
	t.Parallel()
	for trigger, by := range map[string]struct{ en, zh string }{
		model.TriggerProbe:  {"wxsign's probe found out", "wxsign 的探测于"},
		model.TriggerReport: {"a program that used it found out", "使用该凭证的程序于"},
		model.TriggerManual: {"the check before a person's refresh found out", "人工刷新前的检查于"},
	} {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				t.Helper()
				a := w.replica("a")
				w.account("wxa", "classic")
				found := model.History{
					AttemptID: rand.Text(), AtMs: time.Now().UnixMilli(), AppID: "wxa", Kind: "access_token", Version: 7, TriggerName: trigger,
					Outcome: model.OutcomeFailed, Actor: "ann",
				}
				must(t, w.store.AddHistory(t.Context(), found)) // an attempt that failed
				w.goOn(2*time.Minute, a)
				w.expect("")
				found.AttemptID, found.AtMs, found.Errcode, found.Fingerprint = rand.Text(), time.Now().UnixMilli(), 40001, "8c1f00d5"
				must(t, w.store.AddHistory(t.Context(), found))
				w.goOn(2*time.Minute, a)
				w.inbox.mu.Lock()
				for _, e := range w.inbox.events {
					if !strings.Contains(e.English.What, by.en) || !strings.Contains(e.Chinese.What, by.zh) {
						t.Errorf("told %q and %q, want %q and %q", e.English.What, e.Chinese.What, by.en, by.zh)
					}
				}
				w.inbox.mu.Unlock()
				w.expect("raised overwrite warning")
			})
		})
	}
}
