package simulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

// exchange is what a client gets from one call.
type exchange struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (w world) exchange(ctx context.Context, target string) (x exchange) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+target, nil)
	if err != nil {
		return exchange{err: err}
	}
	response, err := w.Client.Do(request)
	if err != nil {
		return exchange{err: err}
	}
	defer response.Body.Close()
	x.status, x.header = response.StatusCode, response.Header
	x.body, x.err = io.ReadAll(response.Body)
	return x
}

// whole reports whether all of an answer came, with this status.
func (x exchange) whole(status int) bool { return x.err == nil && x.status == status }

func TestFaultModes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		fault object
		check func(exchange) bool
	}{
		"errcode": {object{"errcode": -1}, func(x exchange) bool {
			return x.whole(200) && bytes.HasPrefix(x.body, []byte(`{"errcode":-1,"errmsg":"system error rid: `))
		}},
		"errcode and errmsg": {object{"errcode": 40001, "errmsg": "my words"}, func(x exchange) bool {
			return x.whole(200) && bytes.HasPrefix(x.body, []byte(`{"errcode":40001,"errmsg":"my words rid: `))
		}},
		"errcode that names the caller": {object{"errcode": 40164}, func(x exchange) bool {
			return x.whole(200) && bytes.Contains(x.body, []byte(`"invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: `))
		}},
		"cut": {object{"mode": "cut"}, func(x exchange) bool {
			return x.status == http.StatusOK && errors.Is(x.err, io.ErrUnexpectedEOF) && len(x.body) > 0 && !json.Valid(x.body)
		}},
		"garbage": {object{"mode": "garbage"}, func(x exchange) bool {
			return x.whole(200) && len(x.body) == 512 && !json.Valid(x.body)
		}},
		"html": {object{"mode": "html"}, func(x exchange) bool {
			return x.whole(200) && bytes.Contains(x.body, []byte("<html>")) && x.header.Get("Content-Type") == "text/html; charset=utf-8"
		}},
		"empty":  {object{"mode": "empty"}, func(x exchange) bool { return x.whole(200) && len(x.body) == 0 }},
		"status": {object{"mode": "status"}, func(x exchange) bool { return x.whole(502) && len(x.body) > 0 }},
		"status of your own": {object{"mode": "status", "status": 503, "body": "busy"}, func(x exchange) bool {
			return x.whole(503) && string(x.body) == "busy"
		}},
		"huge": {object{"mode": "huge"}, func(x exchange) bool {
			return x.whole(200) && len(x.body) > 16<<20 && json.Valid(x.body)
		}},
		"gzip": {object{"mode": "gzip"}, func(x exchange) bool { return x.err != nil }},
		"body": {object{"mode": "body", "body": `{"access_token":"","expires_in":"7200"}`}, func(x exchange) bool {
			return x.whole(200) && string(x.body) == `{"access_token":"","expires_in":"7200"}`
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, issue := range []bool{false, true} {
				w := onLoopback(t)
				row.fault["path"], row.fault["issue"] = "/cgi-bin/token", issue
				w.steer("/_sim/fault", row.fault)
				if x := w.exchange(t.Context(), classicTarget); !row.check(x) {
					t.Errorf("issue %t: status %d, %d bytes %.100q, %v", issue, x.status, len(x.body), x.body, x.err)
				}
				want := 0
				if issue {
					want = 1
				}
				if n := len(w.truth(appID)); n != want {
					t.Errorf("issue %t: %d tokens were issued, want %d", issue, n, want)
				}
				w.want("the call after", w.classic(), 0)
			}
		})
	}
}

func TestSlowAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		for _, issue := range []bool{false, true} {
			w.steer("/_sim/fault", object{"path": "*", "mode": "slow", "delay": "2s", "issue": issue})
			start := time.Now()
			a := w.want("slow", w.classic(), 0)
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("took %s", took)
			}
			for _, v := range w.truth(appID) {
				wantAt := start
				if !issue {
					wantAt = start.Add(2 * time.Second)
				}
				if v.Value == a.AccessToken && !v.IssuedAt.Equal(wantAt) {
					t.Errorf("issue %t: issued %s after the start", issue, v.IssuedAt.Sub(start))
				}
			}
		}
	})
}

// A client that gives up loses the answer; whether the call took effect is the
// fault's choice.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, mode := range []string{"slow", "hang"} {
			for _, issue := range []bool{false, true} {
				w := inBubble(t)
				first := w.classic().AccessToken
				fault := object{"path": "/cgi-bin/token", "mode": mode, "issue": issue}
				if mode == "slow" {
					fault["delay"] = "1m"
				}
				w.steer("/_sim/fault", fault)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				x := w.exchange(ctx, classicTarget)
				cancel()
				if !errors.Is(x.err, context.DeadlineExceeded) {
					t.Fatalf("%s: %v", mode, x.err)
				}
				time.Sleep(2 * time.Minute)
				w.wantProbe("first token", first, 0)
				time.Sleep(4 * time.Minute)
				want := 0
				if issue {
					want = 40001
				}
				w.wantProbe(mode+": first token, after the overlap", first, want)
				if all := w.ledger("").All; all.InFlight != 0 {
					t.Errorf("%s: %d calls in flight", mode, all.InFlight)
				}
			}
		}
	})
}

func TestClearingFreesHungCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		w.steer("/_sim/fault", object{"path": "*", "mode": "hang", "count": -1})
		failed := make(chan error)
		w.Client.CloseIdleConnections() // net/http repeats a GET that broke on a kept connection
		go func() { failed <- w.exchange(t.Context(), classicTarget).err }()
		synctest.Wait()
		if in := w.ledger("").Totals["/cgi-bin/token"].InFlight; in != 1 {
			t.Fatalf("%d in flight", in)
		}
		w.Control(t, "DELETE", "/_sim/fault", nil, nil)
		if err := <-failed; err == nil {
			t.Error("a hung call must end without an answer")
		}
		w.want("afterwards", w.classic(), 0)
	})
}

// While a call hangs, others are answered: no lock is held.
func TestFaultsHoldNoLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		w.steer("/_sim/fault", object{"path": "/cgi-bin/token", "mode": "slow", "delay": "1h", "issue": true})
		done := make(chan answer)
		go func() { done <- w.classic() }()
		synctest.Wait()
		start := time.Now()
		for range 100 {
			w.want("others", w.stable(false), 0)
		}
		if !time.Now().Equal(start) {
			t.Error("others had to wait")
		}
		w.want("the slow one", <-done, 0)
	})
}

func TestFaultCountPathAndAccount(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	w.steer("/_sim/fault", object{"path": "/cgi-bin/token", "errcode": -1, "count": 2})
	w.want("another path", w.stable(false), 0)
	w.want("1", w.classic(), -1)
	w.want("2", w.classic(), -1)
	w.want("3", w.classic(), 0)
	w.steer("/_sim/fault", object{"path": "*", "app_id": other, "errcode": 45011, "count": -1})
	w.want("another account", w.classic(), 0)
	w.want("another account, by body", w.stable(false), 0)
	for range 5 {
		w.want("this account, by query", w.get("/cgi-bin/token?appid="+other), 45011)
		w.want("this account, by body", w.post("/cgi-bin/stable_token", `{"appid":"`+other+`"}`), 45011)
	}
	w.Control(t, "DELETE", "/_sim/fault", nil, nil)
	w.want("cleared", w.get("/cgi-bin/token?appid="+other), 41004)
	token := w.get("/cgi-bin/token?grant_type=client_credential&appid=" + other + "&secret=another+secret").AccessToken
	w.steer("/_sim/fault", object{"path": "*", "app_id": other, "errcode": 48001})
	w.want("this account, by token", w.ticket(token, "jsapi"), 48001)
}

func TestFaultsQueueInOrder(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	for _, code := range []int{-1, 45011} {
		w.steer("/_sim/fault", object{"path": "*", "errcode": code})
	}
	var list struct{ Faults []object }
	w.Control(t, "GET", "/_sim/fault", nil, &list)
	if len(list.Faults) != 2 || list.Faults[1]["errcode"] != 45011.0 {
		t.Errorf("%v", list)
	}
	w.want("1", w.classic(), -1)
	w.want("2", w.classic(), 45011)
	w.want("3", w.classic(), 0)
}

func TestFaultsRefused(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	for body, part := range map[string]string{
		`{}`: "path", `{"path":"x","errcode":1}`: "path", `{"path":"/_sim/ledger","errcode":1}`: "control",
		`{"path":"*"}`: "mode", `{"path":"*","mode":"explode"}`: "explode", `{"path":"*","mode":"cut","errcode":1}`: "without a mode",
		`{"path":"*","mode":"errcode"}`: "errcode", `{"path":"*","mode":"slow"}`: "delay",
		`{"path":"*","mode":"slow","delay":"2"}`: "delay", `{"path":"*","mode":"slow","delay":"-2s"}`: "delay",
		`{"path":"*","mode":"slow","delay":"1000h"}`: "delay",
		`{"path":"*","mode":"status","status":99}`:   "status", `{"path":"*","mode":"status","status":204}`: "no body",
		`{"path":"*","mode":"cut","status":500}`: "status",
		`{"path":"*","mode":"cut","body":"x"}`:   "body", `{"path":"*","errcode":1,"count":-2}`: "count",
		`{"path":"*","errcode":1,"app_id":"wxnone"}`: "app_id", `{"path":"*","errcode":1,"cuont":1}`: "cuont", `x`: "body", ``: "body",
	} {
		if a := w.post("/_sim/fault", body); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, a.status, a.raw)
		} else {
			wantContains(t, a.raw, part)
		}
	}
	w.want("nothing was accepted", w.classic(), 0)
}

func FuzzFault(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `{"path":"*","mode":"slow","delay":"1s"}`, `{"path":"/cgi-bin/token","errcode":-1,"count":-1}`,
		`{"path":"*","mode":"status","status":599,"body":"x","issue":true}`, `{"path":"*","errcode":1e3}`, `{"path":"*","errcode":1}{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sim, err := simulator.New(options())
		if err != nil {
			t.Fatal(err)
		}
		ask := func(method string, body []byte) (int, object) {
			request := httptest.NewRequest(method, "/_sim/fault", bytes.NewReader(body))
			request.RemoteAddr = "127.0.0.1:1"
			recorder := httptest.NewRecorder()
			sim.ServeHTTP(recorder, request)
			var answer object
			if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
				t.Fatalf("%d %q: %v", recorder.Code, recorder.Body, err)
			}
			return recorder.Code, answer
		}
		status, answer := ask("POST", body)
		_, list := ask("GET", nil)
		active := len(list["faults"].([]any))
		if accepted := status == http.StatusOK && active == 1; !accepted && (status != 400 || active != 0 || answer["error"] == "") {
			t.Fatalf("status %d, %d active: %v", status, active, answer)
		}
	})
}
