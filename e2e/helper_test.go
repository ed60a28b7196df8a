package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// plainPage is a customer's page: it has the page helper and nothing else.
const plainPage = `<!doctype html><title>Page title</title><link rel="icon" href="data:,"><script src="/jssdk/wxsign.js"></script>`

// origin is that of all pages here.
const origin = "http://" + pageHost

// outcome is what became of wxsign.config.
type outcome struct {
	OK       bool      `json:"ok"`
	Code     string    `json:"code"`
	Step     string    `json:"step"`
	Cause    string    `json:"cause"`
	Mend     string    `json:"mend"`
	ErrMsg   string    `json:"errMsg"`
	Status   int       `json:"status"`
	Request  string    `json:"requestId"`
	Attempts []attempt `json:"attempts"`
	Script   string    `json:"script"`
	Steps    []string  `json:"steps"` // as onStep heard them
}

type attempt struct {
	URL    string `json:"url"`
	ErrMsg string `json:"errMsg"`
}

// configure calls wxsign.config with options, a JavaScript object without
// braces.
func configure(p *tab, options string) outcome {
	p.t.Helper()
	return eval[outcome](p, `(async () => {
	  const steps = [];
	  const done = await wxsign.config({appId: '`+demoApp+`', lang: 'en', onStep: s => steps.push(s.name + ' ' + s.state), `+options+`}).then(
	    wx => ({ok: wx === window.wx && wx !== undefined}),
	    e => ({code: e.code, step: e.step, cause: e.cause, mend: e.mend, errMsg: e.errMsg, status: e.status, requestId: e.requestId}));
	  const attempts = wxsign.last.attempts.map(a => ({url: a.url, errMsg: a.errMsg}));
	  return Object.assign(done, {attempts, script: wxsign.last.script, steps});
	})()`)
}

// openPage opens the plain page at path in a tab with the given circumstances.
func openPage(t *testing.T, path string, o tabOptions) *tab {
	t.Helper()
	o.pages = map[string]string{"/page": plainPage}
	for _, part := range strings.FieldsFunc(path, func(r rune) bool { return r == '?' || r == '#' })[:1] {
		o.pages[part] = plainPage
	}
	p := newTab(t, o)
	p.open(path)
	return p
}

func refuse(msg string) func(context.Context, question) (verdict, error) {
	return func(context.Context, question) (verdict, error) { return verdict{Msg: msg}, nil }
}

func accept(context.Context, question) (verdict, error) { return verdict{OK: true, Msg: "ok"}, nil }

// Where jweixin does not say what happened: a wx that was configured before calls
// ready at once, and wx.error is deaf to versions that sort below "6.0.2".
func TestSuccessIsNeverGuessed(t *testing.T) {
	t.Parallel()
	version10 := iPhone
	version10.userAgent = strings.Replace(iPhone.userAgent, "8.0.49", "10.0.0", 1)
	for _, d := range []device{android, iPhone, windows, version10} {
		t.Run(d.userAgent, func(t *testing.T) {
			t.Parallel()
			var answers []verdict
			next := func(context.Context, question) (verdict, error) { return answers[0], nil }
			p := openPage(t, "/page", tabOptions{device: &d, verify: next})
			for _, ok := range []bool{false, true, false, true, true} {
				answers = []verdict{{OK: ok, Msg: "invalid signature"}}
				if got := configure(p, ""); got.OK != ok {
					t.Errorf("WeChat accepts: %v, config resolves: %v (%s)", ok, got.OK, got.Code)
				}
			}
		})
	}
}

func TestConfigsQueueUp(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &iPhone, verify: askSimulator})
	got := eval[[]string](p, `(async () => {
	  const order = [], note = name => s => order.push(name + ' ' + s.name + ' ' + s.state);
	  await Promise.all([wxsign.config({appId: '`+demoApp+`', onStep: note('a')}), wxsign.config({appId: '`+demoApp+`', onStep: note('b')})]);
	  return order;
	})()`)
	firstB := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, "b ") })
	if at := slices.Index(got, "a verify ok"); at < 0 || at > firstB {
		t.Errorf("the second config began before the first was done: %v", got)
	}
}

func TestFailuresHaveCodeCauseAndMend(t *testing.T) {
	t.Parallel()
	const unreachable = "sign.example.com"
	for _, tt := range []struct {
		name    string
		tab     tabOptions
		options string
		want    outcome
	}{
		{"outside WeChat", tabOptions{}, "", outcome{Code: "not_wechat", Step: "client"}},
		{"no bridge", tabOptions{device: &iPhone}, "", outcome{Code: "wechat_silent", Step: "verify"}},
		{
			"script hosts down",
			tabOptions{device: &iPhone, verify: accept, down: []string{"res.wx.qq.com", "res2.wx.qq.com"}},
			"",
			outcome{Code: "script_unreachable", Step: "script"},
		},
		{
			"server down",
			tabOptions{device: &iPhone, verify: accept, down: []string{unreachable}},
			"endpoint: 'https://" + unreachable + "/jssdk/config'",
			outcome{Code: "config_unreachable", Step: "sign"},
		},
		{
			"not our server",
			tabOptions{device: &iPhone, verify: accept, noise: unreachable},
			"endpoint: 'https://" + unreachable + "/jssdk/config'",
			outcome{Code: "config_unreachable", Step: "sign"},
		},
		{
			"unknown account",
			tabOptions{device: &iPhone, verify: accept, noise: "404"},
			"appId: 'wxnobody'",
			outcome{Code: "account_unknown", Step: "sign", Status: 404},
		},
		{
			"unknown profile",
			tabOptions{device: &iPhone, verify: accept, noise: "404"},
			"profile: 'nope'",
			outcome{Code: "profile_unknown", Step: "sign", Status: 404},
		},
		{
			"wrong signature",
			tabOptions{device: &iPhone, verify: refuse("invalid signature")},
			"",
			outcome{Code: "invalid_signature", Step: "verify", ErrMsg: "config:invalid signature"},
		},
		{
			"wrong domain",
			tabOptions{device: &android, verify: refuse("invalid url domain")},
			"",
			outcome{Code: "invalid_url_domain", Step: "verify", ErrMsg: "config:invalid url domain"},
		},
		{
			"as DevTools say it",
			tabOptions{device: &iPhone, verify: refuse("Error: 系统错误，错误码：63002,invalid signature [20200804 16:04:22][]")},
			"",
			outcome{Code: "invalid_signature", Step: "verify", ErrMsg: "config:error: 系统错误，错误码：63002,invalid signature [20200804 16:04:22][]"},
		},
		{
			"not a follower",
			tabOptions{device: &iPhone, verify: refuse("require subscribe")},
			"",
			outcome{Code: "require_subscribe", Step: "verify", ErrMsg: "config:require subscribe"},
		},
		{
			"incomplete",
			tabOptions{device: &iPhone, verify: refuse("fail")},
			"",
			outcome{Code: "config_fail", Step: "verify", ErrMsg: "config:fail"},
		},
		{
			"unheard of",
			tabOptions{device: &iPhone, verify: refuse("moon phase")},
			"",
			outcome{Code: "wechat_refused", Step: "verify", ErrMsg: "config:moon phase"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page", tt.tab)
			// WeChat is not waited for long, the server as long as it takes.
			eval[any](p, `(() => {
			  const real = window.setTimeout;
			  window.setTimeout = (f, ms) => real(f, ms === 10000 && wxsign.last && wxsign.last.attempts.length ? 300 : ms);
			})()`)
			got := configure(p, tt.options)
			want := tt.want
			want.Cause, want.Mend = got.Cause, got.Mend
			want.Attempts, want.Script, want.Steps, want.Request = got.Attempts, got.Script, got.Steps, got.Request
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.Cause == "" || got.Mend == "" {
				t.Errorf("cause %q, mend %q", got.Cause, got.Mend)
			}
			if (got.Status != 0) != (got.Request != "") {
				t.Errorf("status %d, request id %q", got.Status, got.Request)
			}
			if last := got.Steps[len(got.Steps)-1]; last != got.Step+" failed" {
				t.Errorf("onStep heard %q last", last)
			}
			chinese := configure(p, "lang: 'zh-CN', "+tt.options)
			if chinese.Code != got.Code || chinese.Mend == got.Mend {
				t.Errorf("in Chinese: %s, mend %q", chinese.Code, chinese.Mend)
			}
		})
	}
}

func TestWhatReachesWeChat(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page?a=1#/route", tabOptions{device: &android, verify: askSimulator})
	got := configure(p, `apis: ['getLocation', 'chooseImage'], openTags: ['wx-open-launch-weapp'], share: {desc: 'says'}`)
	if want := []string{"script run", "sign run", "script ok", "sign ok", "verify run", "verify ok", "share run", "share ok"}; !got.OK ||
		!cmp.Equal(sorted(want), sorted(got.Steps)) {
		t.Errorf("ok = %v, steps %v", got.OK, got.Steps)
	}
	type args struct {
		APIs  []string `json:"verifyJsApiList"`
		Tags  []string `json:"verifyOpenTagList"`
		Title string   `json:"title"`
		Desc  string   `json:"desc"`
		Link  string   `json:"link"`
	}
	calls := eval[map[string]args](p, `Object.assign({}, ...window.e2eCalls.map(c => ({[c.name]: c.args})))`)
	delete(calls, "getNetworkType") // jweixin's report
	want := map[string]args{
		"preVerifyJSAPI": {
			APIs: []string{"geoLocation", "chooseImage", "updateAppMessageShareData", "updateTimelineShareData"},
			Tags: []string{"wx-open-launch-weapp"},
		},
		"updateAppMessageShareData": {Title: "Page title", Desc: "says", Link: origin + "/page?a=1#/route"},
		"updateTimelineShareData":   {Title: "Page title", Link: origin + "/page?a=1#/route"},
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// A page may have its own script tag, and may even have configured already.
func TestPageWithItsOwnJweixin(t *testing.T) {
	t.Parallel()
	own := plainPage + `<script src="https://res.wx.qq.com/open/js/jweixin-1.6.0.js"></script>`
	used := own + `<script>wx.config({appId: 'wx', timestamp: 1, nonceStr: 'n', signature: 's', jsApiList: ['x']});
		window.over = new Promise(done => wx.ready(done));</script>`
	for _, d := range phones {
		for _, ok := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, accepted: %v", d.name, ok), func(t *testing.T) {
				t.Parallel()
				verify := func(_ context.Context, q question) (verdict, error) {
					return verdict{OK: ok != (q.NonceStr == "n"), Msg: "invalid signature"}, nil
				}
				p := newTab(t, tabOptions{device: &d, verify: verify, pages: map[string]string{"/own": own, "/used": used}})
				p.open("/own")
				if got := configure(p, ""); got.OK != ok || got.Script != "page" {
					t.Errorf("with a script tag: ok = %v (%s), script %q", got.OK, got.Code, got.Script)
				}
				p.open("/used")
				eval[any](p, `window.over.then(() => 0)`)
				if got := configure(p, ""); got.OK != ok {
					t.Errorf("after the page's own config: ok = %v (%s)", got.OK, got.Code)
				}
			})
		}
	}
}

// Regression: with an older jweixin of the page's own, each config after the first
// failed with a TypeError, for without beta that one has no wx.invoke.
func TestPageWithAnOlderJweixin(t *testing.T) {
	t.Parallel()
	own := plainPage + `<script src="https://res.wx.qq.com/open/js/jweixin-1.2.0.js"></script>`
	for _, d := range phones {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ok := true
			verify := func(context.Context, question) (verdict, error) {
				return verdict{OK: ok, Msg: "invalid signature"}, nil
			}
			p := newTab(t, tabOptions{device: &d, verify: verify, pages: map[string]string{"/own": own}})
			p.open("/own")
			for _, ok = range []bool{true, true, false, true} {
				if got := configure(p, ""); got.OK != ok || !ok && got.Code != "invalid_signature" || got.Script != "page" {
					t.Errorf("WeChat accepts: %v, config resolves: %v (%s), script %q", ok, got.OK, got.Code, got.Script)
				}
			}
		})
	}
}

func TestShareThatIsNotAllowedFails(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &iPhone, verify: askSimulator})
	if got := configure(p, `apis: ['chooseImage']`); !got.OK {
		t.Fatalf("config: %s", got.Code)
	}
	got := eval[outcome](p, `wxsign.share({title: 't'}, {lang: 'en'}).then(() => ({ok: true}), e => ({code: e.code, step: e.step}))`)
	if got.OK || got.Code != "offline_verifying" || got.Step != "share" {
		t.Errorf("got %+v", got)
	}
}

func TestModuleAndScriptAreOne(t *testing.T) {
	t.Parallel()
	module := plainPage + `<script>window.classic = wxsign; history.replaceState({}, '', '/page?second=1')</script>
		<script type="module">import wxsign, {config, landing} from '/jssdk/wxsign.mjs';
		window.module = {wxsign, config, landing};</script>`
	alone := `<!doctype html><link rel="icon" href="data:,"><script type="module">import wxsign from '/jssdk/wxsign.mjs'; window.module = {wxsign};</script>`
	p := newTab(t, tabOptions{device: &iPhone, verify: askSimulator, pages: map[string]string{"/both": module, "/alone": alone}})
	p.open("/both?first=1")
	p.wait(`window.module`)
	if !eval[bool](p, `module.wxsign === classic && module.config === classic.config && module.landing === '`+origin+`/both?first=1'`) {
		t.Error("the module is another wxsign than the script")
	}
	// Regression: a bundle that requires it behind the tag got an empty object.
	if !eval[bool](p, `fetch('/jssdk/wxsign.js').then(res => res.text()).then(code => {
	  const module = {exports: {}};
	  new Function('module', code)(module);
	  return module.exports === classic && classic.default === classic;
	})`) {
		t.Error("require gives another wxsign than the script")
	}
	p.open("/alone")
	p.wait(`window.module`)
	if got, want := eval[string](p, `module.wxsign.endpoint`), origin+"/jssdk/config"; got != want {
		t.Errorf("endpoint = %q, want %q", got, want)
	}
	if got := configure(p, ""); !got.OK {
		t.Errorf("config: %s %s", got.Code, got.Cause)
	}
}

// Old web views run the page helper and the demo page.
func TestScriptsAreES2017(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{})
	eval[any](p, string(world.cdn["acorn"])+"; window.parser = this.acorn; 0")
	for _, path := range []string{
		"/jssdk/wxsign.js", "/demo/static/demo.js", "/demo/static/bridge.js", "/demo/static/jweixin-standin.js", "/demo/static/watch.js",
	} {
		got := eval[string](p, `fetch('`+path+`').then(r => r.text()).then(code => {
		  try { window.parser.parse(code, {ecmaVersion: 2017}); return ''; } catch (e) { return String(e); }
		})`)
		if got != "" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if eval[bool](p, `(() => { try { window.parser.parse('a?.b', {ecmaVersion: 2017}); return true; } catch (e) { return false; } })()`) {
		t.Error("the parser takes newer syntax, so this test proves nothing")
	}
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }
