package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tapEverything uses all of the demo page once it has been accepted: each API, the
// routes of a single-page app, the open tag.
func tapEverything(p *tab) {
	p.t.Helper()
	eval[any](p, `window.confirm = () => true; for (const button of document.querySelectorAll('#apis button')) button.click();`)
	p.wait(`[...document.querySelectorAll('#apis span')].every(said => /yes|no/.test(said.className))`)
	for i, id := range []string{"spa-push", "spa-hash", "spa-back", "spa-push"} {
		eval[any](p, `document.getElementById('`+id+`').click()`)
		p.wait(`document.querySelectorAll('#spa-log li').length === ` + string(rune('1'+i)) +
			` && [...document.querySelectorAll('#spa-log li')].every(li => /ok|failed/.test(li.dataset.state))`)
	}
	eval[any](p, `document.getElementById('tag').elements.username.value = 'gh_0123456789ab'; document.getElementById('tag-show').click()`)
}

// Every API of the profile is tried with one tap, and what came of it can be sent
// to the panel.
func TestDemoTriesEveryAPI(t *testing.T) {
	t.Parallel()
	for _, d := range devices {
		t.Run(d.title(), func(t *testing.T) {
			t.Parallel()
			p := newTab(t, tabOptions{device: &d, verify: askSimulator})
			if got := openDemo(p, "lang=en&profile=everything"); got.State != "ok" {
				t.Fatalf("verdict %s: %s", got.State, got.Said)
			}
			tapEverything(p)
			said := eval[map[string]string](p, `Object.assign({},
			  ...[...document.querySelectorAll('#apis span')].map(s => ({[s.id.slice(4)]: s.innerText})))`)
			for name, words := range said {
				want := name + ":ok"
				if d == wecom && strings.HasPrefix(name, "update") { // younger than jweixin 1.2.0
					want = "this jweixin does not have it"
				}
				if !strings.HasPrefix(words, want) {
					t.Errorf("%s: %q, want %q", name, words, want)
				}
			}
			if len(said) != 12 {
				t.Errorf("%d APIs, want the 12 of the profile: %v", len(said), said)
			}
			checkRoutes(t, p, d)
			eval[any](p, `document.getElementById('send-tries').click()`)
			p.wait(`document.getElementById('report').innerText === 'Verdict sent and kept on the server'`)
		})
	}
}

// checkRoutes looks at the log of the single-page app: which URL was signed where.
func checkRoutes(t *testing.T, p *tab, d device) {
	t.Helper()
	const landing = origin + "/demo/share?lang=en&profile=everything"
	routed := landing + "&route=%E5%95%86%E5%93%81+1"
	want := []string{routed, routed, routed, landing + "&route=%E5%95%86%E5%93%81+2"}
	if d.name == "ios" || d.name == "android" {
		want = []string{landing, landing, landing, landing}
	}
	got := eval[[]string](p, `[...document.querySelectorAll('#spa-log .detail')].map(box => box.innerText)`)
	for i := range want {
		want[i] = "config:ok · signed " + want[i]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// What is refused is said with its cause, not with errMsg alone.
func TestDemoExplainsARefusedAPI(t *testing.T) {
	t.Parallel()
	p := newTab(t, tabOptions{device: &android, verify: askSimulator})
	openDemo(p, "lang=en&profile=everything")
	eval[any](p, `window.WeixinJSBridge.invoke = (name, given, done) => done({err_msg: name + ':access_denied'});
	  document.getElementById('api-scanQRCode').parentNode.querySelector('button').click()`)
	p.wait(`document.getElementById('api-scanQRCode').className === 'no'`)
	said := eval[string](p, `document.getElementById('api-scanQRCode').innerText`)
	if !strings.HasPrefix(said, "scanQRCode:permission denied The account has no right") {
		t.Errorf("says %q", said)
	}
}

func TestDemoChecksTheShareLink(t *testing.T) {
	t.Parallel()
	p := newTab(t, tabOptions{device: &iPhone, verify: askSimulator, noise: "403"})
	openDemo(p, "lang=en")
	const off = "The page’s scheme, host, port or path is not on the account’s domains. WeChat would drop this link without a word."
	for link, want := range map[string]string{
		origin + "/other?a=1#part":    "on a domain of the account",
		"https://shop.example.net/x":  off,
		"http://h5.example.com.evil/": off,
	} {
		quoted, err := json.Marshal(link)
		if err != nil {
			t.Fatal(err)
		}
		eval[any](p, `(() => {
		  const box = document.getElementById('share').link;
		  box.value = `+string(quoted)+`;
		  box.dispatchEvent(new Event('change'));
		})()`)
		p.wait(`document.getElementById('link-check').innerText !== ''`)
		if got := eval[string](p, `document.getElementById('link-check').innerText`); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

// The open tag stands where the profile has it, and says why not elsewhere.
func TestDemoShowsTheOpenTag(t *testing.T) {
	t.Parallel()
	p := newTab(t, tabOptions{device: &android, verify: askSimulator})
	openDemo(p, "lang=en")
	if !eval[bool](p, `document.getElementById('tag-show').disabled &&
	  document.getElementById('tag-check').innerText.includes('open_tag_list')`) {
		t.Error("with a profile that lacks the tag it can be shown")
	}
	openDemo(p, "lang=en&profile=everything")
	eval[any](p, `document.getElementById('tag').elements.username.value = ' gh_1 '; document.getElementById('tag-show').click()`)
	tag := eval[string](p, `document.querySelector('#tag-place wx-open-launch-weapp[username="gh_1"] script').text`)
	if tag != "<button>Open the mini program</button>" {
		t.Errorf("template: %q", tag)
	}
	said := eval[string](p, `(() => {
	  document.dispatchEvent(new CustomEvent('WeixinOpenTagsError', {detail: {errMsg: 'too old'}}));
	  return document.getElementById('tag-said').innerText;
	})()`)
	if !strings.Contains(said, "WeixinOpenTagsError") || !strings.Contains(said, "too old") {
		t.Errorf("says %q", said)
	}
}
