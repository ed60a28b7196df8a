package controltest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
)

const shopToken = "/v1/accounts/" + shop + "/access_token"

// The answer tells what is left of the value's life, not what WeChat gave.
func TestValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token ticket", shop)
	for path, kind := range map[string]string{shopToken: "access_token", "/v1/accounts/" + shop + "/tickets/wx_card": "wx_card"} {
		live := w.current(shop, kind)
		r := w.ask(call{path: path, key: key})
		field := "access_token"
		if kind != field {
			field = "ticket"
		}
		if r.Code != http.StatusOK || r.text(field) != live.Value.Reveal() || r.Header().Get("ETag") != tagOf(live) ||
			r.json["version"] != float64(live.Version) {
			t.Errorf("%s: status %d, %s: %s", kind, r.Code, r.Header(), r.Body)
		}
		left, _ := r.json["expires_in"].(float64)
		ends, err := time.Parse(time.RFC3339, r.text("expires_at"))
		w.ok(err)
		if left < 1 || left > 7200 || ends.Sub(live.ExpiresAt).Abs() > time.Second {
			t.Errorf("%s: expires in %v, at %v; it ends at %v", kind, left, ends, live.ExpiresAt)
		}
	}
	aged := w.current(agent7, "access_token")
	_, agentKey := w.key("token", agent7)
	if r := w.ask(call{path: "/v1/accounts/" + agent7 + "/access_token", key: agentKey}); r.text("access_token") != aged.Value.Reveal() {
		t.Errorf("an agent's token: %s", r.Body)
	}
}

func tagOf(v keeper.Current) string { return `"` + v.PublishID + `"` }

func TestNotModified(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	_, key := w.key("token ticket", shop)
	_, stranger := w.key("token ticket", other)
	live := w.current(shop, "access_token")
	tag, ticketTag := tagOf(live), tagOf(w.current(shop, "jsapi"))
	version := strconv.FormatInt(live.Version, 10)
	for _, tt := range []struct {
		name, query, tag string
		status           int
	}{
		{"its ETag", "", tag, http.StatusNotModified},
		{"a weak one", "", "W/" + tag, http.StatusNotModified},
		{"among others", "", `"a", ` + tag + ` , "b"`, http.StatusNotModified},
		{"any", "", "*", http.StatusNotModified},
		{"another", "", ticketTag, http.StatusOK},
		{"without quotes", "", live.PublishID, http.StatusOK},
		{"its version", "?after=" + version, "", http.StatusNotModified},
		{"an older version", "?after=0", "", http.StatusOK},
		{"a later version", "?after=99", "", http.StatusOK},
		{"its version and another ETag", "?after=" + version, ticketTag, http.StatusNotModified},
		{"differs at once", "?wait=60s&after=0", "", http.StatusOK},
		{"differs at once by ETag", "?wait=60", ticketTag, http.StatusOK},
		{"no wait", "?wait=0&after=" + version, "", http.StatusNotModified},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			c := call{method: method, path: shopToken + tt.query, key: key, headers: map[string]string{"If-None-Match": tt.tag}}
			if tt.tag == "" {
				c.headers = nil
			}
			r := w.ask(c)
			if r.Code != tt.status || r.Header().Get("ETag") != tag || r.Header().Get("Vary") != "Authorization" ||
				r.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: status %d, want %d: %s", method, tt.name, r.Code, tt.status, r.Header())
			}
			if r.Code == http.StatusNotModified && r.Body.Len() > 0 {
				t.Errorf("%s: 304 with a body", tt.name)
			}
			k.check(t, c, r)
			// Whoever may not read the value does not learn whether it changed.
			c.key = stranger
			if r := w.ask(c); r.Code != http.StatusForbidden || r.Header().Get("ETag") != "" {
				t.Errorf("%s with another's key: status %d, ETag %q", tt.name, r.Code, r.Header().Get("ETag"))
			}
		}
	}
}

func TestQueriesThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	k := newContract(t)
	_, key := w.key("token ticket refresh sign", shop+" "+off+" "+dead)
	_, all := w.key("token ticket refresh sign", apikey.AllAccounts)
	post := func(appID, path, body string) call {
		return call{method: http.MethodPost, path: "/v1/accounts/" + appID + path, key: key, body: body}
	}
	sign := func(appID, body string) call { return post(appID, "/sign", body) }
	report := func(appID, body string) call { return post(appID, "/access_token/report", body) }
	for _, tt := range []struct {
		call
		status int
		code   string
	}{
		{call{path: shopToken + "?wait=5s", key: key}, http.StatusBadRequest, "wait_needs_version"},
		{call{path: shopToken + "?wait=60", key: key}, http.StatusBadRequest, "wait_needs_version"},
		{call{path: shopToken + "?wait=soon&after=1", key: key}, http.StatusBadRequest, "query_invalid"},
		{call{path: shopToken + "?wait=-1s&after=1", key: key}, http.StatusBadRequest, "query_invalid"},
		{call{path: shopToken + "?after=-1", key: key}, http.StatusBadRequest, "query_invalid"},
		{call{path: shopToken + "?after=one", key: key}, http.StatusBadRequest, "query_invalid"},
		{call{path: shopToken + "?after=99999999999999999999", key: key}, http.StatusBadRequest, "query_invalid"},
		{call{path: "/v1/accounts/" + off + "/access_token", key: key}, http.StatusForbidden, "account_disabled"},
		{call{path: "/v1/accounts/" + dead + "/access_token", key: key}, http.StatusServiceUnavailable, "token_not_ready"},
		{call{path: "/v1/accounts/" + dead + "/tickets/jsapi", key: key}, http.StatusServiceUnavailable, "ticket_not_ready"},
		{call{path: "/v1/accounts/" + nobody + "/access_token", key: all}, http.StatusNotFound, "account_unknown"},
		{call{path: "/v1/accounts/" + other + "/tickets/wx_card", key: all}, http.StatusNotFound, "kind_unknown"},
		{call{path: "/v1/accounts/" + shop + "/tickets/agent_config", key: key}, http.StatusNotFound, "kind_unknown"},
		{sign(shop, `{"kind":"agent_config","url":"https://h5.example.com/"}`), http.StatusNotFound, "ticket_not_configured"},
		{sign(shop, `{"kind":"jsapi","url":"https://example.org/"}`), http.StatusForbidden, "domain_not_allowed"},
		{sign(shop, `{"kind":"jsapi"}`), http.StatusBadRequest, "url_missing"},
		{sign(shop, `{"kind":"add_card"}`), http.StatusBadRequest, "card_invalid"},
		{sign(shop, `{"kind":"add_card","card_id":"a\nb"}`), http.StatusBadRequest, "card_invalid"},
		{sign(shop, `{"kind":"pay"}`), http.StatusNotFound, "kind_unknown"},
		{sign(shop, `{"url":"https://h5.example.com/"}`), http.StatusNotFound, "kind_unknown"},
		{sign(shop, `{"kind":"jsapi","uri":""}`), http.StatusBadRequest, "json_invalid"},
		{sign(off, `{"kind":"jsapi","url":"https://h5.example.com/"}`), http.StatusForbidden, "account_disabled"},
		{report(shop, `{}`), http.StatusBadRequest, "report_invalid"},
		{report(shop, `{"value":"a","sha256":"b"}`), http.StatusBadRequest, "report_invalid"},
		{report(shop, `{"sha256":"`+strings.Repeat("g", 64)+`"}`), http.StatusBadRequest, "report_invalid"},
		{report(shop, `[`), http.StatusBadRequest, "json_invalid"},
		{report(shop, `{"value":"`+strings.Repeat("a", 70<<10)+`"}`), http.StatusRequestEntityTooLarge, "body_too_large"},
		{report(dead, `{"value":"a"}`), http.StatusServiceUnavailable, "token_not_ready"},
	} {
		r := w.ask(tt.call)
		if r.Code != tt.status || r.verdict() != tt.code {
			t.Errorf("%s %.80s: status %d, %q; want %d, %q: %s", tt.path, tt.body, r.Code, r.verdict(), tt.status, tt.code, r.Body)
		}
		if after := r.Header().Get("Retry-After"); (after != "") != (tt.status == http.StatusServiceUnavailable) {
			t.Errorf("%s: Retry-After %q", tt.path, after)
		}
		k.check(t, tt.call, r)
	}
}

// Who may read tickets does not get the token by asking for it as a ticket, nor
// is a stranger told which kinds there are.
func TestTokenIsNoTicket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("ticket refresh", shop)
	token := w.current(shop, "access_token").Value.Reveal()
	for _, tt := range []struct {
		call
		code string
	}{
		{call{path: "/v1/accounts/" + shop + "/tickets/access_token", key: key}, "kind_unknown"},
		{call{path: "/v1/accounts/" + shop + "/tickets/%61ccess_token", key: key}, "not_found"},
		{call{path: "/v1/accounts/" + shop + "/tickets/access_token/report", method: "POST", key: key, body: `{"value":"x"}`}, "kind_unknown"},
		{call{path: "/cgi-bin/ticket/getticket?type=access_token&access_token=" + key}, "40097"},
		{call{path: "/v1/accounts/" + shop + "/tickets/access_token"}, "key_missing"},
		{call{path: "/v1/accounts/" + other + "/tickets/access_token", key: key}, "account_not_allowed"},
		{call{path: "/v1/accounts/" + shop + "/../" + shop + "/access_token", key: key}, "not_found"},
		{call{path: "/v1/accounts//tickets/jsapi", key: key}, "not_found"},
		{call{path: shopToken + "/", key: key}, "not_found"},
		{call{path: "/v1/accounts/" + shop, key: key}, "not_found"},
		{call{path: "/v1/?access_token=" + key, key: key}, "not_found"},
		{call{path: shopToken, method: http.MethodPost, key: key}, "method_not_allowed"},
		{call{path: shopToken, method: http.MethodOptions, key: key}, "method_not_allowed"},
	} {
		r := w.ask(tt.call)
		if r.verdict() != tt.code || strings.Contains(r.Body.String(), token) {
			t.Errorf("%s: %q, want %q: %s", tt.path, r.verdict(), tt.code, r.Body)
		}
		if r.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: an answer that pages may read", tt.path)
		}
	}
}

func TestHeadersWithKeysThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", shop)
	for header, code := range map[string]string{
		"Bearer " + key: "", "bearer " + key: "", "Bearer  " + key + " ": "", "BEARER " + key: "",
		key: "key_invalid", "Basic " + key: "key_invalid", "Bearer": "key_invalid", "Bearer " + key + "@" + shop: "key_invalid",
		"Bearer ": "key_missing",
	} {
		if r := w.ask(call{path: shopToken, headers: map[string]string{"Authorization": header}}); r.verdict() != code {
			t.Errorf("%q: %s", strings.ReplaceAll(header, key, "KEY"), r.Body)
		}
	}
	for _, path := range []string{shopToken + "?key=" + key, shopToken + "?access_token=" + key, shopToken + "?secret=" + key} {
		if r := w.ask(call{path: path}); r.verdict() != "key_missing" {
			t.Errorf("a key in the address: %s", r.Body)
		}
	}
	for path, want := range map[string]string{shopToken: `Bearer realm="wxsign"`, "/v1/nothing": ""} {
		if got := w.ask(call{path: path}).Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("%s without a key: WWW-Authenticate %q", path, got)
		}
	}
	two := call{path: shopToken}.request(t.Context())
	two.Header["Authorization"] = []string{"Bearer " + key, "Bearer " + key}
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, two)
	if recorder.Code != http.StatusUnauthorized {
		t.Errorf("two headers: status %d", recorder.Code)
	}
}

// poll asks in the background.
func (w *world) poll(c call) <-chan reply {
	answer := make(chan reply, 1)
	go func() { answer <- w.ask(c) }()
	return answer
}

const agentToken = "/v1/accounts/" + agent7 + "/access_token"

// waitPatience is for what must come at once, on a machine that is busy.
const waitPatience = 30 * time.Second

func (w *world) await(what string, answer <-chan reply) reply {
	w.Helper()
	select {
	case r := <-answer:
		return r
	case <-time.After(waitPatience):
		w.Fatalf("%s: no answer", what)
		return reply{}
	}
}

func TestLongPollWakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	id, key := w.key("token ticket", agent7)
	_, byTag := w.key("token", agent7)
	live := w.current(agent7, "access_token")
	after := agentToken + "?wait=60s&after=" + strconv.FormatInt(live.Version, 10)
	polls := []<-chan reply{
		w.poll(call{path: after, key: key}),
		w.poll(call{path: agentToken + "?wait=60s", key: byTag, headers: map[string]string{"If-None-Match": tagOf(live)}}),
	}
	w.publish(agent7, keeper.KindJSAPI, "another ticket is no news to them")
	w.publish(agent7, keeper.KindAccessToken, "the next token")
	for _, p := range polls {
		r := w.await("a poll", p)
		if r.Code != http.StatusOK || r.text("access_token") != "the next token" || r.json["version"] != float64(live.Version+1) {
			t.Errorf("status %d: %s", r.Code, r.Body)
		}
	}

	// A key that is revoked while its holder waits gets nothing.
	live = w.current(agent7, "access_token")
	waiting := w.poll(call{path: agentToken + "?wait=60s&after=" + strconv.FormatInt(live.Version, 10), key: key})
	w.ok(w.keys.Revoke(t.Context(), id, apikey.Actor{Name: "test"}))
	w.publish(agent7, keeper.KindAccessToken, "the token after")
	if r := w.await("a revoked poll", waiting); r.verdict() != "key_invalid" || strings.Contains(r.Body.String(), "the token after") {
		t.Errorf("status %d: %s", r.Code, r.Body)
	}
}

func TestLongPollEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", agent7+" "+dead)
	poll := func(wait string) call {
		live := w.current(agent7, "access_token")
		return call{path: agentToken + "?wait=" + wait + "&after=" + strconv.FormatInt(live.Version, 10), key: key}
	}
	if r := w.ask(poll("20ms")); r.Code != http.StatusNotModified {
		t.Errorf("time up: status %d: %s", r.Code, r.Body)
	}
	if r := w.ask(call{path: "/v1/accounts/" + dead + "/access_token?wait=20ms&after=0", key: key}); r.verdict() != "token_not_ready" {
		t.Errorf("nothing lives: status %d: %s", r.Code, r.Body)
	}
	// A replica that lags behind the caller's last one does not call that news,
	// but tells in the end.
	ahead := call{path: agentToken + "?wait=20ms&after=99", key: key}
	if r := w.ask(ahead); r.Code != http.StatusOK {
		t.Errorf("an older version: status %d", r.Code)
	}

	long := w.poll(poll("60s"))
	w.control.EndWaits(t.Context())
	if r := w.await("the end of the process", long); r.Code != http.StatusNotModified {
		t.Errorf("the process stops: status %d: %s", r.Code, r.Body)
	}
	if r := w.await("a poll behind the end", w.poll(poll("60s"))); r.Code != http.StatusNotModified {
		t.Errorf("the process has stopped: status %d", r.Code)
	}
}

// The server's own deadlines are short; a poll moves them, and only its own.
func TestLongPollOutlastsTheServersDeadlines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	server := httptest.NewUnstartedServer(w.Handler)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 2*time.Second, 2*time.Second
	server.Start()
	t.Cleanup(server.Close)
	live := w.current(agent7, "access_token")
	address := server.URL + agentToken + "?wait=3s&after=" + strconv.FormatInt(live.Version, 10)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	w.ok(err)
	request.Header.Set("Authorization", "Bearer "+key)
	began := time.Now()
	answer, err := server.Client().Do(request)
	w.ok(err)
	w.ok(answer.Body.Close())
	if took := time.Since(began); answer.StatusCode != http.StatusNotModified || took < 3*time.Second {
		t.Errorf("status %d after %s", answer.StatusCode, took)
	}
}

// A client that leaves is not waited for.
func TestLongPollOfOneWhoLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	_, key := w.key("token", agent7)
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		live := w.current(agent7, "access_token")
		c := call{path: agentToken + "?wait=60s&after=" + strconv.FormatInt(live.Version, 10), key: key}
		w.ServeHTTP(httptest.NewRecorder(), c.request(ctx))
	}()
	leave()
	select {
	case <-done:
	case <-time.After(waitPatience):
		t.Fatal("the handler still waits")
	}
}

// Regression: polls that cannot be parked had no bound, and each of them costs
// what a hundred of the others do.
func TestPollsThatCannotBeParkedAreBounded(t *testing.T) {
	t.Parallel()
	const most, atOnce = 50_000, 500
	w := newWorld(t, options{})
	k := newContract(t)
	_, key := w.key("token", agent7)
	poll := func(wait string) call { return call{path: w.pollPath(wait), key: key} }
	var polls sync.WaitGroup
	var refused reply
	for begun := 0; refused.verdict() == ""; begun += atOnce {
		if begun > most {
			t.Fatalf("%d polls wait, and one more may", begun)
		}
		long := poll("60s") // of now: one that begins late must not wait for the next news
		for range atOnce {
			polls.Go(func() { w.ask(long) })
		}
		if r := w.ask(poll("1ms")); r.Code != http.StatusNotModified {
			refused = r
		}
	}
	if refused.Code != http.StatusTooManyRequests || refused.verdict() != "too_many_requests" || refused.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: status %d, %v, %s", refused.Code, refused.Header(), refused.Body)
	}
	k.check(t, poll("1ms"), refused)
	_, other := w.key("token", agent7)
	if r := w.ask(call{path: w.pollPath("1ms"), key: other}); r.Code != http.StatusNotModified {
		t.Errorf("the holder of another key: status %d: %s", r.Code, r.Body)
	}
	if r := w.ask(call{path: agentToken, key: key}); r.Code != http.StatusOK {
		t.Errorf("without wait: status %d: %s", r.Code, r.Body)
	}
	server, taken := w.serve()
	c := w.dial(server)
	c.say(w.pollPath("60s"), key)
	w.until("a poll that can be parked waits", func() bool { return taken.Load() == 1 })
	w.publish(agent7, keeper.KindAccessToken, "news")
	polls.Wait()
	if r := w.ask(poll("1ms")); r.Code != http.StatusNotModified {
		t.Errorf("when they are gone: status %d: %s", r.Code, r.Body)
	}
}
