package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// business sends calls of a business server through the relays of replicas.
type business struct {
	t        testing.TB
	key      string
	replicas []*server
	client   *http.Client

	sent    atomic.Int64
	mu      sync.Mutex
	answers map[int]int    // by errcode
	marks   map[string]int // by X-Wxsign-Relay
	odd     []string       // neither an answer of WeChat's nor a success
}

func newBusiness(t testing.TB, key string, replicas []*server) *business {
	t.Helper()
	b := &business{
		t: t, key: key, replicas: replicas, answers: map[int]int{}, marks: map[string]int{},
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 50}},
	}
	t.Cleanup(b.client.CloseIdleConnections)
	return b
}

// call sends one customer service message.
func (b *business) call() {
	n := b.sent.Add(1)
	target := b.replicas[int(n)%len(b.replicas)].listen + "/cgi-bin/message/custom/send?access_token=" + b.key
	body := `{"touser":"OPENID","msgtype":"text","text":{"content":"Hello"}}`
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		b.note(-2, "", err.Error())
		return
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.note(-2, "", err.Error())
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var answer struct {
		Errcode *int `json:"errcode"`
	}
	if err != nil || json.Unmarshal(text, &answer) != nil || answer.Errcode == nil || *answer.Errcode != 0 && *answer.Errcode != 40001 {
		b.note(-2, "", string(text))
		return
	}
	b.note(*answer.Errcode, resp.Header.Get("X-Wxsign-Relay"), "")
}

// reportLiving reports the live token as dead, and is told that it lives.
func (b *business) reportLiving() {
	b.t.Helper()
	own := b.replicas[0].listen + "/v1/accounts/" + demoApp + "/access_token"
	var value struct {
		Token  string `json:"access_token"`
		Result string `json:"result"`
	}
	b.own(http.MethodGet, own, "", &value)
	b.own(http.MethodPost, own+"/report", `{"value":"`+value.Token+`","errcode":40001}`, &value)
	if value.Result != "alive" {
		b.t.Fatalf("a report of the living token: %q, want alive", value.Result)
	}
}

// own asks one of wxsign's own routes.
func (b *business) own(method, address, body string, into any) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.key)
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("HTTP %d, %v", resp.StatusCode, err)
	}
}

func (b *business) note(errcode int, mark, odd string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[errcode]++
	b.marks[mark]++
	if odd != "" {
		b.odd = append(b.odd, odd)
	}
}

// The token dies in the middle of a thousand calls: each ends well or with
// WeChat's own answer, and WeChat is asked for one new token.
func TestTokenDiesAmidAThousandCalls(t *testing.T) {
	t.Parallel()
	for name, replicas := range map[string]int{"SQLite": 1, "MariaDB": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := startSimulator(t, simulator.Account{})
			env := append(production(""), "WXSIGN_DATABASE_DRIVER=sqlite", "WXSIGN_DATABASE_DSN="+filepath.Join(t.TempDir(), "wxsign.db"))
			if replicas > 1 {
				env = production(modeltest.MariaDB(t))
			}
			p := newPlace(t, oneAccount, append(env, "WXSIGN_WECHAT_BASE_URL="+sim.URL, "WXSIGN_SECURITY_MASTER_KEY="+newKey(t),
				"WXSIGN_REFRESH_MIN_INTERVAL=1s")...)
			var all []*server
			for range replicas {
				s := p.startReady(t)
				s.sign(page, sim.URL)
				all = append(all, s)
			}
			code, key, stderr := p.run(t, "key", "create", "--name", "shop", "--scope", "relay,token,refresh", "--account", demoApp)
			if code != 0 {
				t.Fatal(stderr)
			}
			revokeAmid(t, sim, newBusiness(t, strings.TrimSpace(key), all))
		})
	}
}

// revokeAmid makes a thousand calls and more, and revokes the token behind the
// first few hundred.
func revokeAmid(t *testing.T, sim *simtest.Server, b *business) {
	t.Helper()
	const workers, early, late = 40, 300, 700
	ready := time.Now()
	var work sync.WaitGroup
	dead := make(chan struct{})
	var after atomic.Int64
	for range workers {
		work.Go(func() {
			for after.Load() < late {
				b.call()
				select {
				case <-dead:
					after.Add(1)
				default:
				}
			}
		})
	}
	// Two renewals are a second apart, and the first was before ready.
	b.replicas[0].wait("the first calls", func() bool { return b.sent.Load() >= early && time.Since(ready) > 2*time.Second })
	b.reportLiving() // WeChat's word that it lives must not count a moment later
	sim.Control(t, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": demoApp, "what": "token"}, nil)
	close(dead)
	work.Wait()

	if len(b.odd) > 0 {
		t.Errorf("%d calls ended otherwise, the first: %s", len(b.odd), b.odd[0])
	}
	t.Logf("%d calls, by errcode %v, by mark %v", b.sent.Load(), b.answers, b.marks)
	if b.answers[0] < early || b.marks["retried"] == 0 {
		t.Errorf("by errcode %v, by mark %v; want successes, some after a second attempt", b.answers, b.marks)
	}
	if diff := cmp.Diff(2, calls(t, sim)["/cgi-bin/stable_token"]); diff != "" {
		t.Errorf("calls for a token, the first one included: %s", diff)
	}
	for _, s := range b.replicas { // each knows the new token
		before := b.answers[0]
		b.replicas = []*server{s}
		b.call()
		if b.answers[0] != before+1 {
			t.Errorf("after the storm: by errcode %v; %q", b.answers, b.odd)
		}
	}
	for _, s := range b.replicas {
		if strings.Contains(s.log.String(), b.key) {
			t.Error("the API key is in the log")
		}
	}
}
