package e2e_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// workPage has the page helper and WeCom's own SDK, and nothing is configured yet.
const workPage = `<!doctype html><title>Work</title><link rel="icon" href="data:,"><script src="/jssdk/wxsign.js"></script>
<script src="https://cdn.jsdelivr.net/npm/@wecom/jssdk@2.4.4/dist/wecom.global.prod.js" crossorigin="anonymous"></script>`

// register hands the helper to ww.register as wxsign.d.ts shows; agent adds
// getAgentConfigSignature.
func register(p *tab, withAgent bool) {
	p.t.Helper()
	byAgent := ""
	if withAgent {
		byAgent = `agentId: 1000002, getAgentConfigSignature: url => wxsign.signature(url, {appId: '` + agent + `', kind: 'agent_config'}),`
	}
	eval[any](p, `(() => { ww.register({corpId: '`+corp+`', jsApiList: ['getLocation', 'chooseImage'], `+byAgent+`
	  getConfigSignature: url => wxsign.signature(url, {appId: '`+agent+`'})}); })()`)
}

// asked notes what WeChat's client asks, and lets the simulator answer.
type asked struct {
	mu        sync.Mutex
	questions []question
}

func (a *asked) verify(ctx context.Context, q question) (verdict, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.questions = append(a.questions, q)
	return askSimulator(ctx, q)
}

// kinds are what was asked: whose signature, for which URLs.
func (a *asked) kinds() (list []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, q := range a.questions {
		who := q.AppID
		if q.CorpID != "" {
			who = q.CorpID + " agent " + q.AgentID
		}
		list = append(list, who+" "+strings.Join(q.URLs, " "))
	}
	return list
}

// WeCom's own SDK, as npm has it, configures itself with the helper's signatures:
// the simulator's WeCom accepts them, for the corp and for the agent, and for each
// route of a single-page app anew.
func TestWeComSDKTakesTheHelpersSignatures(t *testing.T) {
	t.Parallel()
	const first, second = origin + "/work?from=a%20b", origin + "/work/next?id=%E4%B8%AD"
	for _, tt := range []struct {
		name      string
		device    device
		withAgent bool
		want      []string
	}{
		{"the corp in WeCom", wecom, false, []string{corp + " " + first, corp + " " + second}},
		{"the agent in WeCom", wecom, true, []string{corp + " agent 1000002 " + first, corp + " agent 1000002 " + second}},
		// In WeChat the SDK asks once, for the URL that it was loaded at.
		{"the corp in WeChat on iOS", iPhone, true, []string{corp + " " + first}},
		{"the corp in WeChat on Android", android, false, []string{corp + " " + first + " " + first}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var a asked
			p := newTab(t, tabOptions{device: &tt.device, verify: a.verify, pages: map[string]string{"/work": workPage}})
			p.open("/work?from=a%20b#top")
			for range 2 {
				register(p, tt.withAgent)
				said := eval[string](p, `ww.ensureConfigReady().then(done => done.result.errMsg, e => 'refused: ' + (e.errMsg || e.message))`)
				if !strings.HasSuffix(said, ":ok") {
					t.Fatalf("WeCom's SDK says %q; asked %q", said, a.kinds())
				}
				if said := eval[string](p, `ww.invoke('chooseImage', {}).then(r => r.errMsg, e => 'refused: ' + e.errMsg)`); said != "chooseImage:ok" {
					t.Errorf("a call says %q", said)
				}
				eval[any](p, `(history.pushState({}, '', '/work/next?id=%E4%B8%AD#x'), 0)`)
			}
			if diff := cmp.Diff(tt.want, a.kinds()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}
