package wechat_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

func TestRequestsAreWhatWeChatDocuments(t *testing.T) {
	t.Parallel()
	post := func(force string) seen {
		return seen{
			Method: "POST", URI: "/cgi-bin/stable_token", ContentType: "application/json", Agent: "wxsign", HasContentLength: true,
			Body: `{"grant_type":"client_credential","appid":"` + appID + `","secret":"` + canary + `","force_refresh":` + force + `}`,
		}
	}
	get := func(uri string) seen { return seen{Method: "GET", URI: uri, Agent: "wxsign"} }
	want := map[string]seen{
		"stable":  post("false"),
		"forced":  post("true"),
		"classic": get("/cgi-bin/token?appid=" + appID + "&grant_type=client_credential&secret=" + canary),
		"ticket":  get("/cgi-bin/ticket/getticket?access_token=" + canary + "&type=jsapi"),
		"probe":   get("/cgi-bin/getcallbackip?access_token=" + canary),
	}
	for _, call := range calls {
		t.Run(call.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, say(call.good))
			if _, err := call.ask(t.Context(), newClient(t, wechat.Options{BaseURL: s.URL})); err != nil {
				t.Fatal(err)
			}
			got := s.requests()
			if diff := cmp.Diff([]seen{want[call.name]}, got, cmpopts.IgnoreFields(seen{}, "ConnectionRemoteEnd")); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGrant(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, value string
		life              time.Duration
	}{
		{"documented", goodAt, "11_new-token_AZ09", 2 * time.Hour},
		{"rest of a stable token", `{"access_token":"a","expires_in":345}`, "a", 345 * time.Second},
		{"one second", `{"access_token":"a","expires_in":1}`, "a", time.Second},
		{"errcode 0 and unknown fields", `{"errcode":0,"errmsg":"ok","access_token":"a","expires_in":7200,"more":{"x":[1]}}`, "a", 2 * time.Hour},
		{"blanks around", " \n" + goodAt + "\r\n ", "11_new-token_AZ09", 2 * time.Hour},
		{"longer than documented", `{"access_token":"a","expires_in":7201}`, "a", 2 * time.Hour},
		{"longer than a number", `{"access_token":"a","expires_in":99999999999999999999999}`, "a", 2 * time.Hour},
		{"base64 alphabet", `{"access_token":"a+/=","expires_in":7200}`, "a+/=", 2 * time.Hour},
		{"1024 bytes", `{"access_token":"` + long(1024) + `","expires_in":7200}`, long(1024), 2 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, wechat.Options{BaseURL: serve(t, say(tt.body)).URL})
			got, err := askToken(wechat.Stable, false)(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if got.Value.Reveal() != tt.value || got.ExpiresIn != tt.life {
				t.Errorf("got %q for %v, want %q for %v", got.Value.Reveal(), got.ExpiresIn, tt.value, tt.life)
			}
		})
	}
}

func TestTicketKinds(t *testing.T) {
	t.Parallel()
	s := serve(t, say(goodTk))
	c := newClient(t, wechat.Options{BaseURL: s.URL})
	for _, kind := range []string{wechat.KindJSAPI, wechat.KindWxCard} {
		got, err := c.Ticket(t.Context(), secret.New(canary), kind)
		if err != nil || got.Value.Reveal() != "new-ticket_AZ09" || got.ExpiresIn != 2*time.Hour {
			t.Errorf("%s: got %q, %v, %v", kind, got.Value.Reveal(), got.ExpiresIn, err)
		}
	}
	uris := []string{s.requests()[0].URI, s.requests()[1].URI}
	want := []string{
		"/cgi-bin/ticket/getticket?access_token=" + canary + "&type=jsapi",
		"/cgi-bin/ticket/getticket?access_token=" + canary + "&type=wx_card",
	}
	if diff := cmp.Diff(want, uris); diff != "" {
		t.Error(diff)
	}
}

// A request that can never work costs no call and no quota.
func TestWrongArgumentsAreNotSent(t *testing.T) {
	t.Parallel()
	s := serve(t, say(goodAt))
	c := newClient(t, wechat.Options{BaseURL: s.URL})
	token := func(r wechat.TokenRequest) func(context.Context) error {
		return func(ctx context.Context) error { _, err := c.Token(ctx, r); return err }
	}
	key := secret.New(canary)
	for name, ask := range map[string]func(context.Context) error{
		"no AppID":        token(wechat.TokenRequest{Secret: key}),
		"no AppSecret":    token(wechat.TokenRequest{AppID: appID}),
		"unknown mode":    token(wechat.TokenRequest{AppID: appID, Secret: key, Mode: "stabel"}),
		"forced classic":  token(wechat.TokenRequest{AppID: appID, Secret: key, Mode: wechat.Classic, Force: true}),
		"unknown kind":    func(ctx context.Context) error { _, err := c.Ticket(ctx, key, "agent_config"); return err },
		"ticket no token": func(ctx context.Context) error { _, err := c.Ticket(ctx, secret.Secret{}, "jsapi"); return err },
		"probe no token":  func(ctx context.Context) error { return c.Probe(ctx, secret.Secret{}) },
	} {
		e := mustFail(t, ask(t.Context()))
		if !errors.Is(e, wechat.ErrRequest) || e.Class != wechat.NeedsHuman {
			t.Errorf("%s: got %v of class %v", name, e, e.Class)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests went out", n)
	}
}

func TestModeDefaultsToStable(t *testing.T) {
	t.Parallel()
	s := serve(t, say(goodAt))
	if _, err := askToken("", false)(t.Context(), newClient(t, wechat.Options{BaseURL: s.URL})); err != nil {
		t.Fatal(err)
	}
	if got := s.requests()[0].URI; got != "/cgi-bin/stable_token" {
		t.Errorf("asked %s", got)
	}
}
