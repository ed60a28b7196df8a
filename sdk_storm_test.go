package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// The token dies in the middle of a thousand calls that real SDKs send through
// three replicas: each ends well or with WeChat's own answer, and WeChat is asked
// for one new token.
func TestTokenDiesAmidTheCallsOfSDKs(t *testing.T) {
	t.Parallel()
	const early, late = 300, 700
	sim, replicas, key := threeReplicas(t)
	ready := time.Now()
	var clients []*sdk
	var tokens []string
	for i, name := range []string{"co-wechat-api", "powerwechat", "chanxuehong"} {
		c := startSDK(t, name, "--base", replicas[i].listen, "--key", key)
		a := c.ask("token", demoApp)
		if a.Error != "" {
			t.Fatalf("%s: %+v", name, a)
		}
		c.say("storm", demoApp, "4")
		clients, tokens = append(clients, c), append(tokens, a.SHA256)
	}
	// Two renewals are a second apart, and the first was before ready.
	await(t, "the first calls", func() bool { return sent(t, sim) >= early && time.Since(ready) > 2*time.Second })
	sim.Control(t, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": demoApp, "what": "token"}, nil)
	died := sent(t, sim)
	await(t, "the calls after it", func() bool { return sent(t, sim) >= died+late })
	for i, c := range clients {
		checkStorm(t, c, tokens[i])
	}
	if n := calls(t, sim)["/cgi-bin/stable_token"]; n != 2 {
		t.Errorf("%d calls for a token, the first one included; want 2", n)
	}
	for _, s := range replicas {
		if strings.Contains(s.log.String(), key) {
			t.Error("the API key is in the log")
		}
	}
}

// checkStorm ends a storm and holds that its calls ended as they may. The SDK has
// not noticed anything: it still sends the dead token, which stands for the live one.
func checkStorm(t *testing.T, c *sdk, dead string) {
	t.Helper()
	a := c.ask() // any line ends it
	t.Logf("%s: calls by errcode %v", c.name, a.Calls)
	if len(a.Odd) > 0 || a.Calls[0] == 0 {
		t.Errorf("%s: calls by errcode %v, and %q", c.name, a.Calls, a.Odd)
	}
	for errcode := range a.Calls {
		if errcode != 0 && errcode != 40001 {
			t.Errorf("%s: errcode %d", c.name, errcode)
		}
	}
	if a.Calls[40001] == 0 {
		if a := c.ask("token", demoApp); a.SHA256 != dead {
			t.Errorf("%s has another token now: %+v", c.name, a)
		}
	}
	if a := c.ask("call", demoApp); a.Error != "" {
		t.Errorf("%s, afterwards: %+v", c.name, a)
	}
}

// threeReplicas serve one account from one MariaDB. The key may do all that an
// SDK does.
func threeReplicas(t *testing.T) (sim *simtest.Server, replicas []*server, key string) {
	t.Helper()
	sim = startSimulator(t, simulator.Account{})
	p := newPlace(t, oneAccount, append(production(modeltest.MariaDB(t)),
		"WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+newKey(t), "WXSIGN_REFRESH_MIN_INTERVAL=1s")...)
	for range 3 {
		s := p.startReady(t)
		s.sign(page, sim.URL)
		replicas = append(replicas, s)
	}
	return sim, replicas, sdkKey(t, p, demoApp)
}

// sdkKey makes an API key that stands for the AppSecret of accounts. An SDK sends
// the token in place of the key, and so the relay asks where it comes from.
func sdkKey(t *testing.T, p *place, accounts ...string) string {
	t.Helper()
	code, key, stderr := p.run(t, "key", "create", "--name", "sdk", "--scope", "token,ticket,relay",
		"--cidr", "127.0.0.1", "--account", strings.Join(accounts, ","))
	if code != 0 {
		t.Fatal(stderr)
	}
	return strings.TrimSpace(key)
}

// sent counts the messages that came to the simulator.
func sent(t *testing.T, sim *simtest.Server) int {
	t.Helper()
	const path = "/cgi-bin/message/custom/send"
	var l ledger
	sim.Control(t, http.MethodGet, "/_sim/ledger?since=9007199254740991&path="+path, nil, &l) // totals without the lines
	return l.Totals[path].Calls
}
