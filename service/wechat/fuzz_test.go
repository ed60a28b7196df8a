package wechat_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wxsign/wxsign/service/wechat"
)

// FuzzParse feeds whole bodies to every call: no panic, and either a grant
// within its bounds or an error that is fit to show.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", goodAt, goodTk, goodIP, "null", "[]",
		`{"errcode":40164,"errmsg":"invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist rid: 5fab84d2-09424a07-00bd7fe3"}`,
		`{"errcode":60020,"errmsg":"not allow, hint: [1-2], from ip: ::1, more"}`, `{"errcode":0,"ip_list":[],"ticket":"+/=="}`,
		`{"errcode":40125,"errmsg":"secret ` + canary + ` \u0000\u202e` + "\xff" + `, rid: x"}`,
		`{"access_token":"a","expires_in":-9223372036854775809}`,
		`{"errcode":0,"ticket":"t","expires_in":1e400,"ip_list":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := newClient(t, wechat.Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})})
		for _, call := range calls {
			grant, err := call.ask(t.Context(), c)
			if err != nil {
				checkShown(t, mustFail(t, err))
				continue
			}
			if call.name != "probe" {
				checkGrant(t, grant)
			}
		}
		corp := newWeCom(t, wechat.Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, nil
		})})
		for _, call := range weComCalls {
			grant, err := call.ask(t.Context(), corp)
			switch {
			case err != nil:
				checkShown(t, mustFail(t, err))
			case call.name != "probe":
				checkGrant(t, grant)
			}
		}
	})
}

func checkGrant(t *testing.T, g wechat.Grant) {
	t.Helper()
	if g.ExpiresIn < time.Second || g.ExpiresIn > 2*time.Hour {
		t.Errorf("life %v", g.ExpiresIn)
	}
	value := g.Value.Reveal()
	bad := func(r rune) bool { return r <= ' ' || r > '~' }
	if value == "" || len(value) > 1024 || strings.ContainsFunc(value, bad) {
		t.Errorf("value %q", value)
	}
}

func checkShown(t *testing.T, e *wechat.Error) {
	t.Helper()
	text := e.Error()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || len(text) > 1000 || len(e.Errmsg) > 200 {
		t.Errorf("error text %q, errmsg %q", text, e.Errmsg)
	}
}
