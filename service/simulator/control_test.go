package simulator_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/simulator"
)

func sha256Of(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

type truthValue struct {
	AppID     string `json:"app_id"`
	Kind      string
	Chain     string
	Current   bool
	SHA256    string
	Value     string
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (w world) truth(app string) []truthValue {
	w.t.Helper()
	var view struct{ Values []truthValue }
	w.Control(w.t, "GET", "/_sim/truth?app_id="+app, nil, &view)
	return view.Values
}

func TestTruth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		start := time.Now()
		first, stable := w.classic().AccessToken, w.stable(false).AccessToken
		time.Sleep(time.Minute)
		second := w.classic().AccessToken
		ticket := w.ticket(second, "wx_card").Ticket
		want := []truthValue{
			{appID, "access_token", "classic", false, sha256Of(first), first, start, start.Add(6 * time.Minute)},
			{appID, "access_token", "stable", true, sha256Of(stable), stable, start, start.Add(2 * time.Hour)},
			{appID, "access_token", "classic", true, sha256Of(second), second, start.Add(time.Minute), start.Add(121 * time.Minute)},
			{appID, "wx_card", "ticket", true, sha256Of(ticket), ticket, start.Add(time.Minute), start.Add(121 * time.Minute)},
		}
		if diff := cmp.Diff(want, w.truth(appID)); diff != "" {
			t.Error(diff)
		}
		time.Sleep(5 * time.Minute)
		if diff := cmp.Diff(want[1:], w.truth(appID)); diff != "" {
			t.Error(diff)
		}
		if len(w.truth(other)) != 0 || len(w.truth("")) != 3 {
			t.Error("the other account has nothing")
		}
	})
}

func TestTruthCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		token := w.classic().AccessToken
		end := time.Now().Add(2 * time.Hour)
		type check struct {
			Known, Alive bool
			ExpiresAt    time.Time `json:"expires_at"`
			DeadSince    time.Time `json:"dead_since"`
			Why          string
		}
		ask := func(app, kind, hash string) (c check) {
			w.Control(t, "POST", "/_sim/truth/check", object{"app_id": app, "kind": kind, "sha256": hash}, &c)
			return c
		}
		hash := sha256Of(token)
		for name, row := range map[string]struct{ got, want check }{
			"alive":           {ask(appID, "access_token", hash), check{Known: true, Alive: true, ExpiresAt: end}},
			"upper case":      {ask(appID, "access_token", strings.ToUpper(hash)), check{Known: true, Alive: true, ExpiresAt: end}},
			"another kind":    {ask(appID, "jsapi", hash), check{}},
			"another account": {ask(other, "access_token", hash), check{}},
			"unknown":         {ask(appID, "access_token", sha256Of("x")), check{}},
		} {
			if diff := cmp.Diff(row.want, row.got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		time.Sleep(3 * time.Hour)
		if diff := cmp.Diff(check{Known: true, DeadSince: end, Why: "its life was over"}, ask(appID, "access_token", hash)); diff != "" {
			t.Error(diff)
		}
		if a := w.post("/_sim/truth/check", `{"app_id":"wxnone"}`); a.status != http.StatusBadRequest {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	classic, stable := w.classic().AccessToken, w.stable(false).AccessToken
	w.steer("/_sim/revoke", object{"app_id": appID, "what": "token", "kind": "classic"})
	w.wantProbe("revoked", classic, 40001)
	w.wantProbe("the other chain", stable, 0)
	jsapi, card := w.ticket(stable, "jsapi").Ticket, w.ticket(stable, "wx_card").Ticket
	w.steer("/_sim/revoke", object{"app_id": appID, "what": "ticket"})
	w.wantSigns(jsapi, false)
	if w.ticket(stable, "jsapi").Ticket == jsapi || w.ticket(stable, "wx_card").Ticket == card {
		t.Error("revoked tickets are still handed out")
	}
	w.steer("/_sim/revoke", object{"app_id": appID, "what": "token"})
	w.wantProbe("revoked", stable, 40001)
	if next := w.stable(false); next.AccessToken == stable || next.ExpiresIn != 7200 {
		t.Error("a revoked token is still handed out")
	}
	for _, body := range []string{
		`{"app_id":"wxnone","what":"token"}`, `{"app_id":"` + appID + `","what":"x"}`, `{"app_id":"` + appID + `"}`,
		`{"app_id":"` + appID + `","what":"token","kind":"jsapi"}`, `{"app_id":"` + appID + `","what":"ticket","kind":"stable"}`,
	} {
		if a := w.post("/_sim/revoke", body); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, a.status, a.raw)
		}
	}
}

// The worst case: the token is dead and a normal call answers it again.
func TestRevokeStillServed(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	ticket := w.ticket(token, "jsapi").Ticket
	w.steer("/_sim/revoke", object{"app_id": appID, "what": "ticket", "kind": "jsapi", "still_served": true})
	if again := w.ticket(token, "jsapi").Ticket; again != ticket {
		t.Error("another ticket")
	}
	w.wantSigns(ticket, false)
	w.steer("/_sim/revoke", object{"app_id": appID, "what": "token", "kind": "stable", "still_served": true})
	if again := w.stable(false).AccessToken; again != token {
		t.Error("another token")
	}
	w.wantProbe("dead", token, 40001)
	forced := w.stable(true).AccessToken
	w.wantProbe("forced", forced, 0)
	w.wantProbe("dead for good", token, 40001)
}

func TestOverwrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		classic, stable := w.classic().AccessToken, w.stable(false).AccessToken
		calls := w.ledger("").All.Calls
		var rival truthValue
		w.Control(t, "POST", "/_sim/overwrite", object{"app_id": appID, "mode": "classic"}, &rival)
		w.wantProbe("rival's token", rival.Value, 0)
		w.steer("/_sim/overwrite", object{"app_id": appID, "mode": "force"})
		if n := w.ledger("").All.Calls - calls; n != 1 {
			t.Errorf("%d calls in the ledger, want the probe alone", n)
		}
		w.wantProbe("in the overlap", classic, 0)
		w.wantProbe("in the overlap", stable, 0)
		time.Sleep(5 * time.Minute)
		w.wantProbe("overwritten", classic, 40001)
		w.wantProbe("overwritten", stable, 40001)
		if got := w.stable(true).AccessToken; got == stable {
			t.Error("same token")
		}
		if a := w.post("/_sim/overwrite", `{"app_id":"`+appID+`","mode":"x"}`); a.status != http.StatusBadRequest {
			t.Errorf("%d %s", a.status, a.raw)
		}
	})
}

func TestClock(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.classic().AccessToken
	w.steer("/_sim/clock", object{"advance": "2h"})
	w.wantProbe("2 h later", token, 42001)
	w.steer("/_sim/clock", object{"advance": "-1h"})
	w.wantProbe("clock set back", token, 0)
	if a := w.post("/_sim/clock", `{"advance":"tomorrow"}`); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestAccountChange(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.classic().AccessToken
	w.steer("/_sim/account", object{"app_id": appID, "secret": "rotated"})
	w.want("old secret", w.classic(), 40125)
	w.want("new secret", w.get(strings.Replace(classicTarget, appKey, "rotated", 1)), 0)
	w.wantProbe("a token outlives its secret", token, 0)
	ticket := w.ticket(token, "jsapi").Ticket
	w.steer("/_sim/account", object{"app_id": appID, "domains": []string{"new.example.com"}})
	if v := w.verify(appID, ticket, "https://h5.example.com/", "https://h5.example.com/"); v.Msg != "invalid url domain" {
		t.Errorf("%+v", v)
	}
	for _, body := range []string{
		`{"app_id":"wxnone"}`, `{"app_id":"` + appID + `","secret":""}`, `{"app_id":"` + appID + `","domains":["https://x"]}`,
		`{"app_id":"` + appID + `","allowed_ips":["1.2.3.*"]}`, `{"app_id":"` + appID + `","token_errcode":1}`,
	} {
		if a := w.post("/_sim/account", body); a.status != 400 || strings.Contains(a.raw, "rotated") {
			t.Errorf("%s: %d %s", body, a.status, a.raw)
		}
	}
	w.want("a refused change changes nothing", w.get(strings.Replace(classicTarget, appKey, "rotated", 1)), 0)
}

func TestControlGuard(t *testing.T) {
	t.Parallel()
	sim, err := simulator.New(options())
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		method, path, peer, origin string
		status                     int
	}{
		"loopback":          {"GET", "/_sim/truth", "127.0.0.1:1", "", 200},
		"loopback, IPv6":    {"GET", "/_sim/truth", "[::1]:1", "", 200},
		"loopback, mapped":  {"GET", "/_sim/truth", "[::ffff:127.0.0.1]:1", "", 200},
		"another host":      {"GET", "/_sim/truth", "192.0.2.1:1", "", 403},
		"no address":        {"GET", "/_sim/truth", "pipe", "", 403},
		"a page of a site":  {"DELETE", "/_sim/fault", "127.0.0.1:1", "https://evil.example", 403},
		"unknown":           {"GET", "/_sim/x", "127.0.0.1:1", "", 404},
		"wrong method":      {"GET", "/_sim/revoke", "127.0.0.1:1", "", 404},
		"WeChat from there": {"GET", "/cgi-bin/token", "192.0.2.1:1", "", 200},
	} {
		request := httptest.NewRequest(row.method, row.path, nil)
		request.RemoteAddr = row.peer
		if row.origin != "" {
			request.Header.Set("Origin", row.origin)
		}
		recorder := httptest.NewRecorder()
		sim.ServeHTTP(recorder, request)
		if recorder.Code != row.status {
			t.Errorf("%s: %d %s", name, recorder.Code, recorder.Body)
		}
	}
}

// Everything at once: meant for the race detector, and for the promise that
// totals add up.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.Limits.TokenMinute = -1 })
	w.steer("/_sim/fault", object{"path": "/cgi-bin/token", "mode": "slow", "delay": "1ms", "count": -1})
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 20 {
				token := w.classic().AccessToken
				w.stable(true)
				w.verify(appID, w.ticket(token, "jsapi").Ticket, "https://h5.example.com/", "https://h5.example.com/")
				w.get("/_sim/truth")
				w.get("/_sim/ledger?since=1000000")
				w.post("/_sim/account", `{"app_id":"`+appID+`","domains":["h5.example.com"]}`)
				w.post("/_sim/clock", `{"advance":"1ms"}`)
			}
		})
	}
	workers.Wait()
	all := w.ledger("")
	if all.All.Calls != 8*20*3 || all.All.InFlight != 0 || all.Totals["/cgi-bin/token"].Issued != 160 || all.All.InFlightPeak > 8 {
		t.Errorf("%+v", all.All)
	}
	if peak := all.Totals["/cgi-bin/token"].InFlightPeak; peak < 2 {
		t.Errorf("8 workers never met in a slow call: peak %d", peak)
	}
	if all.All.Calls != all.All.OK+all.All.Failed {
		t.Errorf("%+v", all.All)
	}
}

func TestNothingGrowsForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, func(o *simulator.Options) { o.FreshTickets, o.Limits = true, simulator.Limits{TicketDay: -1} })
		first := w.ticket(w.stable(false).AccessToken, "jsapi").Ticket
		for range 5 {
			time.Sleep(time.Hour)
			w.ticket(w.stable(false).AccessToken, "jsapi")
		}
		var c struct{ Known bool }
		w.Control(t, "POST", "/_sim/truth/check", object{"app_id": appID, "kind": "jsapi", "sha256": sha256Of(first)}, &c)
		if c.Known {
			t.Error("a ticket that died 3 hours ago is still remembered")
		}
	})
}
