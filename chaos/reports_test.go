package chaos_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
)

const probePath = "/cgi-bin/getcallbackip"

// Callers of every replica find at once that the token is dead: WeChat is asked
// once whether that is so and once for another token, and every caller is
// answered with that one. Where WeChat gives the dead one again, the second call
// is forced.
func TestManyReports(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	c := newCluster(t, plan{
		nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: 2,
		wechat:   simulator.Options{CredentialLife: simulator.DefaultCredentialLife},
		settings: []string{"WXSIGN_REFRESH_PROBE=24h"}, // the probes of the reports are counted
	})
	c.start()
	c.makeKey()
	for _, r := range c.replicas { // as each business server did to have a token at all
		if status, answer := c.control(r, http.MethodGet, c.appIDs[0]+"/access_token", ""); status != http.StatusOK {
			t.Fatalf("%s: status %d: %s", r.name, status, answer)
		}
	}
	time.Sleep(6 * time.Second) // refresh.min_interval is 5 s
	for i, stillServed := range []bool{false, true} {
		appID := c.appIDs[i]
		before := c.row(appID, "access_token")
		made := c.counted(appID)
		control(t, c.sim, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": appID, "what": "token", "still_served": stillServed}, nil)
		took := c.reportAll(before, size.reports)
		spent := c.counted(appID).less(made)
		t.Logf("still served %t: %d reports to each of %d replicas: %+v; the last was answered after %s",
			stillServed, size.reports, len(c.replicas), spent, took.Round(time.Millisecond))
		want := spending{Normal: 1, Probes: 1}
		if stillServed {
			want.Forced = 1
		}
		if spent != want {
			t.Errorf("still served %t: %+v; want %+v", stillServed, spent, want)
		}
		if now := c.row(appID, "access_token"); now.Version != before.Version+1 {
			t.Errorf("still served %t: version %d after %d", stillServed, now.Version, before.Version)
		}
		if size.full && took > 5*time.Second { // not where ten packages are tested at once
			t.Errorf("still served %t: a caller waited %s; want 5 s", stillServed, took)
		}
	}
	total := c.holdBooks(bookTime, 0)
	if total.dropped != 0 {
		t.Errorf("%s; want every value published", total)
	}
	c.holdQuiet()
}

// spending is what WeChat was asked for one account.
type spending struct{ Normal, Forced, Probes int }

func (s spending) less(o spending) spending {
	return spending{s.Normal - o.Normal, s.Forced - o.Forced, s.Probes - o.Probes}
}

func (c *cluster) counted(appID string) (s spending) {
	c.t.Helper()
	for _, made := range c.calls() {
		switch {
		case made.AppID != appID:
		case made.Path == probePath:
			s.Probes++
		case kindOf(made.Path) == "access_token" && made.Force:
			s.Forced++
		case kindOf(made.Path) == "access_token":
			s.Normal++
		}
	}
	return s
}

// reportAll sends so many reports to each replica at once, holds that each is
// answered with one living token, and tells how long the slowest took.
func (c *cluster) reportAll(dead row, reports int) (slowest time.Duration) {
	c.t.Helper()
	var callers sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	begin := make(chan struct{})
	for _, r := range c.replicas {
		for range reports {
			callers.Go(func() {
				<-begin
				asked := time.Now()
				status, text := c.control(r, http.MethodPost, dead.AppID+"/access_token/report", `{"sha256":"`+dead.Hash+`","errcode":40001}`)
				var answer struct {
					AccessToken string `json:"access_token"`
					Result      string `json:"result"`
				}
				_ = json.Unmarshal([]byte(text), &answer) // an empty one is no answer that is wanted
				mu.Lock()
				defer mu.Unlock()
				slowest = max(slowest, time.Since(asked))
				answers[fmt.Sprintf("%d %s with token %s", status, answer.Result, hashOf(answer.AccessToken)[:8])]++
			})
		}
	}
	close(begin)
	callers.Wait()
	now := c.row(dead.AppID, dead.Kind)
	if alive, why := c.truth.aliveToken(now.AppID, now.Hash); !alive {
		c.t.Errorf("the new token is dead: %s", why)
	}
	good := answers["200 renewed with token "+now.Hash[:8]] + answers["200 current with token "+now.Hash[:8]]
	if all := reports * len(c.replicas); good != all {
		c.t.Errorf("%d of %d callers got the new token %.8s: %v", good, all, now.Hash, answers)
	}
	return slowest
}

// reporters hold no connection: each caller is a program of its own.
var reporters = &http.Client{Timeout: 35 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// control asks a route of the business servers; status 0: there was no answer.
func (c *cluster) control(r *replica, method, route, body string) (status int, answer string) {
	request, err := http.NewRequestWithContext(c.t.Context(), method, r.base()+"/v1/accounts/"+route, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+r.apiKey())
	request.Header.Set("Content-Type", "application/json")
	response, err := reporters.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}
