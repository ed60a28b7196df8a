package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

const (
	agent   = "ww0123456789abcdef:1000002"
	goodQYA = `{"errcode":0,"errmsg":"ok","access_token":"new-token_AZ09","expires_in":7200}`
	goodQYT = `{"errcode":0,"errmsg":"ok","ticket":"cjaeBh+/676zBYL4+wFjNA==","expires_in":7200}`
	goodQYI = `{"errcode":0,"errmsg":"ok","ip_list":["182.254.11.176"]}`
)

// weComCalls is every way to ask WeCom.
var weComCalls = []struct {
	name, op, good, uri string
	ask                 func(context.Context, *wechat.WeCom) (wechat.Grant, error)
}{
	{"token", "gettoken", goodQYA, "/cgi-bin/gettoken?corpid=ww0123456789abcdef&corpsecret=" + canary, func(ctx context.Context, c *wechat.WeCom) (wechat.Grant, error) {
		return c.Token(ctx, wechat.TokenRequest{AppID: agent, Secret: secret.New(canary), Mode: wechat.WeComMode})
	}},
	{"corp's ticket", "get_jsapi_ticket", goodQYT, "/cgi-bin/get_jsapi_ticket?access_token=" + canary, askWeComTicket(wechat.KindJSAPI)},
	{
		"agent's ticket", "ticket/get", goodQYT, "/cgi-bin/ticket/get?access_token=" + canary + "&type=agent_config",
		askWeComTicket(wechat.KindAgentConfig),
	},
	{"probe", "getcallbackip", goodQYI, "/cgi-bin/getcallbackip?access_token=" + canary, func(ctx context.Context, c *wechat.WeCom) (wechat.Grant, error) {
		return wechat.Grant{}, c.Probe(ctx, secret.New(canary))
	}},
}

func askWeComTicket(kind string) func(context.Context, *wechat.WeCom) (wechat.Grant, error) {
	return func(ctx context.Context, c *wechat.WeCom) (wechat.Grant, error) {
		return c.Ticket(ctx, secret.New(canary), kind)
	}
}

func newWeCom(t *testing.T, o wechat.Options) *wechat.WeCom {
	t.Helper()
	c, err := wechat.NewWeCom(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestRequestsAreWhatWeComDocuments(t *testing.T) {
	t.Parallel()
	for _, call := range weComCalls {
		t.Run(call.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, say(call.good))
			grant, err := call.ask(t.Context(), newWeCom(t, wechat.Options{BaseURL: s.URL + "/prefix"}))
			if err != nil {
				t.Fatal(err)
			}
			want := []seen{{Method: "GET", URI: "/prefix" + call.uri, Agent: "wxsign"}}
			if diff := cmp.Diff(want, s.requests(), cmpopts.IgnoreFields(seen{}, "ConnectionRemoteEnd")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if value := grant.Value.Reveal(); call.name != "probe" && (!strings.Contains(call.good, value) || value == "" || grant.ExpiresIn != 2*time.Hour) {
				t.Errorf("got %q for %v", value, grant.ExpiresIn)
			}
		})
	}
}

func TestWeComErrcodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code        int
		token, call wechat.Class // at gettoken, and elsewhere
		pause       time.Duration
		mend        string
	}{
		{-1, transient, transient, 0, "WeCom is busy"},
		{40001, human, human, time.Hour, "secret"}, // not a dead token, as it is at WeChat
		{40091, human, human, time.Hour, "secret"},
		{40014, transient, dead, 0, ""},
		{42001, transient, dead, 0, ""},
		{40013, human, human, 0, "corp_id"},
		{40097, human, human, 0, "wecom_base_url"},
		{41001, human, human, 0, "malformed"},
		{41002, human, human, 0, "malformed"},
		{41004, human, human, 0, "malformed"},
		{45009, minute, minute, 10 * time.Minute, "100 times an hour"},
		{45011, minute, minute, time.Minute, "minute"},
		{45033, minute, minute, time.Minute, "minute"},
		{48002, human, human, 0, "permissions"},
		{50001, human, human, 0, "可信域名"},
		{80001, human, human, 0, "可信域名"},
		{50003, human, human, 0, "disabled"},
		{301002, human, human, 0, "agent_id"},
		{60020, human, human, 0, "企业可信IP"},
		{40125, transient, transient, 0, "全局错误码"}, // WeChat's, unknown here
		{42009, transient, transient, 0, "全局错误码"}, // of third-party apps
	} {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			t.Parallel()
			c := newWeCom(t, wechat.Options{BaseURL: serve(t, say(fmt.Sprintf(
				`{"errcode":%d,"errmsg":"some words, hint: [1642406569024700231269230], from ip: 1.2.3.4, more info at https://open.work.weixin.qq.com/devtool/query?e=1","ip_list":[]}`, tt.code))).URL})
			for _, call := range weComCalls {
				_, err := call.ask(t.Context(), c)
				e := mustFail(t, err)
				want := tt.call
				if call.name == "token" {
					want = tt.token
				}
				if e.Class != want || e.Pause() != tt.pause || !strings.Contains(e.Mend(), tt.mend) || strings.Contains(e.Mend(), "WeChat") {
					t.Errorf("%s: class %v, want %v; pause %v, mend %q", call.name, e.Class, want, e.Pause(), e.Mend())
				}
				got := []string{e.Op, e.Errmsg, e.RID, e.IP}
				text := []string{call.op, "some words, from ip: 1.2.3.4, more info at https://open.work.weixin.qq.com/devtool/query?e=1", "1642406569024700231269230", "1.2.3.4"}
				if diff := cmp.Diff(text, got); diff != "" {
					t.Errorf("%s: (-want +got):\n%s", call.name, diff)
				}
			}
		})
	}
}

// What WeCom was seen to write, to the letter.
func TestWeComErrmsg(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, errmsg, text, hint, ip string }{
		{
			"hint and address", `invalid corpid, hint: [1642406569024700231269230], from ip: 1.2.3.4, more info at https://open.work.weixin.qq.com/devtool/query?e=40013`,
			"invalid corpid, from ip: 1.2.3.4, more info at https://open.work.weixin.qq.com/devtool/query?e=40013", "1642406569024700231269230", "1.2.3.4",
		},
		{"made-up token", `invalid access_token`, "invalid access_token", "", ""},
		{"IPv6", `not allow to access from your ip, hint: [1-2_3], from ip: 2408:8000::1, more`, "not allow to access from your ip, from ip: 2408:8000::1, more", "1-2_3", "2408:8000::1"},
		{"WeChat's rid is none here", `words rid: 1-2-3`, "words rid: 1-2-3", "", ""},
		{"quotes the secret", `bad ` + canary + `, hint: [` + canary + `]`, "bad [redacted]", "[redacted]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newWeCom(t, wechat.Options{BaseURL: serve(t, say(fmt.Sprintf(`{"errcode":60020,"errmsg":%q}`, tt.errmsg))).URL})
			for _, call := range weComCalls {
				_, err := call.ask(t.Context(), c)
				e := mustFail(t, err)
				if diff := cmp.Diff([]string{tt.text, tt.hint, tt.ip}, []string{e.Errmsg, e.RID, e.IP}); diff != "" {
					t.Errorf("%s: text, hint, ip (-want +got):\n%s", call.name, diff)
				}
				if !strings.HasPrefix(e.Error(), "wecom "+call.op) {
					t.Errorf("error %q", e.Error())
				}
			}
		})
	}
}

// Nothing is sent that cannot work.
func TestWeComWrongRequests(t *testing.T) {
	t.Parallel()
	s := serve(t, say(goodQYA))
	c := newWeCom(t, wechat.Options{BaseURL: s.URL})
	token := func(r wechat.TokenRequest) func(context.Context) error {
		return func(ctx context.Context) error { _, err := c.Token(ctx, r); return err }
	}
	key := secret.New(canary)
	for name, ask := range map[string]func(context.Context) error{
		"no agent":       token(wechat.TokenRequest{AppID: "ww1", Secret: key}),
		"no corp":        token(wechat.TokenRequest{AppID: ":1", Secret: key}),
		"no secret":      token(wechat.TokenRequest{AppID: agent}),
		"mode of WeChat": token(wechat.TokenRequest{AppID: agent, Secret: key, Mode: wechat.Stable}),
		"force":          token(wechat.TokenRequest{AppID: agent, Secret: key, Force: true}),
		"kind of WeChat": func(ctx context.Context) error { _, err := c.Ticket(ctx, key, wechat.KindWxCard); return err },
		"ticket no token": func(ctx context.Context) error {
			_, err := c.Ticket(ctx, secret.Secret{}, wechat.KindJSAPI)
			return err
		},
		"probe no token": func(ctx context.Context) error { return c.Probe(ctx, secret.Secret{}) },
	} {
		if err := ask(t.Context()); !errors.Is(err, wechat.ErrRequest) || mustFail(t, err).Class != human {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := s.requests(); len(got) > 0 {
		t.Errorf("sent %+v", got)
	}
}

func TestWeComNeedsHTTPS(t *testing.T) {
	t.Parallel()
	if _, err := wechat.NewWeCom(wechat.Options{BaseURL: "http://qyapi.weixin.qq.com"}); err == nil {
		t.Error("plain http was taken")
	}
	if _, err := wechat.NewWeCom(wechat.Options{}); err != nil {
		t.Error(err)
	}
}

// Trouble of the network is told with WeCom's name and key.
func TestWeComMendsOfTheNetwork(t *testing.T) {
	t.Parallel()
	c := newWeCom(t, wechat.Options{BaseURL: serve(t, say("<html>")).URL})
	e := mustFail(t, c.Probe(t.Context(), secret.New(canary)))
	mend := e.Mend()
	if !errors.Is(e, wechat.ErrGarbage) || !strings.Contains(mend, "wechat.wecom_base_url") || strings.Contains(mend, "WeChat") {
		t.Errorf("%v: %q", e, mend)
	}
}
