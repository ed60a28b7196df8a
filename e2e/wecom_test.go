package e2e_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// agentScript stands for jwxwork-1.0.0.js, which no npm package has: it adds
// wx.agentConfig to jweixin as its page says (企业微信: agentConfig).
const agentScript = `window.wx.agentConfig = o => window.wx.invoke('agentConfig',
  {corpid: o.corpid, agentid: '' + o.agentid,
   timestamp: '' + o.timestamp, nonceStr: o.nonceStr, signature: o.signature, jsApiList: o.jsApiList},
  res => /:ok$/.test(res.err_msg || res.errMsg) ? o.success(res) : o.fail(res));`

const workHost = "open.work.weixin.qq.com"

func withAgent(state string) map[string]string {
	all := maps.Clone(allOK)
	all["agent"] = state
	return all
}

// A page of a WeCom account is accepted for the corp and for the agent, with and
// without WeCom's own script. The id with its colon is escaped in the address.
func TestDemoPageInWeCom(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, id, agentSays string
		tab                 tabOptions
	}{
		{"with jwxwork", url.QueryEscape(agent), "agentConfig:ok · agent 1000002, with jwxwork", tabOptions{}},
		{"colon as it is", agent, "agentConfig:ok · agent 1000002, with jwxwork", tabOptions{}},
		{"without jwxwork", url.QueryEscape(agent), "agentConfig:ok · agent 1000002, with the bridge itself", tabOptions{down: []string{workHost}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newTab(t, tt.tab)
			got := openDemo(p, "app_id="+tt.id+"&client=wecom&lang=en")
			if got.State != "ok" || got.Said != "" {
				t.Fatalf("verdict %s %q, fault %q, steps %v", got.State, got.Title, got.Said, got.Steps)
			}
			if diff := cmp.Diff(withAgent("ok"), states(got)); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
			if said := got.Steps["agent"].Detail; !strings.HasPrefix(said, tt.agentSays) {
				t.Errorf("agentConfig says %q", said)
			}
			config := eval[map[string]any](p, `wxsign.last.attempts[0].config`)
			if config["appId"] != corp || config["beta"] != true {
				t.Errorf("wx.config got appId %v, beta %v", config["appId"], config["beta"])
			}
			if got.Report != "Verdict sent and kept on the server" {
				t.Errorf("report: %q", got.Report)
			}
		})
	}
}

// The agent's ticket is dead at WeCom while the corp's lives: wx.config is
// accepted, wx.agentConfig is not, and the page says what to look at.
func TestAgentSignatureRefusedInWeCom(t *testing.T) {
	t.Parallel()
	revocation := map[string]any{"app_id": spoiledAgent, "what": "ticket", "kind": "agent_config"}
	if err := world.program.control("/_sim/revoke", revocation, new(any)); err != nil {
		t.Fatal(err)
	}
	p := newTab(t, tabOptions{})
	got := openDemo(p, "app_id="+url.QueryEscape(spoiledAgent)+"&client=wecom&lang=en")
	if got.State != "warn" || !strings.Contains(got.Said, "agentConfig:fail") || !strings.Contains(got.Said, "40093") {
		t.Fatalf("verdict %s, fault %q", got.State, got.Said)
	}
	if diff := cmp.Diff(withAgent("failed"), states(got)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.Cause, "agent_config ticket of this very agent") || len(got.Mend) != 3 {
		t.Errorf("cause %q, mend %q", got.Cause, got.Mend)
	}
	// Regression: what was tried afterwards was sent as a verdict of its own, "ok".
	eval[any](p, `(() => {
	  const real = window.fetch;
	  window.fetch = (url, o) => { window.sent = JSON.parse(o.body).verdict; return real(url, o); };
	  document.getElementById('send-tries').click();
	})()`)
	p.wait(`window.sent`)
	if sent := eval[string](p, `window.sent`); sent != "failed" {
		t.Errorf("what was tried is sent as %q", sent)
	}
}

// wx.agentConfig works in WeCom only.
func TestAgentConfigIsLeftOutElsewhere(t *testing.T) {
	t.Parallel()
	p := newTab(t, tabOptions{})
	got := openDemo(p, "app_id="+url.QueryEscape(agent)+"&client=android&lang=en")
	if step := got.Steps["agent"]; step.State != "idle" || !strings.Contains(step.Detail, "only WeCom") {
		t.Errorf("agent step: %+v", step)
	}
}
