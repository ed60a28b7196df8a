package relay_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/service/relay"
)

func TestTheLiveTokenIsPutIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sent, want string }{
		"a key":              {"/cgi-bin/x?access_token=" + oneKey, "/cgi-bin/x?access_token=80_live-token"},
		"amid other bytes":   {"/cgi-bin/x?b=%e4%BD+1&access_token=" + oneKey + "&a=&&c", "/cgi-bin/x?b=%e4%BD+1&access_token=80_live-token&a=&&c"},
		"an escaped name":    {"/cgi-bin/x?access%5Ftoken=" + oneKey, "/cgi-bin/x?access%5Ftoken=80_live-token"},
		"an escaped key":     {"/cgi-bin/x?access_token=wxs%5Fone_account", "/cgi-bin/x?access_token=80_live-token"},
		"a key with account": {"/wxa/x?access_token=" + manyKey + "@" + otherApp, "/wxa/x?access_token=80_other-token"},
		"that escaped":       {"/wxa/x?access_token=" + manyKey + "%40" + otherApp, "/wxa/x?access_token=80_other-token"},
		"the live token":     {"/datacube/x?access_token=80_live-token", "/datacube/x?access_token=80_live-token"},
		"an old token":       {"/datacube/x?access_token=79_kept-too-long", "/datacube/x?access_token=80_live-token"},
		"an escaped path":    {"/cgi-bin/%E4%BD%a0~x?access_token=" + oneKey, "/cgi-bin/%E4%BD%a0~x?access_token=80_live-token"},
		"a slash at the end": {"/cgi-bin/x/?access_token=" + oneKey, "/cgi-bin/x/?access_token=80_live-token"},
		"WeCom": {
			"/cgi-bin/message/send?access_token=" + corpKey + "@" + corpAgent, "/wecom/cgi-bin/message/send?access_token=corp-token",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, u := newWorld(), newWeChat(t, nil)
			got := do(t, http.MethodGet, open(t, w.options(u.URL))+c.sent, "", nil)
			if got.body != `{"errcode":0,"errmsg":"ok"}` {
				t.Errorf("answer %d %s", got.status, got.body)
			}
			if all := u.requests(); len(all) != 1 || all[0].uri != c.want {
				t.Errorf("WeChat saw %+v, want one request for %s", all, c.want)
			}
		})
	}
}

// A reset of quotas is written down first; what cannot be written down is not sent.
func TestResetsOfQuotasAreAudited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path string
		want string // in the entry, "" = none
		down error
		code int
	}{
		"all quotas":             {"/cgi-bin/clear_quota", "/cgi-bin/clear_quota", nil, 0},
		"of one path":            {"/cgi-bin/openapi/quota/clear", "/cgi-bin/openapi/quota/clear", nil, 0},
		"another spelling":       {"/CGI-bin/openapi/quota/Clear/", "/cgi-bin/openapi/quota/clear", nil, 0},
		"a look at them":         {"/cgi-bin/openapi/quota/get", "", nil, 0},
		"the log cannot be kept": {"/cgi-bin/clear_quota", "/cgi-bin/clear_quota", errors.New("the database is away"), -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, u := newWorld(), newWeChat(t, nil)
			w.auditDown = c.down
			got := do(t, http.MethodPost, open(t, w.options(u.URL))+c.path+"?access_token="+clearKey, `{"appid":"`+appID+`"}`, nil)
			if got.Errcode != c.code {
				t.Errorf("answer %s, want errcode %d", got.body, c.code)
			}
			var want []relay.Reset
			if c.want != "" {
				from := relay.From{Addr: netip.MustParseAddr("127.0.0.1"), RequestID: "request-1"}
				want = append(want, relay.Reset{AppID: appID, Path: c.want, Actor: "ops", From: from})
			}
			where := cmpopts.IgnoreFields(relay.From{}, "LookUp", "Stranger")
			if diff := cmp.Diff(want, w.resets, cmpopts.EquateComparable(netip.Addr{}), where); diff != "" {
				t.Error(diff)
			}
			if sent := len(u.requests()) == 1; sent != (c.down == nil) {
				t.Errorf("sent to WeChat: %t", sent)
			}
		})
	}
}

func TestRefusalsInWeChatsShape(t *testing.T) {
	t.Parallel()
	const (
		path    = "/cgi-bin/message/custom/send?access_token="
		session = "/sns/jscode2session?appid="
	)
	for name, c := range map[string]struct {
		target string
		header string // X-Wxsign-App-Id
		want   int
		words  string
	}{
		"an unknown key":                    {path + "wxs_nobody", "", 40125, "invalid appsecret"},
		"no account named":                  {path + manyKey, "", 40013, "X-Wxsign-App-Id"},
		"a foreign account":                 {path + oneKey + "@" + otherApp, "", 40013, "invalid appid"},
		"a foreign account by header":       {path + oneKey, otherApp, 40013, "invalid appid"},
		"two accounts":                      {path + manyKey + "@" + appID, otherApp, 40013, "two different"},
		"an account that is not kept":       {path + "wxs_gone", "", 40013, "does not serve"},
		"a scope missing":                   {path + tokenKey, "", 48001, "scope relay"},
		"quota without refresh":             {"/cgi-bin/clear_quota?access_token=" + oneKey, "", 48001, "scope refresh"},
		"quota, other spelling":             {"/cgi-bin/%63LEAR_quota/v2/?access_token=" + oneKey, "", 48001, "scope refresh"},
		"quota of one path":                 {"/cgi-bin/openapi/quota/clear?access_token=" + oneKey, "", 48001, "scope refresh"},
		"quota of one path, other spelling": {"/cgi-bin/openapi/Quota/%63lear/?access_token=" + oneKey, "", 48001, "scope refresh"},
		"quota of one path with a token":    {"/cgi-bin/openapi/quota/clear?access_token=80_live-token", "", 48001, "scope refresh"},
		"quota with a token":                {"/cgi-bin/clear_quota?access_token=80_live-token", "", 48001, "scope refresh"},
		"a token of nobody":                 {path + "80_made-up", "", 40001, "not issued here"},
		"a token of another account":        {path + "80_live-token", otherApp, 40013, "another account"},
		"a token, no key for that address":  {path + "80_other-token", "", 40164, "invalid ip 127.0.0.1"},
		"nothing in it":                     {path, "", 41001, "access_token missing"},
		"no access_token":                   {"/cgi-bin/menu/get", "", 41001, "access_token missing"},
		"two of them":                       {path + oneKey + "&access_token=" + oneKey, "", 40035, "more than once"},
		"two of them, one escaped":          {path + oneKey + "&acces%73_token=80_live-token", "", 40035, "more than once"},
		"the key in the query twice":        {path + oneKey + "&next=" + oneKey, "", 40035, "twice"},
		"the key in the query, hidden":      {path + oneKey + "&next=%77xs_one%5faccount%zz", "", 40035, "twice"},
		"the key in the path":               {"/cgi-bin/" + oneKey + "?access_token=" + oneKey, "", 40035, "twice"},
		"dot segments":                      {"/cgi-bin/../x?access_token=" + oneKey, "", 40066, "invalid url"},
		"escaped dot segments":              {"/cgi-bin/%2e%2E/x?access_token=" + oneKey, "", 40066, "invalid url"},
		"twice escaped dots":                {"/cgi-bin/%252e%252e/x?access_token=" + oneKey, "", 40066, "invalid url"},
		"an empty segment":                  {"/cgi-bin//clear_quota?access_token=" + oneKey, "", 40066, "invalid url"},
		"an escaped slash":                  {"/cgi-bin%2fclear_quota?access_token=" + oneKey, "", 40066, "invalid url"},
		"a backslash":                       {"/cgi-bin/x%5cy?access_token=" + oneKey, "", 40066, "invalid url"},
		"a line end":                        {"/cgi-bin/x%0d%0aHost:y?access_token=" + oneKey, "", 40066, "invalid url"},
		"a NUL":                             {"/cgi-bin/x%00?access_token=" + oneKey, "", 40066, "invalid url"},
		"path parameters":                   {"/cgi-bin/clear_quota;x?access_token=" + oneKey, "", 40066, "invalid url"},
		"an escaped question mark":          {"/cgi-bin/clear_quota%3fx?access_token=" + oneKey, "", 40066, "invalid url"},
		"no UTF-8":                          {"/cgi-bin/%ff?access_token=" + oneKey, "", 40066, "invalid url"},
		"a ticket by the back door":         {"/cgi-bin/ticket/getticket/?type=jsapi&access_token=" + oneKey, "", 40066, "itself"},
		"the same in capitals":              {"/CGI-BIN/Ticket/getticket?type=jsapi&access_token=" + oneKey, "", 40066, "itself"},
		"an unknown path of sns":            {"/sns/x?access_token=" + oneKey, "", 40066, "not relayed"},
		"a key as a user's token":           {"/sns/userinfo?openid=O&access_token=" + oneKey, "", 40014, "never sent to WeChat"},
		"a key as the second token":         {"/sns/auth?access_token=USER&access_token=%77xs_" + oneKey[4:], "", 40014, "never sent to WeChat"},
		"sns in capitals":                   {"/SNS/userinfo?access_token=" + oneKey, "", 40066, "not relayed"},
		"sns escaped":                       {"/sns/%75serinfo?access_token=x", "", 40066, "not relayed"},
		"sns with the AppSecret":            {session + appID + "&secret=deadbeef&js_code=c", "", 40125, "API key"},
		"sns with an unknown key":           {session + appID + "&secret=wxs_nobody&js_code=c", "", 40125, "revoked"},
		"sns without secret":                {session + appID + "&js_code=c", "", 41004, "appsecret missing"},
		"sns without appid":                 {"/sns/jscode2session?secret=" + oneKey, "", 41002, "appid missing"},
		"sns with two secrets":              {session + appID + "&secret=" + oneKey + "&secret=y", "", 40035, "more than once"},
		"sns of a foreign account":          {session + otherApp + "&secret=" + oneKey, "", 40013, "does not cover"},
		"sns without the scope":             {session + appID + "&secret=" + tokenKey, "", 48001, "scope relay"},
		"sns of WeCom":                      {session + corpAgent + "&secret=" + corpKey, "", 40013, "WeCom"},
		"sns with another account's suffix": {session + appID + "&secret=" + manyKey + "@" + otherApp, "", 40013, "two different"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, u := newWorld(), newWeChat(t, nil)
			w.callers["wxs_gone"] = caller{"gone", []string{"wx-gone"}, []string{"relay"}, ""}
			got := do(t, http.MethodGet, open(t, w.options(u.URL))+c.target, "", func(r *http.Request) {
				if c.header != "" {
					r.Header.Set(relay.AppIDHeader, c.header)
				}
			})
			if got.status != http.StatusOK || got.Errcode != c.want || !strings.Contains(got.Errmsg, c.words) {
				t.Errorf("answer %d %s, want HTTP 200 with %d and %q", got.status, got.body, c.want, c.words)
			}
			if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json; encoding=utf-8" {
				t.Errorf("headers %v", got.header)
			}
			if all := u.requests(); len(all) != 0 {
				t.Errorf("WeChat was called: %+v", all)
			}
			if strings.Contains(w.logged(), oneKey) {
				t.Errorf("the key is in the log: %s", w.logged())
			}
		})
	}
}

func TestForeignAddressIsRefused(t *testing.T) {
	t.Parallel()
	w, u := newWorld(), newWeChat(t, nil)
	y, err := relay.New(w.options(u.URL))
	if err != nil {
		t.Fatal(err)
	}
	for presented, hint := range map[string]string{oneKey: "this API key", "80_live-token": "an issued access_token"} {
		for told, from := range map[string]netip.Addr{"203.0.113.9": netip.MustParseAddr("::ffff:203.0.113.9"), "unknown": {}} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/cgi-bin/x?access_token="+presented, http.NoBody)
			into := httptest.NewRecorder()
			if code, err := y.Serve(into, r, relay.From{Addr: from}); err != nil || code != 40164 {
				t.Errorf("errcode %d, %v", code, err)
			}
			body := into.Body.String()
			for _, part := range []string{`"errcode":40164`, "invalid ip " + told + ", not in whitelist; wxsign: " + hint} {
				if !strings.Contains(body, part) {
					t.Errorf("answer %s lacks %q", body, part)
				}
			}
		}
	}
	if all := u.requests(); len(all) != 0 {
		t.Errorf("WeChat was called: %+v", all)
	}
}

// Who tries keys or tokens does not get to use the database for it.
func TestTriesAreLimited(t *testing.T) {
	t.Parallel()
	w, u := newWorld(), newWeChat(t, nil)
	w.down = errors.New("the database was asked")
	y, err := relay.New(w.options(u.URL))
	if err != nil {
		t.Fatal(err)
	}
	from := relay.From{Addr: netip.MustParseAddr("127.0.0.1"), LookUp: func() bool { return false }}
	for presented, want := range map[string]int{"wxs_nobody": 45011, "80_made-up": 45011, oneKey: -1, "80_live-token": -1} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/cgi-bin/x?access_token="+presented, http.NoBody)
		if code, err := y.Serve(httptest.NewRecorder(), r, from); err != nil || code != want {
			t.Errorf("%s: errcode %d, %v; want %d", presented, code, err, want)
		}
	}
}

func TestWhatIsNotRelayed(t *testing.T) {
	t.Parallel()
	w, u := newWorld(), newWeChat(t, nil)
	base := open(t, w.options(u.URL))
	for _, target := range []string{
		"/?access_token=", "/admin/x?access_token=", "/ADMIN?access_token=", "//admin?access_token=", "/v1/accounts?access_token=",
		"/jssdk/x?access_token=", "/demo?access_token=", "/healthz?access_token=", "/openapi.yaml?access_token=", "/_sim/fault?access_token=",
		"/MP_verify_abc.txt?access_token=", "/debug/pprof?access_token=", "/wxa/business?token=", "/favicon.ico?x=",
	} {
		if got := do(t, http.MethodGet, base+target+oneKey, "", nil); got.status != http.StatusNotFound {
			t.Errorf("%s: HTTP %d %s, want 404", target, got.status, got.body)
		}
	}
	host := strings.TrimPrefix(base, "http://")
	for _, line := range []string{
		"GET http://api.weixin.qq.com/cgi-bin/x?access_token=" + oneKey, "CONNECT api.weixin.qq.com:443", "OPTIONS *",
		"TRACE /cgi-bin/x?access_token=" + oneKey,
	} {
		if got := raw(t, host, line+" HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n"); strings.Contains(got, "HTTP/1.1 200") && !strings.HasPrefix(line, "OPTIONS") {
			t.Errorf("%s: %s, want it refused", line, got)
		}
	}
	if all := u.requests(); len(all) != 0 {
		t.Errorf("WeChat was called: %+v", all)
	}
}

// raw sends bytes and reads until the server hangs up.
func raw(t *testing.T, host, request string) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestHeadersThatGoThrough(t *testing.T) {
	t.Parallel()
	w := newWorld()
	u := newWeChat(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{
			"Content-Type": "image/jpeg", "Content-Disposition": `attachment; filename="x.jpg"`, "Etag": `"1"`, "Wechatmp-Serial": "1",
			"Set-Cookie": "a=b", "Strict-Transport-Security": "max-age=1", "Server": "nginx", "Alt-Svc": "h3", "Link": "<https://x>",
			"Access-Control-Allow-Origin": "*", "Keep-Alive": "timeout=5", "Connection": "keep-alive, x-hop", "X-Hop": "1",
			"X-Wxsign-Relay": "retried", "X-Request-Id": "theirs", "Location": "https://x/?access_token=80_live-token",
		} {
			w.Header().Set(name, value)
		}
		_, _ = io.WriteString(w, "a picture")
	})
	got := do(t, http.MethodPost, open(t, w.options(u.URL))+"/cgi-bin/media/x?access_token="+oneKey, "{}", func(r *http.Request) {
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Range": "bytes=0-1", "Wechatmp-Signature": "s", "User-Agent": "shop/1", "Accept": "image/*",
			"Authorization": "Bearer " + oneKey, "Cookie": "a=b", "X-Wxsign-App-Id": appID, "X-Forwarded-For": "10.0.0.1", "X-Real-Ip": "10.0.0.1",
			"Forwarded": "for=10.0.0.1", "Proxy-Authorization": "x", "Te": "trailers", "Connection": "x-hop", "X-Hop": "1", "Via": "1.1 x",
			"Traceparent": "00", "Accept-Encoding": "gzip, br", "Upgrade": "websocket", "X-Internal-Jwt": "x",
		} {
			r.Header.Set(name, value)
		}
	})
	want := http.Header{
		"Content-Type": {"application/json"}, "Range": {"bytes=0-1"}, "Wechatmp-Signature": {"s"}, "User-Agent": {"shop/1"},
		"Accept": {"image/*"}, "Accept-Encoding": {"identity"}, "Content-Length": {"2"},
	}
	if diff := cmp.Diff(want, u.requests()[0].header); diff != "" {
		t.Errorf("WeChat saw other headers (-want +got):\n%s", diff)
	}
	got.header.Del("Date")
	want = http.Header{
		"Content-Type": {"image/jpeg"}, "Content-Disposition": {`attachment; filename="x.jpg"`}, "Etag": {`"1"`}, "Wechatmp-Serial": {"1"},
		"Cache-Control": {"no-store"}, "Content-Length": {"9"},
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("the caller saw other headers (-want +got):\n%s", diff)
	}
}

func TestEveryMethodAndStatus(t *testing.T) {
	t.Parallel()
	w := newWorld()
	u := newWeChat(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Method", r.Method)
		switch r.Method {
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case http.MethodPatch:
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html>")
		default:
			_, _ = io.WriteString(w, `{"errcode":0}`)
		}
	})
	base := open(t, w.options(u.URL))
	for method, want := range map[string]struct {
		status int
		body   string
	}{
		http.MethodGet: {200, `{"errcode":0}`}, http.MethodPost: {200, `{"errcode":0}`}, http.MethodPut: {200, `{"errcode":0}`},
		http.MethodOptions: {200, `{"errcode":0}`}, http.MethodHead: {200, ""}, http.MethodDelete: {204, ""}, http.MethodPatch: {502, "<html>"},
	} {
		got := do(t, method, base+"/cgi-bin/x?access_token="+oneKey, "", nil)
		if got.status != want.status || got.body != want.body || got.header.Get("X-Method") != method {
			t.Errorf("%s: HTTP %d %q %v, want %d %q", method, got.status, got.body, got.header, want.status, want.body)
		}
	}
}

func TestRedirectsLeadNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld()
	u := newWeChat(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example/?"+r.URL.RawQuery, http.StatusMovedPermanently)
	})
	got := do(t, http.MethodGet, open(t, w.options(u.URL))+"/cgi-bin/x?access_token="+oneKey, "", nil)
	if got.status != http.StatusOK || got.Errcode != -1 || strings.Contains(got.body, "live-token") || got.header.Get("Location") != "" {
		t.Errorf("answer %d %s %v, want -1 that leads nowhere", got.status, got.body, got.header)
	}
	if len(u.requests()) != 1 {
		t.Error("the redirect was followed")
	}
}

func TestWebLogin(t *testing.T) {
	t.Parallel()
	const escaped = "0123456789abcdef%26%3D%2Bfedcba9876543210"
	for name, c := range map[string]struct{ sent, want string }{
		"code for a user's token": {
			"/sns/oauth2/access_token?appid=" + appID + "&secret=" + oneKey + "&code=C&grant_type=authorization_code",
			"/sns/oauth2/access_token?appid=" + appID + "&secret=" + escaped + "&code=C&grant_type=authorization_code",
		},
		"code of a mini program": {
			"/sns/jscode2session?appid=" + appID + "&js_code=C&secret=" + manyKey + "@" + appID,
			"/sns/jscode2session?appid=" + appID + "&js_code=C&secret=" + escaped,
		},
		"refresh_token": {
			"/sns/oauth2/refresh_token?appid=" + appID + "&grant_type=refresh_token&refresh_token=R",
			"/sns/oauth2/refresh_token?appid=" + appID + "&grant_type=refresh_token&refresh_token=R",
		},
		"refresh_token with a key": {
			"/sns/oauth2/refresh_token?appid=" + appID + "&refresh_token=R&secret=" + oneKey,
			"/sns/oauth2/refresh_token?appid=" + appID + "&refresh_token=R&secret=" + escaped,
		},
		"userinfo": {"/sns/userinfo?access_token=USER&openid=O&lang=zh_CN", "/sns/userinfo?access_token=USER&openid=O&lang=zh_CN"},
		"auth":     {"/sns/auth?access_token=USER&openid=O", "/sns/auth?access_token=USER&openid=O"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			u := newWeChat(t, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"errcode":40001,"errmsg":"invalid credential, rid: 1"}`)
			})
			got := do(t, http.MethodGet, open(t, w.options(u.URL))+c.sent, "", nil)
			if got.body != `{"errcode":40001,"errmsg":"invalid credential, rid: 1"}` {
				t.Errorf("answer %s, want WeChat's own", got.body)
			}
			if all := u.requests(); len(all) != 1 || all[0].uri != c.want {
				t.Errorf("WeChat saw %+v, want one request for %s", all, c.want)
			}
			if len(w.reports) != 0 {
				t.Error("a call of /sns/ was taken for a sign that our token is dead")
			}
			if strings.Contains(w.logged(), appSecret) || strings.Contains(w.logged(), oneKey) {
				t.Errorf("a secret is in the log: %s", w.logged())
			}
		})
	}
}

// Calls that carry no key of ours are limited by whoever knows the networks; the
// others do not ask.
func TestStrangersAreLimited(t *testing.T) {
	t.Parallel()
	for target, limited := range map[string]bool{
		"/sns/userinfo?access_token=USER&openid=O":                           true,
		"/sns/auth?access_token=USER&openid=O":                               true,
		"/sns/oauth2/refresh_token?appid=" + appID + "&refresh_token=R":      true,
		"/sns/jscode2session?appid=" + appID + "&js_code=C&secret=" + oneKey: false,
		"/cgi-bin/user/info?access_token=" + oneKey + "&openid=O":            false,
	} {
		w, u := newWorld(), newWeChat(t, nil)
		y, err := relay.New(w.options(u.URL))
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		answer := httptest.NewRecorder()
		from := relay.From{Addr: netip.MustParseAddr("127.0.0.1"), Stranger: func() bool { asked++; return false }}
		if _, err := y.Serve(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody), from); err != nil {
			t.Fatal(err)
		}
		refused := strings.Contains(answer.Body.String(), `"errcode":45011`)
		if sent := len(u.requests()) > 0; refused != limited || sent == limited || asked > 1 || asked > 0 != limited {
			t.Errorf("%.25s: refused %t, sent %t, asked %d times: %s", target, refused, sent, asked, answer.Body)
		}
	}
}

func TestTroubleOfOurOwn(t *testing.T) {
	t.Parallel()
	down := func(w *world) { w.down = errors.New("s3cr3t database") }
	for name, c := range map[string]struct {
		target string
		breaks func(*world)
	}{
		"no live token":            {"/cgi-bin/x?access_token=" + clearKey, func(w *world) { delete(w.tokens, appID) }},
		"keys cannot be checked":   {"/cgi-bin/x?access_token=" + oneKey, down},
		"tokens cannot be checked": {"/cgi-bin/x?access_token=80_x", down},
		"while starting":           {"/cgi-bin/x?access_token=" + oneKey, func(w *world) { w.starting = true }},
		"no AppSecret":             {"/sns/jscode2session?appid=" + appID + "&secret=" + oneKey, down},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, u := newWorld(), newWeChat(t, nil)
			c.breaks(w)
			got := do(t, http.MethodGet, open(t, w.options(u.URL))+c.target, "", nil)
			if got.status != http.StatusOK || got.Errcode != -1 || strings.Contains(got.body, "s3cr3t") {
				t.Errorf("answer %d %s, want -1 without our own texts", got.status, got.body)
			}
			if len(u.requests()) != 0 {
				t.Error("WeChat was called")
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*relay.Options){
		"no keys":       func(o *relay.Options) { o.Keys = nil },
		"no tokens":     func(o *relay.Options) { o.Tokens = nil },
		"no accounts":   func(o *relay.Options) { o.Accounts = nil },
		"no transport":  func(o *relay.Options) { o.Transport = nil },
		"no host":       func(o *relay.Options) { o.BaseURL = "" },
		"a bad host":    func(o *relay.Options) { o.BaseURL = "api.weixin.qq.com" },
		"a query":       func(o *relay.Options) { o.FallbackURL = "https://api2.weixin.qq.com?s3cr3t" },
		"a user":        func(o *relay.Options) { o.WeComBaseURL = "https://u:s3cr3t@qyapi.weixin.qq.com" },
		"a negative":    func(o *relay.Options) { o.MaxBody = -1 },
		"negative idle": func(o *relay.Options) { o.Idle = -1 },
	} {
		o := newWorld().options("https://api.weixin.qq.com")
		change(&o)
		if _, err := relay.New(o); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v, want an error that quotes nothing", name, err)
		}
	}
}

// Who is not let in gets no line: strangers could fill a disk with them.
func TestNoLineForStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	u := newWeChat(t, nil)
	base := open(t, w.options(u.URL))
	for _, presented := range []string{"", "wxs_nobody", "token-of-nobody"} {
		do(t, http.MethodGet, base+"/cgi-bin/x?access_token="+presented, "", nil)
	}
	if line := w.logged(); line != "" || len(u.requests()) > 0 {
		t.Errorf("log: %s", line)
	}
}

// What is logged: what was called and how it ended, and nothing else of it.
func TestOneLineInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld()
	u := newWeChat(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"errcode":45009,"errmsg":"quota"}`)
	})
	do(t, http.MethodPost, open(t, w.options(u.URL))+"/cgi-bin/x?openid=private&access_token="+oneKey, "a body", header("Cookie", "c"))
	line := w.logged()
	for _, want := range []string{
		"account=" + appID, "caller=shop", "method=POST", "path=/cgi-bin/x ", "status=200", "errcode=45009",
		"sends=1", "bytes_in=6", "bytes_out=34", "request_id=request-1",
	} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in %s", want, line)
		}
	}
	if strings.Count(line, "\n") != 1 || strings.Contains(line, "private") || strings.Contains(line, "wxs_") {
		t.Errorf("log: %s", line)
	}
}
