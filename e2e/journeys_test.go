package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A login by OAuth ends in a redirect: the landing URL is the one after it.
func TestRedirectWithCodeIsAccepted(t *testing.T) {
	t.Parallel()
	const landed = "/page?code=0d1x2y&state=a%23wechat_redirect"
	for _, d := range devices {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := newTab(t, tabOptions{
				device: &d, verify: askSimulator, pages: map[string]string{"/page": plainPage},
				once: map[string]reply{"/login": {status: http.StatusFound, headers: map[string]string{"Location": landed}}},
			})
			p.open("/login")
			accepted(p, "", origin+landed)
			p.leave(`location.replace('/page?code=again')`) // a page of its own goes on likewise
			accepted(p, "", origin+"/page?code=again")
		})
	}
}

// A ticket that has expired is renewed by the server in a moment: the helper asks
// again when the server says so, once.
func TestExpiredTicketRecovers(t *testing.T) {
	t.Parallel()
	notReady := func(after string) reply {
		return reply{
			status: http.StatusServiceUnavailable, headers: map[string]string{"Content-Type": "application/json", "Retry-After": after},
			body: `{"code":"ticket_not_ready","message":"There is no live ticket at the moment.","request_id":"r1"}`,
		}
	}
	for _, tt := range []struct {
		name, after, code string
	}{
		{"soon", "1", ""},
		{"much later", "600", "ticket_not_ready"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := openPage(t, "/page", tabOptions{
				device: &iPhone, verify: askSimulator, noise: "503", once: map[string]reply{"/jssdk/config": notReady(tt.after)},
			})
			got := configure(p, "")
			if got.OK != (tt.code == "") || got.Code != tt.code {
				t.Errorf("ok = %v, code %q", got.OK, got.Code)
			}
			accepted(p, "", origin+"/page") // at the latest now
		})
	}
}

// All there is to write is the tag.
func TestTagWithoutCode(t *testing.T) {
	t.Parallel()
	tag := `<!doctype html><link rel="icon" href="data:,"><title>Page title</title>
		<script src="/jssdk/wxsign.js" data-app-id="` + demoApp + `" data-apis="scanQRCode, chooseImage" data-open-tags="wx-open-audio"
		data-share-desc="says" data-share-img-url="https://h5.example.com/c.png"></script>`
	for _, d := range devices[:4] {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := newTab(t, tabOptions{device: &d, verify: askSimulator, pages: map[string]string{"/tag": tag}})
			p.open("/tag")
			if !eval[bool](p, `wxsign.ready.then(wx => wx === window.wx)`) {
				t.Error("wxsign.ready does not resolve with wx")
			}
			args := preVerify(p)
			want := []any{"scanQRCode", "chooseImage", "updateAppMessageShareData", "updateTimelineShareData"}
			if diff := cmp.Diff(want, args["verifyJsApiList"]); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]any{"wx-open-audio"}, args["verifyOpenTagList"]); diff != "" {
				t.Errorf("open tags (-want +got):\n%s", diff)
			}
			card := eval[[]string](p, `(({title, desc, imgUrl}) => [title, desc, imgUrl])(
			  window.e2eCalls.find(call => call.name === 'updateAppMessageShareData').args)`)
			if diff := cmp.Diff([]string{"Page title", "says", "https://h5.example.com/c.png"}, card); diff != "" {
				t.Errorf("card (-want +got):\n%s", diff)
			}
		})
	}
}

// In an ordinary browser the tag is silent, and a bundle's tag is none of ours.
func TestTagElsewhere(t *testing.T) {
	t.Parallel()
	p := newTab(t, tabOptions{pages: map[string]string{
		"/tag":    `<!doctype html><link rel="icon" href="data:,"><script src="/jssdk/wxsign.js" data-share></script>`,
		"/bundle": `<!doctype html><link rel="icon" href="data:,"><script src="/jssdk/wxsign.mjs?bundle" type="module" data-share></script>`,
	}})
	p.open("/tag")
	if got := eval[string](p, `wxsign.ready.then(() => '', err => err.code)`); got != "not_wechat" {
		t.Errorf("in a browser: %q", got)
	}
	p.open("/bundle")
	p.wait(`window.wxsign`)
	if eval[bool](p, `'ready' in wxsign`) {
		t.Error("a module's tag was read as options")
	}
}

// A page that has opted in tells the server of its failure; the server takes it
// from a page of the account only.
func TestFailureIsReported(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page?a=1#x", tabOptions{device: &iPhone, verify: refuse("invalid signature"), noise: "status of 4"})
	// The beacon's fate cannot be seen, so the same request is sent by fetch.
	eval[any](p, `window.sent = []; navigator.sendBeacon = (url, body) => window.sent.push({url, body}); 0`)
	configure(p, "")
	if n := eval[int](p, `window.sent.length`); n != 0 {
		t.Errorf("%d reports without opting in", n)
	}
	configure(p, "report: true")
	type report struct {
		AppID   string `json:"app_id"`
		PageURL string `json:"page_url"`
		Client  string `json:"client"`
		Verdict string `json:"verdict"`
		Detail  string `json:"detail"`
	}
	var got report
	if err := json.Unmarshal([]byte(eval[string](p, `window.sent[0].body`)), &got); err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{
		`"step":"verify"`, `"code":"invalid_signature"`, `"errMsg":"config:invalid signature"`, `"realAuthUrl":["` + origin + `/page?a=1"]`,
	} {
		if !strings.Contains(got.Detail, words) {
			t.Errorf("the detail lacks %s: %s", words, got.Detail)
		}
	}
	got.Detail = ""
	if diff := cmp.Diff(report{AppID: demoApp, PageURL: origin + "/page?a=1#x", Client: "ios", Verdict: "failed"}, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	send := `(change => fetch(window.sent[0].url, {
	    method: 'POST', body: JSON.stringify(Object.assign(JSON.parse(window.sent[0].body), change)),
	  }).then(async res => res.status === 204 ? 'taken' : (await res.json()).code))`
	for change, want := range map[string]string{
		"{}": "taken",
		"{page_url: 'https://" + pageHost + "/page'}": "report_invalid", // not where it was sent from
		"{page_url: 'https://elsewhere.example/'}":    "domain_not_allowed",
		"{verdict: 'maybe'}":                          "report_invalid",
		"{more: 1}":                                   "json_invalid",
		"{detail: 'x'.repeat(4096)}":                  "body_too_large",
	} {
		if got := eval[string](p, send+`(`+change+`)`); got != want {
			t.Errorf("%s: %s, want %s", change, got, want)
		}
	}
}

// WeCom's own SDK asks for signatures through a function.
func TestSignatureForWeComsSDK(t *testing.T) {
	t.Parallel()
	p := openPage(t, "/page", tabOptions{device: &wecom, verify: askSimulator, noise: "404"})
	got := eval[map[string]any](p, `(async () => {
	  const asked = [], real = window.fetch;
	  window.fetch = (url, o) => { asked.push(new URL(url, location.href).searchParams.get('kind')); return real(url, o); };
	  const config = await wxsign.signature(location.href + '#cut', {appId: '`+demoApp+`'});
	  const agent = await wxsign.signature(location.href, {appId: '`+demoApp+`', kind: 'agent_config'})
	    .then(cfg => cfg.signature, err => err.code);
	  return {asked, url: config.url, agent, fields: ['timestamp', 'nonceStr', 'signature'].map(key => typeof config[key])};
	})()`)
	if diff := cmp.Diff(map[string]any{
		"asked": []any{nil, "agent_config"}, "fields": []any{"number", "string", "string"}, "url": origin + "/page",
		"agent": "ticket_not_configured", // of an official account
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The examples run as they stand, in each WeChat.
func TestExamplesRun(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"android", "ios", "pc", "wecom"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			p := newTab(t, tabOptions{})
			state := func(want string) { p.wait(`(document.getElementById('state') || {}).innerText === '` + want + `'`) }
			for _, example := range []struct{ name, ready, routed string }{
				{"tag", "", ""},
				{"plain", "WeChat has accepted this page.", ""},
				{"history", "Ready: Shop", "Ready: Item 7"},
				{"vue", "Ready: Shop", "Ready: Item"},
				{"react", "Ready: Shop", "Ready: Item 7"},
			} {
				p.open("/demo/examples/" + example.name + "?app_id=" + demoApp + "&client=" + client)
				if example.ready == "" {
					eval[any](p, `wxsign.ready.then(() => 0)`)
				} else {
					state(example.ready)
				}
				if example.routed != "" {
					eval[any](p, `[...document.querySelectorAll('a')].find(a => a.innerText === 'Item 7').click()`)
					state(example.routed)
				}
				p.wait(`/config:ok/.test(document.querySelector('.watch').innerText)`)
			}
		})
	}
}

// What phones get is made from what people read.
func TestMinifiedHelperIsCurrent(t *testing.T) {
	t.Parallel()
	var pack struct {
		Scripts struct{ Minify string }
	}
	source, err := os.ReadFile("package.json")
	if err == nil {
		err = json.Unmarshal(source, &pack)
	}
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(pack.Scripts.Minify)
	last := len(words) - 2
	if last < 1 || words[last] != "--output" {
		t.Fatalf("package.json: minify is %q", pack.Scripts.Minify)
	}
	terser := filepath.Join("node_modules", "terser", "bin", "terser")
	command := exec.CommandContext(t.Context(), "node", append([]string{terser}, words[1:last]...)...)
	made, err := command.Output()
	if err != nil {
		t.Fatalf("terser: %v", err)
	}
	kept, err := os.ReadFile(words[last+1])
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(made)) != strings.TrimSpace(string(kept)) {
		t.Errorf("%s is not what wxsign.js makes now: run `npm run minify --prefix e2e`", words[last+1])
	}
}
