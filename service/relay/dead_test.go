package relay_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/relay"
	"github.com/wxsign/wxsign/service/secret"
)

// dies is a WeChat that calls every token dead but the given one.
func dies(t *testing.T, code int, live string) *wechat {
	t.Helper()
	return newWeChat(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; encoding=utf-8")
		if r.URL.Query().Get("access_token") == live {
			_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok","msgid":1}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"errcode":%d,"errmsg":"invalid credential rid: 1"}`, code)
	})
}

func TestDeadTokenIsReportedAndTheCallSentAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key   string
		app   string
		code  int
		fresh string // what the report brings
		sent  string // the body

		want    int // errcode that the caller sees
		mark    string
		sends   int
		reports int
	}{
		"40001":                    {oneKey, appID, 40001, "81_new", "body", 0, "retried", 2, 1},
		"40014":                    {oneKey, appID, 40014, "81_new", "body", 0, "retried", 2, 1},
		"42001":                    {oneKey, appID, 42001, "81_new", "body", 0, "retried", 2, 1},
		"without a body":           {oneKey, appID, 42001, "81_new", "", 0, "retried", 2, 1},
		"a body of the limit":      {oneKey, appID, 42001, "81_new", strings.Repeat("x", 1000), 0, "retried", 2, 1},
		"a body beyond the limit":  {oneKey, appID, 42001, "81_new", strings.Repeat("x", 1001), 42001, "send-again", 1, 1},
		"nothing new, so no retry": {oneKey, appID, 40001, "80_live-token", "body", 40001, "not-renewed", 1, 1},
		"the report fails":         {oneKey, appID, 40001, "", "body", 40001, "not-renewed", 1, 1},
		"the new one is dead, too": {oneKey, appID, 40001, "82_dead-as-well", "body", 40001, "retried", 2, 1},
		"another errcode":          {oneKey, appID, 45009, "81_new", "body", 45009, "", 1, 0},
		"of a user":                {oneKey, appID, 42002, "81_new", "body", 42002, "", 1, 0},
		"WeCom 40014":              {corpKey, corpAgent, 40014, "81_new", "body", 0, "retried", 2, 1},
		"WeCom 42001":              {corpKey, corpAgent, 42001, "81_new", "body", 0, "retried", 2, 1},
		"WeCom 40001":              {corpKey, corpAgent, 40001, "81_new", "body", 40001, "", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, u := newWorld(), dies(t, c.code, "81_new")
			w.renew = func(relay.Death) string { return c.fresh }
			o := w.options(u.URL)
			o.MaxKept = 1000
			old := secret.New(w.tokens[c.app]).Hash()
			got := do(t, http.MethodPost, open(t, o)+"/cgi-bin/message/custom/send?x=1&access_token="+c.key, c.sent, nil)
			if got.status != http.StatusOK || got.Errcode != c.want || got.header.Get(relay.MarkHeader) != c.mark {
				t.Errorf("answer %d %s %q, want errcode %d and %q", got.status, got.body, got.header.Get(relay.MarkHeader), c.want, c.mark)
			}
			if c.mark == "send-again" && !strings.Contains(got.Errmsg, "send the request again") {
				t.Errorf("errmsg %q does not say what to do", got.Errmsg)
			}
			all := u.requests()
			if len(all) != c.sends {
				t.Fatalf("WeChat saw %d requests, want %d", len(all), c.sends)
			}
			for _, r := range all {
				if r.body != c.sent {
					t.Errorf("WeChat was sent %d bytes, want %d", len(r.body), len(c.sent))
				}
			}
			var want []relay.Death
			if c.reports > 0 {
				want = []relay.Death{{AppID: c.app, SHA256: old, Errcode: c.code, Actor: w.callers[c.key].name, Path: "/cgi-bin/message/custom/send"}}
			}
			if diff := cmp.Diff(want, w.reports); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if strings.Contains(w.logged(), "81_new") {
				t.Errorf("a token is in the log: %s", w.logged())
			}
		})
	}
}

// Who comes after the new token is there has nothing to report.
func TestOnlyTheCurrentTokenIsReported(t *testing.T) {
	t.Parallel()
	w := newWorld()
	u := newWeChat(t, func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "81_new") {
			_, _ = io.WriteString(rw, `{"errcode":0}`)
			return
		}
		w.mu.Lock()
		w.tokens[appID] = "81_new" // another replica was faster
		w.mu.Unlock()
		_, _ = io.WriteString(rw, `{"errcode":40001}`)
	})
	got := do(t, http.MethodGet, open(t, w.options(u.URL))+"/cgi-bin/x?access_token="+oneKey, "", nil)
	if got.Errcode != 0 || len(w.reports) != 0 || len(u.requests()) != 2 {
		t.Errorf("answer %s after %d reports and %d requests, want 0 after none and 2", got.body, len(w.reports), len(u.requests()))
	}
}

// Errcodes in what is no error of WeChat's must not lead to anything.
func TestWhatOnlyLooksLikeADeadToken(t *testing.T) {
	t.Parallel()
	long := `{"errcode":40001,"list":"` + strings.Repeat("x", 5000) + `"}`
	for name, serve := range map[string]http.HandlerFunc{
		"deeper":        say(`{"a":{"errcode":40001}}`),
		"in a text":     say(`{"errmsg":"\"errcode\":40001"}`),
		"in an array":   say(`[{"errcode":40001}]`),
		"as a string":   say(`{"errcode":"40001"}`),
		"in other case": say(`{"Errcode":40001,"x":"\"errcode\""}`),
		"not JSON":      say(`{"errcode":40001`),
		"two values":    say(`{"errcode":40001}{"errcode":40001}`),
		"a fraction":    say(`{"errcode":40001.5}`),
		"too long":      say(long),
		"too long, drips": func(w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, long)
		},
		"HTTP 500": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"errcode":40001}`)
		},
		"packed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "x")
			_, _ = io.WriteString(w, `{"errcode":40001}`)
		},
		"a picture": say("\x89PNG {\"errcode\":40001}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, u := newWorld(), newWeChat(t, serve)
			straight := do(t, http.MethodGet, u.URL, "", nil)
			got := do(t, http.MethodGet, open(t, w.options(u.URL))+"/cgi-bin/x?access_token="+oneKey, "", nil)
			if got.body != straight.body || got.status != straight.status || len(w.reports) != 0 {
				t.Errorf("answer %d %.100q after %d reports, want WeChat's own after none", got.status, got.body, len(w.reports))
			}
		})
	}
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

// Whatever type an error is said to have, it is one: media/get has text/plain.
func TestErrorsAreFoundWhateverTheirType(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"text/plain", "application/octet-stream", "image/jpeg", ""} {
		w := newWorld()
		w.renew = func(relay.Death) string { return "81_new" }
		var once sync.Once
		u := newWeChat(t, func(rw http.ResponseWriter, _ *http.Request) {
			text := "a file"
			once.Do(func() { text = " \r\n{ \"errmsg\":\"x\", \"errcode\" : 42001 }\n" })
			rw.Header()["Content-Type"] = []string{contentType}
			_ = http.NewResponseController(rw).Flush() // a length that is not told
			_, _ = io.WriteString(rw, text)
		})
		got := do(t, http.MethodGet, open(t, w.options(u.URL))+"/cgi-bin/media/get?access_token="+oneKey, "", nil)
		if got.body != "a file" || got.header.Get(relay.MarkHeader) != relay.MarkRetried {
			t.Errorf("%q: answer %q %v, want the file after a second attempt", contentType, got.body, got.header)
		}
	}
}
