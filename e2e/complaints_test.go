package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The twelve complaints that people bring most often about signed pages, C20 to
// C31: that wxsign does not know them any more, and, where a page without the
// helper can still bring them about, that this is how it comes to them.

// byHand does what a page without the helper does: it asks for a signature of the
// URL, a JavaScript expression, changes cfg with a statement, and tells the errMsg
// of wx.config, or the server's code.
func byHand(p *tab, url, change string) string {
	p.t.Helper()
	return eval[string](p, `(async () => {
	  const cfg = await (await fetch('/jssdk/config?app_id=`+demoApp+`&url=' + (`+url+`))).json();
	  if (!cfg.signature) return cfg.code;
	  `+change+`;
	  await new Promise(done => {
	    const tag = document.createElement('script');
	    tag.src = 'https://res.wx.qq.com/open/js/jweixin-1.6.0.js';
	    tag.onload = done;
	    document.head.appendChild(tag);
	  });
	  return new Promise(done => {
	    wx.error(res => done(res.errMsg));
	    wx.ready(() => done('config:ok')); // runs after wx.error, too
	    wx.config(cfg);
	  });
	})()`)
}

const thisPage = `encodeURIComponent(location.href.split('#')[0])`

// checkByHand opens path anew and compares what a page by hand comes to.
func checkByHand(p *tab, path, url, change, want string) {
	p.t.Helper()
	p.open(path)
	if got := byHand(p, url, change); got != want {
		p.t.Errorf("by hand, %s %s: %q, want %q", url, change, got, want)
	}
}

// accepted is a config that must go well; signed is the URL that it must sign.
func accepted(p *tab, options, signed string) {
	p.t.Helper()
	if got := configure(p, options); !got.OK || got.Attempts[len(got.Attempts)-1].URL != signed {
		p.t.Errorf("with the helper: %s %s, attempts %v, want %s signed", got.Code, got.ErrMsg, got.Attempts, signed)
	}
}

// preVerify is what reached WeChat with the last wx.config.
func preVerify(p *tab) map[string]any {
	p.t.Helper()
	return eval[map[string]any](p, `window.e2eCalls.filter(call => call.name === 'preVerifyJSAPI').pop().args`)
}

func TestC20IOSHistorySPA(t *testing.T) {
	t.Parallel()
	for _, d := range []device{iPhone, iPad} {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page?first=1", tabOptions{device: &d, verify: askSimulator})
			accepted(p, "share: {}", origin+"/page?first=1")
			for _, route := range []string{"/page/second", "/page/third?x=1#/z"} {
				got := eval[[]string](p, `(async () => {
				  history.pushState({}, '', '`+route+`');
				  await wxsign.reconfigure();
				  const shared = window.e2eCalls.filter(call => call.name === 'updateTimelineShareData').pop().args.link;
				  return [wxsign.last.attempts[0].url, shared];
				})()`)
				if want := []string{origin + "/page?first=1", origin + route}; !cmp.Equal(want, got) {
					t.Errorf("on %s: signed and shared %v, want %v", route, got, want)
				}
			}
			p.open("/page?first=1")
			eval[any](p, `history.pushState({}, '', '/page/second')`)
			if got := byHand(p, thisPage, ""); got != "config:invalid signature" {
				t.Errorf("by hand, the current URL: %q; an iPhone would refuse it", got)
			}
		})
	}
}

func TestC21HTMLEscapedAmpersandAfterShare(t *testing.T) {
	t.Parallel()
	const path = "/page?a=1&amp;b=2"
	for _, d := range devices {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := openPage(t, path, tabOptions{device: &d, verify: askSimulator, noise: "400"})
			accepted(p, "", origin+path)
			checkByHand(p, path, thisPage, "", "url_escaped_html")
		})
	}
}

func TestC22ChineseAndDoubleEncodedParameters(t *testing.T) {
	t.Parallel()
	const (
		path   = "/page/分享?名=值&next=https%253A%252F%252Fh5.example.com%252F%25E5%2588%2586"
		signed = origin + "/page/%E5%88%86%E4%BA%AB?%E5%90%8D=%E5%80%BC&next=https%253A%252F%252Fh5.example.com%252F%25E5%2588%2586"
	)
	for _, d := range devices {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := openPage(t, path, tabOptions{device: &d, verify: askSimulator, noise: "400"})
			accepted(p, "", signed)
			checkByHand(p, path, thisPage, "", "config:ok")
			checkByHand(p, path, "location.href", "", "url_invalid") // the rest looks like parameters of ours
			checkByHand(p, path, "encodeURIComponent("+thisPage+")", "", "url_double_encoded")
			checkByHand(p, path, "encodeURIComponent(decodeURI(location.href))", "", "config:invalid signature")
		})
	}
}

func TestC23HashIsCut(t *testing.T) {
	t.Parallel()
	for _, d := range devices {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page?a=1#/cart?b=2", tabOptions{device: &d, verify: askSimulator})
			accepted(p, "", origin+"/page?a=1")
			eval[any](p, `location.hash = '#/pay'`)
			accepted(p, "", origin+"/page?a=1")
			checkByHand(p, "/page?a=2#/cart", "encodeURIComponent(location.href)", "", "config:ok") // the server cuts it
		})
	}
}

// A server that puts the URL together from the request sees http behind a proxy
// that ends TLS, and a path that the proxy may have changed. wxsign never does.
func TestC24ServerNeverGuessesTheURL(t *testing.T) {
	t.Parallel()
	const page = "https://" + pageHost + "/page?a=1"
	for _, d := range devices {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := newTab(t, tabOptions{device: &d, verify: askSimulator, noise: "400", pages: map[string]string{"/page": plainPage}})
			p.visit(page)
			accepted(p, "", page)
			p.visit(page)
			if got := byHand(p, "encodeURIComponent(location.href.replace('https:', 'http:'))", ""); got != "config:invalid signature" {
				t.Errorf("a guessed http URL: %q", got)
			}
			p.visit(page)
			if got := byHand(p, "''", ""); got != "url_missing" {
				t.Errorf("without a url the server answers %q, and must not guess one", got)
			}
		})
	}
}

func TestC25FieldNamesAreThoseOfWxConfig(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &android, verify: askSimulator})
	names := eval[[]string](p, `wxsign.signature(location.href, {appId: '`+demoApp+`'}).then(cfg => Object.keys(cfg))`)
	want := []string{"appId", "timestamp", "nonceStr", "signature", "url", "jsApiList", "openTagList", "debug"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names in the answer (-want +got):\n%s", diff)
	}
	accepted(p, "", origin+"/page")
	for _, name := range []string{"nonceStr", "timestamp", "appId", "signature"} {
		checkByHand(p, "/page", thisPage, fmt.Sprintf("cfg.%s = cfg.%s; delete cfg.%s", strings.ToLower(name)+"_", name, name), "config:fail")
	}
	p.open("/page") // a server of one's own that gets a name wrong is told of by the helper
	eval[any](p, `(() => { const real = window.fetch; window.fetch = (...all) => real(...all).then(res => res.json()).then(body => {
	  body.noncestr = body.nonceStr; delete body.nonceStr;
	  return new Response(JSON.stringify(body));
	}); })()`)
	if got := configure(p, ""); got.Code != "config_fail" || !strings.Contains(got.Mend, "answer on unchanged") {
		t.Errorf("with noncestr: %s, mend %q", got.Code, got.Mend)
	}
}

func TestC26NonceIsTheSignedOne(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &windows, verify: askSimulator})
	same := eval[bool](p, `(async () => {
	  const answers = [], note = s => { if (s.name === 'sign' && s.state === 'ok') answers.push(s.config); };
	  const one = () => wxsign.config({appId: '`+demoApp+`', onStep: note});
	  await Promise.all([one(), one(), one()]); // as a page does that calls it in several places
	  const seen = window.e2eCalls.filter(call => call.name === 'preVerifyJSAPI').map(call => call.args);
	  return seen.length >= 3 && seen.every(args => answers.some(cfg => args.verifyNonceStr === cfg.nonceStr &&
	    args.verifyTimestamp === String(cfg.timestamp) && args.verifySignature === cfg.signature));
	})()`)
	if !same {
		t.Error("WeChat was given a nonce, timestamp or signature of another answer")
	}
	checkByHand(p, "/page", thisPage, "cfg.nonceStr = Math.random().toString(36).slice(2)", "config:invalid signature")
}

func TestC27OpenTagListReachesWeChat(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &iPhone, verify: askSimulator})
	for options, want := range map[string]any{
		"profile: 'everything'":           []any{"wx-open-launch-weapp"},
		"openTags: ['wx-open-subscribe']": []any{"wx-open-subscribe"},
	} {
		accepted(p, options, origin+"/page")
		if diff := cmp.Diff(want, preVerify(p)["verifyOpenTagList"]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", options, diff)
		}
	}
}

func TestC28RefusalsAreNamedWithTheirCause(t *testing.T) {
	t.Parallel()
	denied := `window.WeixinJSBridge.invoke = (name, given, done) => done({err_msg: name + ':access_denied'})`
	for _, tt := range []struct {
		name, options, then string
		verify              func(context.Context, question) (verdict, error)
		code, english, mend string
	}{
		{"offline verifying", "apis: ['scanQRCode']", "", askSimulator, "offline_verifying", "without a successful config", "apis"},
		{"permission denied", "", denied, askSimulator, "permission_denied", "may not use this API", "WeChat console"},
		{"invalid url domain", "", "", refuse("invalid url domain"), "invalid_url_domain", "JS interface safe domain", "WeChat console"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page", tabOptions{device: &android, verify: tt.verify})
			got := configure(p, tt.options)
			if got.OK {
				eval[any](p, tt.then)
				got = eval[outcome](p, `wxsign.share({}, {lang: 'en'}).then(() => ({ok: true}),
				  e => ({code: e.code, cause: e.cause, mend: e.mend, errMsg: e.errMsg}))`)
			}
			named := got.Code == tt.code && strings.Contains(got.ErrMsg, tt.name)
			if !named || !strings.Contains(got.Cause, tt.english) || !strings.Contains(got.Mend, tt.mend) {
				t.Errorf("%s (%q): cause %q, mend %q", got.Code, got.ErrMsg, got.Cause, got.Mend)
			}
		})
	}
}

func TestC29ShareLinkOffTheDomain(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &android, verify: askSimulator, noise: "40"})
	for link, code := range map[string]string{
		"https://shop.example.net/x": "domain_not_allowed", "/relative": "url_invalid", "https%3A%2F%2Fh5.example.com": "url_invalid",
		"//" + pageHost + "/x": "url_invalid",
	} {
		eval[any](p, `window.e2eCalls.length = 0`)
		got := configure(p, "share: {link: '"+link+"'}")
		if got.Code != code || got.Step != "share" || got.Mend == "" {
			t.Errorf("%s: %s at %s, mend %q, want %s at share", link, got.Code, got.Step, got.Mend, code)
		}
		if eval[bool](p, `window.e2eCalls.some(call => /^update/.test(call.name))`) {
			t.Errorf("%s: WeChat was given the link all the same", link)
		}
	}
	accepted(p, "share: {link: 'https://"+pageHost+"/elsewhere'}", origin+"/page")
}

func TestC30DeprecatedShareCalls(t *testing.T) {
	t.Parallel()
	calls := func(p *tab) []string {
		return eval[[]string](p, `[...new Set(window.e2eCalls.map(call => call.name).filter(name => /share/i.test(name)))].sort()`)
	}
	for _, tt := range []struct {
		device device
		calls  []string
		perms  []any
	}{
		{
			iPhone,
			[]string{"updateAppMessageShareData", "updateTimelineShareData"},
			[]any{"scanQRCode", "updateAppMessageShareData", "updateTimelineShareData"},
		},
		{
			wecom,
			[]string{"on menu:share:appmessage", "on menu:share:timeline"},
			[]any{"scanQRCode", "menu:share:appmessage", "menu:share:timeline"},
		},
	} {
		t.Run(tt.device.title(), func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page", tabOptions{device: &tt.device, verify: askSimulator})
			accepted(p, "apis: ['scanQRCode'], share: {title: 't'}", origin+"/page")
			if diff := cmp.Diff(tt.calls, calls(p)); diff != "" {
				t.Errorf("share calls (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.perms, preVerify(p)["verifyJsApiList"]); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestC31MillisecondTimestamps(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &windows, verify: askSimulator})
	accepted(p, "", origin+"/page")
	if got := fmt.Sprint(preVerify(p)["verifyTimestamp"]); len(got) != 10 {
		t.Errorf("timestamp %s has %d digits, seconds have 10", got, len(got))
	}
	checkByHand(p, "/page", thisPage, "cfg.timestamp *= 1000; window.used = cfg", "config:invalid signature")
	var used struct {
		Timestamp json.Number `json:"timestamp"`
		NonceStr  string      `json:"nonceStr"`
		Signature string      `json:"signature"`
	}
	if err := json.Unmarshal([]byte(eval[string](p, `JSON.stringify(window.used)`)), &used); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(world.program.command.Dir, "wxsign"), "verify", "--app-id", demoApp,
		"--url", origin+"/page", "--nonce-str", used.NonceStr, "--timestamp", used.Timestamp.String(), "--signature", used.Signature)
	command.Dir, command.Env = world.program.command.Dir, world.program.command.Env
	said, err := command.Output()
	if err == nil || !strings.Contains(string(said), "milliseconds") {
		t.Errorf("wxsign verify says (%v): %s", err, said)
	}
}
