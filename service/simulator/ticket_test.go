package simulator_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

func wantContains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("no %q in %s", part, text)
	}
}

func TestTicketBodyIsExact(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	form := regexp.MustCompile(`^\{"errcode":0,"errmsg":"ok","ticket":"[0-9A-Za-z_-]{86}","expires_in":7200\}$`)
	token := w.stable(false).AccessToken
	for _, method := range []string{"GET", "POST"} {
		if a := w.send(method, "/cgi-bin/ticket/getticket?type=jsapi&access_token="+token, "", ""); !form.MatchString(a.raw) {
			t.Errorf("%s: %s", method, a.raw)
		}
	}
}

func TestTicketErrors(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.classic().AccessToken
	w.want("no token", w.get("/cgi-bin/ticket/getticket?type=jsapi"), 41001)
	w.want("token in the body", w.post("/cgi-bin/ticket/getticket?type=jsapi", `{"access_token":"`+token+`"}`), 41001)
	w.want("fake token", w.ticket("85_fake", "jsapi"), 40001)
	w.want("no type", w.ticket(token, ""), 40097)
	w.want("wrong type", w.ticket(token, "agent_config"), 40097)
	for _, code := range []int{48001, 50002, 61004} {
		w.steer("/_sim/account", object{"app_id": appID, "ticket_errcode": code})
		w.want("account", w.ticket(token, "jsapi"), code)
	}
	wantContains(t, w.ticket(token, "jsapi").Errmsg, "access clientip is not registered requestIP: 127.0.0.1 rid: ")
}

func TestTicketOfARawTicketIsNoToken(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	ticket := w.ticket(w.classic().AccessToken, "jsapi").Ticket
	w.want("a ticket in place of a token", w.ticket(ticket, "jsapi"), 40001)
}

func TestTicketLimits(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.Limits.TicketDay, o.Limits.TicketMinute = 3, 2 })
	token := w.stable(false).AccessToken
	w.want("1", w.ticket(token, "jsapi"), 0)
	w.want("2", w.ticket(token, "wx_card"), 0)
	w.want("minute", w.ticket(token, "jsapi"), 45011)
	w.steer("/_sim/clock", object{"advance": "1m"})
	w.want("3", w.ticket(token, "jsapi"), 0)
	w.want("day", w.ticket(token, "jsapi"), 45009)
}

func TestStickyTicket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		first := w.ticket(w.classic().AccessToken, "jsapi")
		time.Sleep(2*time.Hour - time.Nanosecond)
		again := w.ticket(w.stable(false).AccessToken, "jsapi")
		if again.Ticket != first.Ticket || again.ExpiresIn != 7200 {
			t.Fatalf("at the end: same %t, expires_in %d", again.Ticket == first.Ticket, again.ExpiresIn)
		}
		w.wantSigns(first.Ticket, true)
		time.Sleep(time.Nanosecond)
		w.wantSigns(first.Ticket, false)
		if next := w.ticket(w.stable(false).AccessToken, "jsapi"); next.Ticket == first.Ticket {
			t.Fatal("same ticket after its end")
		}
		w.wantSigns(first.Ticket, false)
	})
}

func TestFreshTickets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, func(o *simulator.Options) { o.FreshTickets = true })
		token := w.stable(false).AccessToken
		first, second := w.ticket(token, "jsapi").Ticket, w.ticket(token, "jsapi").Ticket
		if first == second {
			t.Fatal("same ticket")
		}
		time.Sleep(2*time.Hour - time.Nanosecond)
		w.wantSigns(first, true)
		w.wantSigns(second, true)
		time.Sleep(time.Nanosecond)
		w.wantSigns(first, false)
	})
}

func TestTicketKnobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, func(o *simulator.Options) { o.TicketRemaining, o.TicketEarly = true, 5*time.Minute })
		first := w.ticket(w.stable(false).AccessToken, "jsapi")
		time.Sleep(115*time.Minute - time.Second)
		if a := w.ticket(w.stable(false).AccessToken, "jsapi"); a.Ticket != first.Ticket || a.ExpiresIn != 301 {
			t.Fatalf("301 s left: same %t, expires_in %d", a.Ticket == first.Ticket, a.ExpiresIn)
		}
		time.Sleep(time.Second)
		if a := w.ticket(w.stable(false).AccessToken, "jsapi"); a.Ticket == first.Ticket || a.ExpiresIn != 7200 {
			t.Fatalf("300 s left: same %t, expires_in %d", a.Ticket == first.Ticket, a.ExpiresIn)
		}
		w.wantSigns(first.Ticket, true)
	})
}

func TestTicketOverlapKnob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, overlap := range []time.Duration{time.Minute, -1} {
			w := inBubble(t, func(o *simulator.Options) { o.FreshTickets, o.TicketOverlap = true, overlap })
			token := w.stable(false).AccessToken
			first := w.ticket(token, "jsapi").Ticket
			w.ticket(token, "wx_card")
			w.wantSigns(first, true)
			second := w.ticket(token, "jsapi").Ticket
			w.wantSigns(first, overlap > 0)
			time.Sleep(time.Minute)
			w.wantSigns(first, false)
			w.wantSigns(second, true)
		}
	})
}

func TestTicketsDieWithTokenKnob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, die := range []bool{false, true} {
			w := inBubble(t, func(o *simulator.Options) { o.TicketsDieWithToken = die })
			first := w.ticket(w.classic().AccessToken, "jsapi").Ticket
			token := w.classic().AccessToken
			time.Sleep(5*time.Minute - time.Nanosecond)
			w.wantSigns(first, true)
			time.Sleep(time.Nanosecond)
			w.wantSigns(first, !die)
			if next := w.ticket(token, "jsapi").Ticket; (next != first) != die {
				t.Fatalf("die %t: same ticket %t", die, next == first)
			}
		}
	})
}

func TestTicketTypesStandApart(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	seen := map[string]string{}
	for _, kind := range []string{"jsapi", "wx_card", "2"} {
		ticket := w.want(kind, w.ticket(token, kind), 0).Ticket
		if was, there := seen[ticket]; there {
			t.Errorf("%s and %s are the same", was, kind)
		}
		seen[ticket] = kind
		w.wantSigns(ticket, kind == "jsapi")
	}
}

// wantSigns fails unless a signature with the ticket is good (or not).
func (w world) wantSigns(ticket string, good bool) {
	w.t.Helper()
	page := "https://h5.example.com/a?b=1"
	v := w.verify(appID, ticket, page, page)
	if v.OK != good {
		w.t.Fatalf("%s: %+v, want ok %t", time.Now().Format(time.TimeOnly), v, good)
	}
}

// verdict is the answer of verify.
type verdict struct {
	OK            bool
	Msg, URL, Why string
}

// verify signs one URL and asks with another, as a page and its client do.
func (w world) verify(app, ticket, signed string, asked ...string) verdict {
	w.t.Helper()
	var v verdict
	w.Control(w.t, "POST", "/_sim/verify", object{
		"appid": app, "noncestr": "Wm3WZYTPz0wzccnW", "timestamp": "1414587457",
		"signature": sign(ticket, "Wm3WZYTPz0wzccnW", "1414587457", signed), "urls": asked,
	}, &v)
	return v
}

// sign is the documented algorithm, written down a second time.
func sign(ticket, nonce, timestamp, page string) string {
	return sha1Of(fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%s&url=%s", ticket, nonce, timestamp, page))
}
