package alert_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/alert"
)

// newcomer adds an account for which nothing was ever fetched.
func (w *world) newcomer(appID string) {
	w.t.Helper()
	must(w.t, w.store.InsertAccount(w.t.Context(), model.Account{
		AppID: appID, Platform: "official_account", Origin: model.OriginFile, Enabled: true, SecretEnc: []byte{1}, KeyID: "0badcafe",
		TokenMode: "stable",
	}, []string{"access_token"}))
}

// What an alert says of pages is right whether the credential lives, has ended or
// never was.
func TestMeansByStanding(t *testing.T) {
	t.Parallel()
	const refused, quota, sealed = 40164, 45009, 0
	for _, tt := range []struct {
		name    string
		errcode int
		text    string
		life    time.Duration // 0 = there never was one
		want    string        // the text's name
	}{
		{"refused, alive", refused, "invalid ip — Add it", time.Hour, "refused"},
		{"refused, ended", refused, "invalid ip — Add it", -time.Second, "refused.ended"},
		{"refused, never", refused, "invalid ip — Add it", 0, "refused.never"},
		{"quota, alive", quota, "quota — wait", time.Hour, "quota"},
		{"quota, ended", quota, "quota — wait", -time.Second, "quota.ended"},
		{"quota, never", quota, "quota — wait", 0, "quota.never"},
		{"sealed, alive", sealed, "a sealed value cannot be opened — Give", time.Hour, "sealed"},
		{"sealed, ended", sealed, "a sealed value cannot be opened — Give", -time.Second, "sealed.ended"},
		{"sealed, never", sealed, "a sealed value cannot be opened — Give", 0, "sealed.never"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, w *world) {
				t.Helper()
				a := w.replica("a")
				w.newcomer("wxa")
				if tt.life != 0 {
					w.publish("wxa", "access_token", tt.life)
				}
				w.fail("wxa", "access_token", tt.errcode, tt.text)
				row := w.first(a, strings.Split(tt.want, ".")[0])
				for lang, got := range map[string]alert.Words{alert.English: row.English, alert.Chinese: row.Chinese} {
					want := strings.ReplaceAll(words(t, lang)[tt.want].Means, "{kind}", "access_token")
					if got.Means != want || want == "" {
						t.Errorf("%s: %q, want %q", lang, got.Means, want)
					}
				}
			})
		})
	}
}

// first is the event of a condition after the first looks.
func (w *world) first(a *replica, name string) alert.Event {
	w.t.Helper()
	w.goOn(time.Minute, a)
	w.inbox.mu.Lock()
	defer w.inbox.mu.Unlock()
	for _, e := range w.inbox.events {
		if e.Alert == name {
			return e
		}
	}
	w.t.Fatalf("nothing was told of %s", name)
	return alert.Event{}
}

// A ticket that waits for its token has no failure of its own: its alerts lead to
// the token's, and have something to do all the same.
func TestTicketWaitsForItsToken(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		w.account("wxa", "stable")
		w.publish("wxa", "jsapi", 2*time.Minute)
		for _, name := range []string{"expiring.untried", "expiring.waits"} {
			w.inbox.took()
			if name == "expiring.waits" { // its end is not told again, but shows where people look
				w.goOn(3*time.Minute, a)
				page, err := a.Page(t.Context(), alert.Chinese, "")
				must(t, err)
				if len(page.Open) != 1 || page.Open[0].Do != words(t, alert.Chinese)[name].Do || !strings.Contains(page.Open[0].Title, "已失效") {
					t.Errorf("%+v", page.Open)
				}
				continue
			}
			w.goOn(90*time.Second, a)
			e := w.last()
			if e.Alert != alert.Expiring || e.Kind != "jsapi" || e.English.Do != words(t, alert.English)[name].Do {
				t.Errorf("%+v", e.English)
			}
		}
	})
}

// last is the newest event.
func (w *world) last() alert.Event {
	w.t.Helper()
	w.inbox.mu.Lock()
	defer w.inbox.mu.Unlock()
	if len(w.inbox.events) == 0 {
		w.t.Fatal("nothing was told")
	}
	return w.inbox.events[len(w.inbox.events)-1]
}

// One alert of many accounts does not claim that pages go on, and has the mend of
// the errcode that they share in the reader's language.
func TestManyThatNeverWere(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, w *world) {
		t.Helper()
		a := w.replica("a")
		for i := range 25 {
			appID := fmt.Sprintf("wx%02d", i)
			w.newcomer(appID)
			w.fail(appID, "access_token", 40001, "errcode 40001: invalid credential — Check the AppSecret")
		}
		e := w.first(a, alert.Refused)
		if want := words(t, alert.Chinese)["refused.many"].Means; e.Chinese.Means != want || want == "" {
			t.Errorf("means %q, want %q", e.Chinese.Means, want)
		}
		if e.Errcode != 40001 || !strings.Contains(e.Chinese.Do, "开发者密码") || strings.Contains(e.Chinese.Do, "Check") {
			t.Errorf("%d, %q", e.Errcode, e.Chinese.Do)
		}
	})
}
