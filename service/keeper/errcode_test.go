package keeper_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

const (
	stablePath = "/cgi-bin/stable_token"
	ticketPath = "/cgi-bin/ticket/getticket"
)

// Three hours of each error that WeChat knows: how often it is asked, what the
// administrator reads, and that the stored value is served on; then the error
// goes and so does the trouble.
func TestErrors(t *testing.T) {
	t.Parallel()
	human := span{8, 9}    // after 5, 10, 20 min, then every 30 min
	busy := span{250, 750} // up to a minute apart
	for name, c := range map[string]struct {
		fault   map[string]any
		kind    string // access_token if empty
		calls   span   // in three hours
		errcode int
		text    string
		next    [2]time.Duration // of the last back-off, if not 0
	}{
		"40164 address not listed": {
			fault: map[string]any{"errcode": 40164, "errmsg": "invalid ip 203.0.113.9 ipv6 ::ffff:203.0.113.9, not in whitelist rid: 5fab84d2-09424a07-00bd7fe3"},
			calls: human, errcode: 40164, text: "203.0.113.9",
		},
		"40125 wrong secret":          {fault: errcode(40125), calls: human, errcode: 40125, text: "AppSecret"},
		"40013 wrong AppID":           {fault: errcode(40013), calls: human, errcode: 40013, text: "AppID"},
		"40243 frozen secret":         {fault: errcode(40243), calls: human, errcode: 40243, text: "解冻"},
		"50004 forbidden":             {fault: errcode(50004), calls: human, errcode: 50004, text: "通知中心"},
		"89507 refused for an hour":   {fault: errcode(89507), calls: span{3, 4}, errcode: 89507, text: "hour", next: [2]time.Duration{0, time.Hour}},
		"89506 refused for a day":     {fault: errcode(89506), calls: span{1, 1}, errcode: 89506, text: "24 hours", next: [2]time.Duration{20 * time.Hour, 21 * time.Hour}},
		"48001 no permission, ticket": {fault: errcode(48001), kind: snapshot.KindJSAPI, calls: human, errcode: 48001, text: "接口权限"},
		// A bubble begins at 08:00 in Beijing.
		"45009 quota of the day":    {fault: errcode(45009), calls: span{1, 1}, errcode: 45009, text: "next day", next: [2]time.Duration{12*time.Hour + 58*time.Minute, 13*time.Hour + 6*time.Minute}},
		"45011 quota of the minute": {fault: errcode(45011), calls: span{140, 180}, errcode: 45011, next: [2]time.Duration{0, 75 * time.Second}},
		"-1 busy":                   {fault: errcode(-1), calls: busy, errcode: -1, next: [2]time.Duration{0, time.Minute}},
		"an errcode nobody knows":   {fault: errcode(99999), calls: busy, errcode: 99999, text: "does not know"},
		"garbage":                   {fault: mode("garbage"), calls: busy, text: "JSON"},
		"cut":                       {fault: mode("cut"), calls: busy, text: "connection"},
		"html":                      {fault: mode("html"), calls: busy, text: "proxy"},
		"empty":                     {fault: mode("empty"), calls: busy, text: "JSON"},
		"huge":                      {fault: mode("huge"), kind: snapshot.KindJSAPI, calls: busy, text: "longer"},
		"slow":                      {fault: map[string]any{"mode": "slow", "delay": "20s"}, calls: span{170, 600}, text: "in time"},
		"no expires_in":             {fault: answering(`{"access_token":"abc"}`), calls: busy, text: "expires_in"},
		"expires_in of zero":        {fault: answering(`{"access_token":"abc","expires_in":0}`), calls: busy, text: "expires_in"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{follow: 10 * time.Second})
				path, kind := stablePath, snapshot.KindAccessToken
				if c.kind != "" {
					path, kind = ticketPath, c.kind
				}
				c.fault["path"], c.fault["count"] = path, -1
				w.fault(c.fault)
				r := w.start("one", nil)
				time.Sleep(3 * time.Hour)
				synctest.Wait() // a try of this very instant fails before the error goes
				if calls := w.calls()[path]; calls < c.calls.least || calls > c.calls.most {
					t.Errorf("%d calls in 3 hours, want %d to %d", calls, c.calls.least, c.calls.most)
				}
				row := w.credential(appID, kind)
				trouble := r.trouble(appID, kind)
				if trouble.Errcode != c.errcode || trouble.Failing != row.FailCount || !strings.Contains(trouble.Text, c.text) || trouble.Text == "" {
					t.Errorf("trouble %d, failing %d of %d: %q (want %q in it)", trouble.Errcode, trouble.Failing, row.FailCount, trouble.Text, c.text)
				}
				if next := time.Until(trouble.NextTry); c.next[1] > 0 && (next < c.next[0] || next > c.next[1]) {
					t.Errorf("next try in %s, want %s to %s", next, c.next[0], c.next[1])
				}
				if failed := count(w.rows(appID), kind, model.OutcomeFailed); failed < w.calls()[path]-1 || failed > w.calls()[path] {
					t.Errorf("%d failed rows for %d calls", failed, w.calls()[path])
				}
				w.heal()
				w.makeDue(appID, kind)
				time.Sleep(15 * time.Second)
				w.watch(time.Minute, 5*time.Second, r)
				if trouble := r.trouble(appID, kind); trouble != (snapshot.Trouble{}) {
					t.Errorf("the trouble stays: %+v", trouble)
				}
			})
		})
	}
}

// span is how many calls are right.
type span struct{ least, most int }

func errcode(code int) map[string]any { return map[string]any{"errcode": code} }

func answering(body string) map[string]any { return map[string]any{"mode": "body", "body": body} }

func mode(name string) map[string]any { return map[string]any{"mode": name} }

// A failing renewal leaves the stored value alone.
func TestErrorsLeaveTheStoredValue(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]map[string]any{
		"40164": errcode(40164), "45009": errcode(45009), "garbage": mode("garbage"), "html": mode("html"),
		"no expires_in": answering(`{"access_token":"abc","ticket":"def","errcode":0}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{simulator: brisk, mode: wechat.Classic})
				r := w.start("one", nil)
				time.Sleep(time.Minute)
				fault["path"], fault["count"] = "*", -1
				w.fault(fault)
				w.watch(35*time.Minute, 5*time.Second, r)
				if r.trouble(appID, snapshot.KindAccessToken).Failing == 0 {
					t.Error("nothing failed")
				}
				w.heal()
			})
		})
	}
}
