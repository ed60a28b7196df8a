package chaos_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

// makeKey has the program make an API key, as an operator would, and gives it
// to all replicas' askers.
func (c *cluster) makeKey() string {
	c.t.Helper()
	stdout, stderr, err := c.command(binary, "key", "create", "--name", "chaos", "--scope", "token,refresh", "--account", "*")
	key := strings.TrimSpace(stdout)
	if err != nil || !strings.HasPrefix(key, "wxs_") {
		c.t.Fatalf("`wxsign key create` made no key: %v\n%s", err, stderr)
	}
	for _, r := range c.replicas {
		r.setKey(key)
	}
	return key
}

// command runs a program to its end as the last replica's operator would, and
// kills it if it does not come to one.
func (c *cluster) command(program string, args ...string) (stdout, stderr string, err error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), startTime)
	defer cancel()
	like := c.replicas[len(c.replicas)-1]
	cmd := exec.CommandContext(ctx, program, append([]string{"--config", like.config}, args...)...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = like.env, &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), errors.Join(err, ctx.Err())
}

// tokenEvery: of so many questions one is for a token.
const tokenEvery = 4

// onceToken asks a replica for an access_token, as a business server does.
func (p *prober) onceToken(ctx context.Context, to target, base, key, appID string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/accounts/"+appID+"/access_token", nil)
	if err != nil {
		p.fail("request", err.Error())
		return
	}
	request.Header.Set("Authorization", "Bearer "+key)
	asked := time.Now()
	switch status, text := p.send(request); status {
	case 0:
	case http.StatusOK:
		p.checkToken(to, appID, text, asked)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		// It has none, or cannot look the key up yet and says so.
		p.notReady.Add(1)
	default:
		p.refused(status, text)
	}
}

// checkToken holds that the token was alive when it was asked for. A classic one
// dies where answers of WeChat are lost twice in turn, and nobody can know:
// those are counted apart.
func (p *prober) checkToken(to target, appID string, text []byte, asked time.Time) {
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.AccessToken == "" {
		p.fail("answer", string(text))
		return
	}
	alive, why := p.truth.aliveTokenAt(appID, hashOf(answer.AccessToken), asked)
	switch {
	case p.truth.classic[appID]:
		p.classic.Add(1)
		if !alive {
			p.classicDead.Add(1)
		}
	case alive:
		p.valid.Add(1)
		p.tokens.Add(1)
	default:
		p.invalid.Add(1)
		p.blameToken(to, appID, why, asked)
	}
}

// hashOf is how a value is known where it is not shown.
func hashOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

func (p *prober) blameToken(to target, appID, why string, asked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) < mostFaults {
		p.faults = append(p.faults, fmt.Sprintf("%s %s gave a dead token of %s: %s", asked.Format("15:04:05.000"), to.id(), appID, why))
	}
}

// The prober must find a dead token, or it could not see one.
func TestProberSeesDeadTokens(t *testing.T) {
	t.Parallel()
	sim, err := simulator.New(simulator.Options{Accounts: []simulator.Account{{AppID: "wxchaos", Secret: appSecret}}})
	if err != nil {
		t.Fatal(err)
	}
	p := &prober{truth: newTruth(t, sim), failures: map[string]int{}}
	request := map[string]string{"grant_type": "client_credential", "appid": "wxchaos", "secret": appSecret}
	var answer json.RawMessage
	control(t, sim, http.MethodPost, "/cgi-bin/stable_token", request, &answer)
	before := time.Now()
	p.checkToken(silent{}, "wxchaos", answer, before)
	control(t, sim, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": "wxchaos", "what": "token"}, nil)
	p.checkToken(silent{}, "wxchaos", answer, before) // it was alive when it was asked for
	if p.valid.Load() != 2 || p.invalid.Load() != 0 {
		t.Errorf("alive: %s", p.summary())
	}
	p.checkToken(silent{}, "wxchaos", answer, time.Now().Add(time.Millisecond))
	p.checkToken(silent{}, "wxchaos", []byte(`{"access_token":"of-nobody"}`), before)
	if p.invalid.Load() != 2 || len(p.faults) != 2 {
		t.Errorf("dead, and unknown: %s, %q", p.summary(), p.faults)
	}
}

// silent is a target that is never asked.
type silent struct{}

func (silent) id() string     { return "nobody" }
func (silent) base() string   { return "" }
func (silent) apiKey() string { return "" }
