package keeper_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

const (
	corp   = "ww0123456789abcdef"
	agent2 = corp + ":1000002"
	agent7 = corp + ":1000007"
)

var (
	agents     = []string{agent2, agent7}
	agentKinds = []string{snapshot.KindAccessToken, snapshot.KindJSAPI, snapshot.KindAgentConfig}
)

// newCorp is a world with an official account and two agents of one corp.
func newCorp(t *testing.T, s setup) *world {
	t.Helper()
	var w *world
	s.tune = func(o *keeper.Options) {
		client, err := wechat.NewWeCom(wechat.Options{BaseURL: "https://simulator.invalid/qyapi", Transport: overPipes{w.sim}})
		must(t, err)
		o.WeCom = client
	}
	for _, id := range agents {
		s.simulator.Accounts = append(s.simulator.Accounts,
			simulator.Account{AppID: id, Secret: "secret-of-" + id, Domains: []string{"example.com"}})
	}
	w = newWorld(t, s)
	for _, id := range agents {
		must(t, w.store.InsertAccount(t.Context(), model.Account{
			AppID: id, Name: id, Platform: snapshot.PlatformWeCom, Origin: model.OriginFile, Enabled: true,
			SecretEnc: w.seal(id, "secret-of-"+id), KeyID: w.ring.SealingKeyID(),
			TokenMode: "stable", Tickets: agentKinds[1:], Domains: []string{"h5.example.com"},
			Profiles: model.Profiles{signature.DefaultProfile: {JSAPIList: []string{"checkJsApi"}}},
		}, agentKinds))
	}
	return w
}

// signInWeCom signs for wx.config or wx.agentConfig, with a page's wait, and has
// it verified.
func (r *replica) signInWeCom(id, kind string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	config, err := r.signer.AwaitConfig(ctx, signature.Request{URL: pageURL, AppID: id, Kind: kind})
	if err != nil {
		return err
	}
	who := fmt.Sprintf(`"appid":%q`, config.AppID)
	if kind == snapshot.KindAgentConfig {
		who = fmt.Sprintf(`"corpid":%q,"agentid":%q`, config.AppID, config.AgentID)
	}
	question := fmt.Sprintf(`{%s,"noncestr":%q,"timestamp":"%d","signature":%q,"urls":[%q]}`,
		who, config.NonceStr, config.Timestamp, config.Signature, pageURL)
	answer := httptest.NewRecorder()
	r.w.sim.Sim.VerifyHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(question)))
	var verdict struct {
		OK       bool
		Msg, Why string
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &verdict); err != nil {
		return err
	}
	if !verdict.OK {
		return fmt.Errorf("WeCom says %s: %s", verdict.Msg, verdict.Why)
	}
	return nil
}

// watchCorp lets time pass: every signature must be right at every step, and no
// token may be served that is dead.
func (w *world) watchCorp(d, step time.Duration, replicas ...*replica) (without int) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(step) {
		for _, r := range replicas {
			for _, id := range agents {
				err := errors.Join(r.signInWeCom(id, snapshot.KindJSAPI), r.signInWeCom(id, snapshot.KindAgentConfig))
				if err != nil {
					w.t.Fatalf("at %s replica %s, account %s: %v", time.Now().Format(time.TimeOnly), r.name, id, err)
				}
				w.checkToken(r, id)
				if _, err := r.keeper.Current(id, snapshot.KindAccessToken); err != nil {
					without++
				}
			}
		}
	}
	return without
}

// A day of a corp with two agents, and shorter ones whatever gettoken says of
// expires_in: one token and one ticket of each kind per period, no wrong
// signature, no dead token, and the official account beside them goes on.
func TestDayOfWeCom(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options  simulator.Options
		d        time.Duration
		versions int64
	}{
		"expires_in is constant":      {simulator.Options{}, 24 * time.Hour, 12},
		"expires_in is what is left":  {simulator.Options{WeComRemaining: true}, 6 * time.Hour, 3},
		"a new token with every call": {simulator.Options{WeComFreshTokens: true}, 6 * time.Hour, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newCorp(t, setup{simulator: tt.options, follow: time.Minute})
				r := w.start("one", nil)
				time.Sleep(2 * time.Second)
				w.watchCorp(tt.d-5*time.Minute, 293*time.Second, r)
				for _, id := range agents {
					for _, kind := range agentKinds {
						if v := w.credential(id, kind).Version; v < tt.versions || v > tt.versions+2 {
							t.Errorf("%s %s: %d versions, want %d or a little more", id, kind, v, tt.versions)
						}
						if failed := count(w.rows(id), kind, model.OutcomeFailed); failed > 0 {
							t.Errorf("%s %s: %d failures on a day without a fault", id, kind, failed)
						}
						w.checkRenewed(w.rows(id), id, kind)
					}
				}
				w.watch(time.Minute, 10*time.Second, r)
			})
		})
	}
}

// Around the end of a period every second counts: gettoken gives the same token
// until then. Two replicas are without one for the moment of the change only,
// and the corp's ticket ends for both agents when it does for the first.
func TestEndOfWeComsPeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newCorp(t, setup{})
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(2*time.Hour - 20*time.Second)
		without := w.watchCorp(40*time.Second, time.Second/4, one, two)
		if most := 2 * len(agents) * 4 * 3; without > most { // three seconds, four looks in each
			t.Errorf("%d looks found no token, want %d at most", without, most)
		}
		for _, id := range agents {
			if v := w.credential(id, snapshot.KindAccessToken).Version; v != 2 {
				t.Errorf("%s: version %d after the change, want 2", id, v)
			}
		}
	})
}

// A token that WeCom has dropped early is found dead by a report, and replaced
// by the usual call.
func TestDeadTokenOfWeCom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newCorp(t, setup{})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		before := r.credential(agent2, snapshot.KindAccessToken)
		w.revokeAgent(false)
		result, err := r.keeper.Report(t.Context(), keeper.Report{
			AppID: agent2, Kind: snapshot.KindAccessToken, SHA256: before.Value.Hash(), Errcode: 40014, Actor: "shop",
		})
		if err != nil || result != keeper.ResultRenewed {
			t.Fatalf("report: %q, %v", result, err)
		}
		if after := r.credential(agent2, snapshot.KindAccessToken); after.Version != before.Version+1 || after.Value.Equal(before.Value) {
			t.Errorf("version %d after %d", after.Version, before.Version)
		}
		if other := r.credential(agent7, snapshot.KindAccessToken); other.Version != 1 {
			t.Errorf("the other agent's token has version %d", other.Version)
		}
		w.watchCorp(time.Minute, time.Second, r)
	})
}

// A dead token that WeCom gives again and again is asked for with growing
// pauses, and never forced.
func TestWeComGivesTheDeadTokenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newCorp(t, setup{follow: time.Minute})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.revokeAgent(true)
		token := r.credential(agent2, snapshot.KindAccessToken)
		before := w.tokensOf(agent2)
		_, err := r.keeper.Report(t.Context(), keeper.Report{
			AppID: agent2, Kind: snapshot.KindAccessToken, SHA256: token.Value.Hash(), Actor: "shop",
		})
		var failed *keeper.RefreshFailed
		if !errors.As(err, &failed) || !strings.Contains(failed.Reason, "WeCom gave the dead token again") {
			t.Fatalf("report: %v", err)
		}
		time.Sleep(time.Hour)
		if calls := w.tokensOf(agent2) - before; calls < 3 || calls > 12 {
			t.Errorf("%d calls in an hour", calls)
		}
		if w.forced() != 0 {
			t.Error("something was forced")
		}
		if err := r.signInWeCom(agent2, snapshot.KindJSAPI); err != nil {
			t.Errorf("the tickets outlive the token: %v", err)
		}
		time.Sleep(2 * time.Hour) // WeCom's own end of it
		w.watchCorp(time.Minute, time.Second, r)
	})
}

// The probe proves WeCom's tokens too.
func TestProbeOfWeCom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newCorp(t, setup{follow: time.Minute})
		tune := w.setup.tune
		w.setup.tune = func(o *keeper.Options) { tune(o); o.ProbeInterval = 10 * time.Minute }
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.revokeAgent(false)
		time.Sleep(22 * time.Minute)
		if v := r.credential(agent2, snapshot.KindAccessToken).Version; v != 2 {
			t.Errorf("version %d, want 2: no probe found the dead token", v)
		}
		if v := r.credential(agent7, snapshot.KindAccessToken).Version; v != 1 {
			t.Errorf("the other agent's living token was replaced: version %d", v)
		}
	})
}

// A wrong secret is 40001 at WeCom, which is no dead token: it waits for a
// person, and an edit ends the wait.
func TestWrongSecretAtWeCom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newCorp(t, setup{follow: 10 * time.Second})
		w.sim.Control(t, "POST", "/_sim/account", map[string]any{"app_id": agent2, "secret": "another"}, nil)
		r := w.start("one", nil)
		time.Sleep(50 * time.Minute)
		if trouble := r.trouble(agent2, snapshot.KindAccessToken); trouble.Errcode != 40001 || trouble.Failing != 1 {
			t.Errorf("trouble %+v, want one failure in the hour", trouble)
		}
		if err := r.signInWeCom(agent7, snapshot.KindAgentConfig); err != nil {
			t.Errorf("the other agent suffers: %v", err)
		}
		must(t, w.setSecret(agent2, "another"))
		time.Sleep(30 * time.Second)
		w.watchCorp(time.Minute, time.Second, r)
	})
}

// Without a client of WeCom its accounts fail, and the others do not.
func TestWithoutWeCom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newCorp(t, setup{})
		w.setup.tune = nil
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		if trouble := r.trouble(agent2, snapshot.KindAccessToken); trouble.Failing == 0 || !strings.Contains(trouble.Text, "WeCom") {
			t.Errorf("trouble %+v", trouble)
		}
		w.watch(time.Minute, 10*time.Second, r)
	})
}

func (w *world) revokeAgent(stillServed bool) {
	w.t.Helper()
	w.sim.Control(w.t, "POST", "/_sim/revoke", map[string]any{"app_id": agent2, "what": "token", "still_served": stillServed}, nil)
}

// tokensOf is how often WeCom was asked for the agent's token.
func (w *world) tokensOf(id string) int {
	w.t.Helper()
	var ledger struct {
		Totals map[string]struct{ Calls int }
	}
	w.sim.Control(w.t, "GET", "/_sim/ledger?app_id="+id, nil, &ledger)
	return ledger.Totals["/qyapi/cgi-bin/gettoken"].Calls
}

func (w *world) setSecret(id, appSecret string) error {
	account, err := w.store.Account(w.t.Context(), id)
	if err != nil {
		return err
	}
	account.SecretEnc = w.seal(id, appSecret)
	_, err = w.store.UpdateAccount(w.t.Context(), account, agentKinds)
	return err
}
