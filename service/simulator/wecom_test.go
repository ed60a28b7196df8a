package simulator_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

const (
	corp   = "ww0123456789abcdef"
	agent2 = corp + ":1000002"
	agent7 = corp + ":1000007"
)

// withCorp adds a corp with two agents, and another corp.
func withCorp(change ...func(*simulator.Options)) func(*simulator.Options) {
	return func(o *simulator.Options) {
		o.Accounts = append(o.Accounts,
			simulator.Account{AppID: agent2, Secret: "secret-2", Domains: []string{"work.example.com"}},
			simulator.Account{AppID: agent7, Secret: "secret-7", Domains: []string{"desk.example.com"}},
			simulator.Account{AppID: "wwother:1", Secret: "secret-other"})
		for _, f := range change {
			f(o)
		}
	}
}

func (w world) getToken(secret string) answer {
	w.t.Helper()
	return w.get("/qyapi/cgi-bin/gettoken?corpid=" + corp + "&corpsecret=" + secret)
}

func (w world) corpTicket(token string) answer {
	w.t.Helper()
	return w.get("/qyapi/cgi-bin/get_jsapi_ticket?access_token=" + url.QueryEscape(token))
}

func (w world) agentTicket(token string) answer {
	w.t.Helper()
	return w.get("/qyapi/cgi-bin/ticket/get?type=agent_config&access_token=" + url.QueryEscape(token))
}

func TestWeComToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, withCorp())
		first := w.want("first", w.getToken("secret-2"), 0)
		if first.ExpiresIn != 7200 || !strings.Contains(first.raw, `"errcode":0,"errmsg":"ok","access_token":"`) || len(first.AccessToken) > 512 {
			t.Errorf("answered %s", first.raw)
		}
		time.Sleep(7199 * time.Second)
		again := w.want("a second before its end", w.getToken("secret-2"), 0)
		if again.AccessToken != first.AccessToken || again.ExpiresIn != 7200 {
			t.Errorf("not the same token, for %d s", again.ExpiresIn)
		}
		time.Sleep(time.Second)
		next := w.want("after its end", w.getToken("secret-2"), 0)
		if next.AccessToken == first.AccessToken {
			t.Error("the dead token was given again")
		}
		w.want("the old one", w.corpTicket(first.AccessToken), 42001)
		if other := w.want("the other agent", w.getToken("secret-7"), 0); other.AccessToken == next.AccessToken {
			t.Error("two agents have one token")
		}
	})
}

func TestWeComTokenKnobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, withCorp(func(o *simulator.Options) { o.WeComRemaining = true }))
		w.getToken("secret-2")
		time.Sleep(200 * time.Second)
		if got := w.getToken("secret-2").ExpiresIn; got != 7000 {
			t.Errorf("remaining %d", got)
		}
		w = inBubble(t, withCorp(func(o *simulator.Options) { o.WeComFreshTokens = true }))
		first, next := w.getToken("secret-2"), w.getToken("secret-2")
		if first.AccessToken == next.AccessToken {
			t.Error("the same token")
		}
		w.want("the older one lives on", w.corpTicket(first.AccessToken), 0)
	})
}

// What WeCom was seen to answer, in its words.
func TestWeComRefusals(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, withCorp(func(o *simulator.Options) { o.Accounts[3].AllowedIPs = []string{"10.0.0.1"} }))
	official := w.stable(false).AccessToken
	token, barred := w.getToken("secret-2").AccessToken, w.want("IP list", w.getToken("secret-7"), 0).AccessToken
	const qy = "/qyapi/cgi-bin/"
	for name, tt := range map[string]struct {
		path string
		code int
		says string
	}{
		"nothing":           {qy + "gettoken", 41004, "corpsecret missing, hint: ["},
		"no corp":           {qy + "gettoken?corpsecret=x", 41002, "corpid missing"},
		"corp":              {qy + "gettoken?corpid=wwnobody&corpsecret=secret-2", 40013, "invalid corpid"},
		"official as corp":  {qy + "gettoken?corpid=" + appID + "&corpsecret=" + appKey, 40013, "invalid corpid"},
		"secret":            {qy + "gettoken?corpid=" + corp + "&corpsecret=wrong", 40001, "invalid credential"},
		"other's secret":    {qy + "gettoken?corpid=" + corp + "&corpsecret=secret-other", 40091, "secret"},
		"no token":          {qy + "get_jsapi_ticket", 41001, "access_token missing"},
		"made-up token":     {qy + "getcallbackip?access_token=x", 40014, `{"errcode":40014,"errmsg":"invalid access_token","ip_list":[]}`},
		"official token":    {qy + "get_jsapi_ticket?access_token=" + official, 40014, "invalid access_token"},
		"type":              {qy + "ticket/get?type=jsapi&access_token=" + token, 40097, "invalid args"},
		"IP":                {qy + "get_jsapi_ticket?access_token=" + barred, 60020, "not allow to access from your ip"},
		"WeCom at WeChat":   {"/cgi-bin/getcallbackip?access_token=" + token, 40001, "invalid credential"},
		"corp at WeChat":    {"/cgi-bin/token?grant_type=client_credential&appid=" + corp + "&secret=x", 40013, "invalid appid"},
		"agent at WeChat":   {"/cgi-bin/token?grant_type=client_credential&appid=" + agent2 + "&secret=secret-2", 40013, "invalid appid"},
		"alive":             {qy + "getcallbackip?access_token=" + token, 0, `"ip_list":["182`},
		"alive, the other":  {qy + "get_api_domain_ip?access_token=" + token, 0, `"ip_list":["182`},
		"some business API": {qy + "user/get?userid=x&access_token=" + token, 0, `"echo":{"method":"GET","path":"/qyapi/cgi-bin/user/get"`},
	} {
		got := w.get(tt.path)
		if w.want(name, got, tt.code); !strings.Contains(got.raw, tt.says) {
			t.Errorf("%s: %s", name, got.raw)
		}
	}
	form := regexp.MustCompile(`^invalid corpid, hint: \[[0-9]{25}\], from ip: 127\.0\.0\.1, ` +
		`more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=40013$`)
	if got := w.get(qy + "gettoken?corpid=x&corpsecret=y"); !form.MatchString(got.Errmsg) || got.header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("%s as %s", got.Errmsg, got.header.Get("Content-Type"))
	}
	if got := w.get("/qyapi/nothing"); got.status != http.StatusNotFound || got.raw != "" {
		t.Errorf("unknown path: %d %q", got.status, got.raw)
	}
}

// All agents of a corp share its ticket; each has one of its own.
func TestWeComTickets(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, withCorp())
	two, seven := w.getToken("secret-2").AccessToken, w.getToken("secret-7").AccessToken
	shared := w.want("corp's", w.corpTicket(two), 0)
	if again := w.corpTicket(seven); again.Ticket != shared.Ticket || again.ExpiresIn != 7200 {
		t.Errorf("the agents have two tickets of the corp: %s", again.raw)
	}
	own, other := w.want("agent's", w.agentTicket(two), 0), w.agentTicket(seven)
	if own.Ticket == other.Ticket || own.Ticket == shared.Ticket || !regexp.MustCompile(`^[0-9A-Za-z+/]{22}==$`).MatchString(own.Ticket) {
		t.Errorf("agents' tickets: %s, %s", own.raw, other.raw)
	}
}

func TestWeComTicketsByTheHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, withCorp(func(o *simulator.Options) { o.Limits.AgentTicketHour, o.Limits.CorpTicketHour = 3, 5 }))
		two, seven := w.getToken("secret-2").AccessToken, w.getToken("secret-7").AccessToken
		for range 3 {
			w.want("within", w.corpTicket(two), 0)
			w.want("its own", w.agentTicket(two), 0)
		}
		w.want("agent's limit", w.corpTicket(two), 45009)
		w.want("its own limit", w.agentTicket(two), 45009)
		w.want("the other's fourth", w.corpTicket(seven), 0)
		w.want("and fifth", w.corpTicket(seven), 0)
		w.want("corp's limit", w.corpTicket(seven), 45009)
		time.Sleep(time.Hour)
		w.want("the next hour", w.corpTicket(two), 0)
	})
}

func TestWeComFaultsAndControl(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, withCorp())
	w.steer("/_sim/fault", object{"path": "/qyapi/cgi-bin/gettoken", "app_id": agent2, "errcode": 45033})
	if got := w.want("fault", w.getToken("secret-2"), 45033); !strings.HasPrefix(got.Errmsg, "api concurrent out of limit, hint: [") {
		t.Errorf("%s", got.raw)
	}
	token := w.getToken("secret-2").AccessToken
	w.steer("/_sim/revoke", object{"app_id": agent2, "what": "token", "still_served": true})
	w.want("revoked", w.corpTicket(token), 40014)
	if w.getToken("secret-2").AccessToken != token {
		t.Error("a token that is still served was not")
	}
	w.steer("/_sim/account", object{"app_id": agent2, "secret": "secret-3", "token_errcode": 50003})
	w.want("disabled", w.getToken("secret-3"), 50003)
	w.want("old secret", w.getToken("secret-2"), 40001)
}

func TestWeComOptions(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]simulator.Account{
		"no agent":        {AppID: "ww1:", Secret: "x"},
		"no corp":         {AppID: ":1", Secret: "x"},
		"agent 0":         {AppID: "ww1:0", Secret: "x"},
		"two colons":      {AppID: "ww1:1:2", Secret: "x"},
		"code of WeChat":  {AppID: "ww1:1", Secret: "x", TokenErrcode: 40243},
		"official a corp": {AppID: appID + ":1", Secret: "x"},
	} {
		_, err := simulator.New(options(func(o *simulator.Options) { o.Accounts = append(o.Accounts, account) }))
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// Both signatures are verified, each with its own ticket.
func TestWeComVerify(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, withCorp())
	token := w.getToken("secret-2").AccessToken
	corpTicket, agentTicket := w.corpTicket(token).Ticket, w.agentTicket(token).Ticket
	others := w.agentTicket(w.getToken("secret-7").AccessToken).Ticket
	const page, foreign = "https://work.example.com/a?b=1", "https://evil.example/"
	config := object{"appid": corp}
	agent := object{"corpid": corp, "agentid": "1000002"}
	for name, tt := range map[string]struct {
		who                object
		ticket, page, want string
		why                string
	}{
		"wx.config":                      {config, corpTicket, page, "ok 0", ""},
		"wx.config, the other's domain":  {config, corpTicket, "https://desk.example.com/", "ok 0", ""},
		"wx.config off the domains":      {config, corpTicket, foreign, "invalid url domain 0", "evil.example"},
		"wx.config with agent's ticket":  {config, agentTicket, page, "invalid signature 0", "signed with the agent_config ticket; wx.config needs the jsapi ticket"},
		"wx.config with agent as appid":  {object{"appid": agent2}, corpTicket, page, "invalid appid 0", "corp id alone"},
		"wx.config with a token":         {config, token, page, "invalid signature 0", "access_token"},
		"wx.agentConfig":                 {agent, agentTicket, page, "ok 0", ""},
		"wx.agentConfig, number":         {object{"corpid": corp, "agentid": 1000002}, agentTicket, page, "ok 0", ""},
		"wx.agentConfig, corp's ticket":  {agent, corpTicket, page, "invalid signature 40093", "signed with the jsapi ticket; wx.agentConfig needs the agent_config ticket"},
		"wx.agentConfig, other's ticket": {agent, others, page, "invalid signature 40093", "ticket of another account, " + agent7},
		"wx.agentConfig, other's domain": {agent, agentTicket, "https://desk.example.com/", "invalid url domain 80001", "desk.example.com"},
		"wx.agentConfig, nobody":         {object{"corpid": corp, "agentid": 9}, agentTicket, page, "invalid appid 40013", "no account"},
		"wx.agentConfig, no agent":       {object{"corpid": corp}, agentTicket, page, "fail 0", "corpid or agentid"},
		"wx.agentConfig, no corp":        {object{"agentid": 1000002}, agentTicket, page, "fail 0", "corpid or agentid"},
	} {
		sum := sha1.Sum([]byte("jsapi_ticket=" + tt.ticket + "&noncestr=n&timestamp=1&url=" + tt.page))
		question := object{"noncestr": "n", "timestamp": 1, "signature": hex.EncodeToString(sum[:]), "urls": []string{tt.page}}
		maps.Copy(question, tt.who)
		var got struct {
			Msg, Why string
			Errcode  int
		}
		w.Control(t, "POST", "/_sim/verify", question, &got)
		if fmt.Sprint(got.Msg, " ", got.Errcode) != tt.want || !strings.Contains(got.Why, tt.why) {
			t.Errorf("%s: %+v, want %s", name, got, tt.want)
		}
	}
}
