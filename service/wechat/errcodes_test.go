package wechat_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

const (
	transient = wechat.Transient
	dead      = wechat.TokenDead
	minute    = wechat.MinuteQuota
	day       = wechat.DayQuota
	human     = wechat.NeedsHuman
)

// One line per errcode: its class at the token endpoints, its class at
// getticket and getcallbackip, the pause it names, and what its mend must say.
func TestErrcodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code        int
		token, call wechat.Class
		pause       time.Duration
		mend        string
	}{
		{-1, transient, transient, 0, "busy"},
		{40001, human, dead, 0, ""},
		{40014, transient, dead, 0, ""},
		{42001, transient, dead, 0, ""},
		{40002, human, human, 0, "malformed"},
		{40013, human, human, 0, "AppID"},
		{40097, human, human, 0, "malformed"},
		{40125, human, human, 0, "基本配置"},
		{40164, human, human, 0, "IP白名单"},
		{40243, human, human, 0, "解冻"},
		{41001, human, human, 0, "malformed"},
		{41002, human, human, 0, "malformed"},
		{41004, human, human, 0, "empty"},
		{43002, human, human, 0, "malformed"},
		{43003, human, human, 0, "https"},
		{45009, day, day, 0, "接口权限"},
		{45011, minute, minute, time.Minute, "minute"},
		{48001, human, human, 0, "微信认证"},
		{50002, human, human, 0, "通知中心"},
		{50004, human, human, 0, "通知中心"},
		{50007, human, human, 0, "通知中心"},
		{61004, human, human, 0, "IP白名单"},
		{61024, human, human, 0, "第三方平台"},
		{89501, human, human, 0, "administrator"},
		{89502, human, human, 0, "administrator"},
		{89503, human, human, 0, "administrator"},
		{89504, human, human, 0, "administrator"},
		{89505, human, human, 0, "administrator"},
		{89506, human, human, 24 * time.Hour, "24 hours"},
		{89507, human, human, time.Hour, "an hour"},
		{40066, transient, transient, 0, "全局返回码"}, // stands for every code that is not listed
		{1, transient, transient, 0, "全局返回码"},
		{-41001, transient, transient, 0, "全局返回码"},
	} {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			t.Parallel()
			s := serve(t, say(fmt.Sprintf(`{"errcode":%d,"errmsg":"some words rid: 6aac005a-01bfdbee-79769285"}`, tt.code)))
			c := newClient(t, wechat.Options{BaseURL: s.URL})
			for _, call := range calls {
				_, err := call.ask(t.Context(), c)
				e := mustFail(t, err)
				want := tt.call
				if strings.Contains(call.op, "token") {
					want = tt.token
				}
				if e.Class != want || wechat.ClassOf(fmt.Errorf("renew: %w", err)) != want {
					t.Errorf("%s: class %v, want %v", call.name, e.Class, want)
				}
				if e.Pause() != tt.pause || !strings.Contains(e.Mend(), tt.mend) {
					t.Errorf("%s: pause %v, mend %q", call.name, e.Pause(), e.Mend())
				}
				if e.Op != call.op || e.Errcode != tt.code || e.Errmsg != "some words" || e.RID != "6aac005a-01bfdbee-79769285" || e.Status != 200 {
					t.Errorf("%s: %+v", call.name, e)
				}
			}
		})
	}
}

func TestMendDependsOnTheCall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code int
		want map[string]string // by call
	}{
		{40001, map[string]string{
			"stable": "AppSecret", "forced": "AppSecret", "classic": "AppSecret",
			"ticket": "renews it by itself", "probe": "renews it by itself",
		}},
		{45009, map[string]string{
			"stable": "forced", "forced": "forced", "classic": "token_mode", "ticket": "this API", "probe": "this API",
		}},
	} {
		c := newClient(t, wechat.Options{BaseURL: serve(t, say(fmt.Sprintf(`{"errcode":%d}`, tt.code))).URL})
		for _, call := range calls {
			_, err := call.ask(t.Context(), c)
			if mend := mustFail(t, err).Mend(); !strings.Contains(mend, tt.want[call.name]) {
				t.Errorf("%d at %s: %q does not say %q", tt.code, call.name, mend, tt.want[call.name])
			}
		}
	}
}

func TestErrmsg(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, errmsg string // errmsg as it stands between the quotes of JSON
		code         int
		text, rid    string
		ip           string
	}{
		{"rid after a blank", `invalid appid rid: 6aac005a-01bfdbee-79769285`, 40013, "invalid appid", "6aac005a-01bfdbee-79769285", ""},
		{"rid after a comma", `invalid appid, rid: 6aac005a-01bfdbee-79769285`, 40013, "invalid appid", "6aac005a-01bfdbee-79769285", ""},
		{"rid alone", `rid: 6aac005a-01bfdbee-79769285`, 40013, "", "6aac005a-01bfdbee-79769285", ""},
		{"a word that ends in rid", `bad grid: 1`, 1, "bad grid: 1", "", ""},
		{
			"old hint", `invalid ip 61.172.68.219, not in whitelist hint: [KJZfAa0644e575]`, 40164,
			"invalid ip 61.172.68.219, not in whitelist hint: [KJZfAa0644e575]", "", "61.172.68.219",
		},
		{
			"address twice", `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 5fab84d2-09424a07-00bd7fe3`, 40164,
			"invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist", "5fab84d2-09424a07-00bd7fe3", "1.2.3.4",
		},
		{"only IPv6", `invalid ip 2408:8000::1, not in whitelist`, 40164, "invalid ip 2408:8000::1, not in whitelist", "", "2408:8000::1"},
		{"mapped IPv6", `invalid ip ::ffff:1.2.3.4, not in whitelist`, 40164, "invalid ip ::ffff:1.2.3.4, not in whitelist", "", "1.2.3.4"},
		{
			"requestIP", `access clientip is not registered requestIP: 120.46.1.2 rid: a-b-c`, 61004,
			"access clientip is not registered requestIP: 120.46.1.2", "a-b-c", "120.46.1.2",
		},
		{
			"masked address", `access clientip is not registered requestIP: 120.46.x.x`, 61004,
			"access clientip is not registered requestIP: 120.46.x.x", "", "",
		},
		{"no address", `invalid ip, not in whitelist`, 40164, "invalid ip, not in whitelist", "", ""},
		{"quotes the secret", `bad secret ` + canary + `, ` + canary, 40125, "bad secret [redacted], [redacted]", "", ""},
		{"rid is the secret", `bad rid: ` + `c4n4ry-x`, 1, "bad", "c4n4ry-x", ""},
		{"control characters", `a\n\u001b[31mb\u0000\u202ec`, 1, `a\n\x1b[31mb\x00\u202ec`, "", ""},
		{"Chinese", `AppSecret已被冻结`, 40243, "AppSecret已被冻结", "", ""},
		{"longer than 200 bytes", strings.Repeat("冻", 100), 1, strings.Repeat("冻", 65) + "…", "", ""},
		{"secret at the cut", strings.Repeat("a", 180) + canary, 1, strings.Repeat("a", 180) + "[redacted]", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, wechat.Options{BaseURL: serve(t, say(fmt.Sprintf(`{"errcode":%d,"errmsg":"%s"}`, tt.code, tt.errmsg))).URL})
			for _, call := range calls {
				_, err := call.ask(t.Context(), c)
				e := mustFail(t, err)
				if diff := cmp.Diff([]string{tt.text, tt.rid, tt.ip}, []string{e.Errmsg, e.RID, e.IP}); diff != "" {
					t.Errorf("%s: text, rid, ip (-want +got):\n%s", call.name, diff)
				}
				if len(e.Errmsg) > 200 || !utf8.ValidString(e.Errmsg) {
					t.Errorf("%s: errmsg has %d bytes", call.name, len(e.Errmsg))
				}
				if tt.ip != "" && !strings.Contains(e.Mend(), "refused the address "+tt.ip+":") {
					t.Errorf("%s: mend %q does not name %s", call.name, e.Mend(), tt.ip)
				}
			}
		})
	}
}

// An errmsg that is no string is left out; the errcode still counts.
func TestErrmsgOfAnotherType(t *testing.T) {
	t.Parallel()
	for _, errmsg := range []string{`7`, `null`, `{"a":1}`, `["x"]`} {
		c := newClient(t, wechat.Options{BaseURL: serve(t, say(`{"errcode":40013,"errmsg":`+errmsg+`}`)).URL})
		_, err := calls[0].ask(t.Context(), c)
		if e := mustFail(t, err); e.Errcode != 40013 || e.Error() != "wechat stable_token for "+appID+": errcode 40013" {
			t.Errorf("%s: %v", errmsg, e)
		}
	}
}

// A secret that has to be encoded in a URL or in JSON is found in that form too.
func TestEncodedSecretsAreTakenOut(t *testing.T) {
	t.Parallel()
	const odd = `a+b/c "d"=<é>`
	for _, form := range []string{
		odd, `a%2Bb%2Fc+%22d%22%3D%3C%C3%A9%3E`, `a+b%2Fc%20%22d%22=%3C%C3%A9%3E`, `a+b/c \"d\"=<é>`, `a+b/c \"d\"=\u003cé\u003e`,
	} {
		c := newClient(t, wechat.Options{BaseURL: serve(t, say(fmt.Sprintf(`{"errcode":40125,"errmsg":%q}`, "bad <"+form+">"))).URL})
		_, err := c.Token(t.Context(), wechat.TokenRequest{AppID: appID, Secret: secret.New(odd)})
		if e := mustFail(t, err); e.Errmsg != "bad <[redacted]>" {
			t.Errorf("%s came through: %s", form, e.Errmsg)
		}
	}
}

func TestClassOfOthers(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errors.New("database is away"), &wechat.Error{}} {
		if got := wechat.ClassOf(err); got != wechat.Transient {
			t.Errorf("%v: %v", err, got)
		}
	}
	words := []string{transient.String(), dead.String(), minute.String(), day.String(), human.String()}
	if diff := cmp.Diff([]string{"transient", "token_dead", "minute_quota", "day_quota", "needs_human"}, words); diff != "" {
		t.Error(diff)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	e := &wechat.Error{Op: "token", AppID: "wx1", Errcode: 40013, Errmsg: "invalid appid", RID: "1-2-3"}
	if got, want := e.Error(), "wechat token for wx1: errcode 40013: invalid appid (rid 1-2-3)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = &wechat.Error{Op: "getticket", Err: errTest}
	if got, want := e.Error(), "wechat getticket: test error"; got != want || !errors.Is(e, errTest) {
		t.Errorf("got %q, want %q", got, want)
	}
}
