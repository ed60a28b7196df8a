package e2e_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What pages do in passing, and the helper must take.

// A fault in the page's own onStep is the page's: it shows in the console, and
// the page is configured all the same.
func TestAFaultInOnStepHarmsNothing(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &iPhone, verify: askSimulator, noise: "fault of the page"})
	said := eval[string](p, `(async () => {
	  const faults = [];
	  addEventListener('unhandledrejection', e => { faults.push(e.reason.message); e.preventDefault(); });
	  const wx = await wxsign.config({appId: '`+demoApp+`', onStep: () => { throw new Error('fault of the page'); }});
	  await new Promise(done => setTimeout(done));
	  return (wx === window.wx) + ' ' + (faults.length > 0) + ' ' + faults[0];
	})()`)
	if said != "true true fault of the page" {
		t.Errorf("configured, faults heard, first: %s", said)
	}
}

// share waits for the config under way, and says what is missing where there was
// none.
func TestShareWaitsForConfig(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &android, verify: askSimulator, noise: "404"})
	early := eval[outcome](p, `wxsign.share({title: 't'}, {lang: 'en'}).then(() => ({ok: true}),
	  e => ({code: e.code, step: e.step, cause: e.cause, mend: e.mend}))`)
	if early.OK || early.Code != "offline_verifying" || early.Step != "share" || early.Cause == "" || early.Mend == "" {
		t.Errorf("before any config: %+v", early)
	}
	got := eval[outcome](p, `(() => {
	  wxsign.config({appId: '`+demoApp+`', apis: ['updateAppMessageShareData', 'updateTimelineShareData']});
	  return wxsign.share({title: 'Second', link: location.href}, {lang: 'en'}).then(() => ({ok: true}), e => ({code: e.code, step: e.step}));
	})()`)
	titles := eval[[]string](p, `window.e2eCalls.filter(c => /ShareData$/.test(c.name)).map(c => c.args.title)`)
	if diff := cmp.Diff([]string{"Second", "Second"}, titles); !got.OK || diff != "" {
		t.Errorf("during config: %+v; shared (-want +got):\n%s", got, diff)
	}
	failed := eval[outcome](p, `(() => {
	  wxsign.config({appId: 'wxnobody', lang: 'en'}).catch(() => {});
	  return wxsign.share({title: 'Third'}).then(() => ({ok: true}), e => ({code: e.code, step: e.step}));
	})()`)
	if failed.Code != "account_unknown" || failed.Step != "sign" {
		t.Errorf("after a config that failed: %+v", failed)
	}
}

// A refusal by the server has cause and mend in the page's language, whatever the
// browser prefers.
func TestServerRefusalsSpeakThePagesLanguage(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &android, verify: askSimulator, noise: "40"})
	for _, tt := range []struct{ options, code, cause, mend string }{
		{"appId: 'wxnobody'", "account_unknown", "No account has this app_id.", "Check app_id: upper and lower case matter."},
		{"appId: 'wxnobody', lang: 'zh-CN'", "account_unknown", "没有账号用这个 app_id。", "逐字核对 app_id，区分大小写。"},
		{"profile: 'nothing', lang: 'zh'", "profile_unknown", "账号没有这个 profile。", "不传 profile，或给账号加上。"},
	} {
		got := configure(p, tt.options)
		if got.Code != tt.code || got.Cause != tt.cause || got.Mend != tt.mend || got.Request == "" {
			t.Errorf("%s: %s, request %q, cause %q, mend %q", tt.options, got.Code, got.Request, got.Cause, got.Mend)
		}
	}
}

// Attributes are texts: "false" is not true, and what surrounds names is nothing.
func TestAttributesMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	const html = `<!doctype html><title>Tag</title><link rel="icon" href="data:,">
	  <script src="/jssdk/wxsign.js" data-app-id="` + demoApp + `"
	  data-apis=" chooseImage,
	    scanQRCode " data-open-tags="" data-debug="false" data-report="false" data-timeout="9000"
	  data-share-title="<b>&quot;1&quot;</b>"></script>`
	p := newTab(t, tabOptions{device: &android, verify: askSimulator, pages: map[string]string{"/tag": html}})
	p.open("/tag")
	eval[any](p, `wxsign.ready.then(() => 0)`)
	type call struct {
		APIs  []string `json:"apis"`
		Tags  []string `json:"tags"`
		Title string   `json:"title"`
	}
	got := eval[[]call](p, `window.e2eCalls.filter(c => c.name === 'preVerifyJSAPI' || c.name === 'updateTimelineShareData')
	  .map(c => ({apis: c.args.verifyJsApiList, tags: c.args.verifyOpenTagList, title: c.args.title}))`)
	want := []call{
		{APIs: []string{"chooseImage", "scanQRCode", "updateAppMessageShareData", "updateTimelineShareData"}, Tags: []string{}},
		{Title: `<b>"1"</b>`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if eval[bool](p, `!!document.querySelector('b')`) {
		t.Error("an attribute became markup")
	}
}
