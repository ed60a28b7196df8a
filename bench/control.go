package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// tokenPath is what a business server asks.
const tokenPath = "/v1/accounts/" + appID + "/access_token"

// apiKey makes a key beside the running server.
func (b *bench) apiKey(ctx context.Context, p *process) (string, error) {
	cmd := exec.CommandContext(ctx, b.bin+"/wxsign", "--config", p.config, "key", "create", "--name", "bench", //nolint:gosec // our own
		"--scope", "token,refresh,relay", "--account", appID)
	cmd.Dir = b.dir
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// quickReports lets a token that was just made be reported as dead at once.
const quickReports = "[refresh]\nmin_interval = \"1s\""

// value is the answer of tokenPath.
type value struct {
	AccessToken string `json:"access_token"`
	Version     int64  `json:"version"`
	tag         string
}

// call is a request of a business server.
type call struct {
	method, address, key string
	body                 string
}

// tokenOf asks a replica for its token.
func tokenOf(p *process, key string) call {
	return call{method: http.MethodGet, address: "http://" + p.addr + tokenPath, key: key}
}

// ask sends one request; v may be nil.
func ask(ctx context.Context, client *http.Client, c call, v *value) (int, error) {
	request, err := http.NewRequestWithContext(ctx, c.method, c.address, strings.NewReader(c.body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if v != nil {
		v.tag = response.Header.Get("ETag")
		err = json.NewDecoder(response.Body).Decode(v)
	}
	return response.StatusCode, err
}

// control measures access_token beside bare Gin, and long polls.
func (b *bench) control(ctx context.Context, w world) (string, error) {
	gin, err := goPeer("gin")(ctx, b, w)
	if err != nil {
		return "", err
	}
	defer gin.stop()
	p, err := b.startWxsign(ctx, replica{wechat: w.wechat, database: b.sqlite("control"), cpu: serverCPU, extra: quickReports})
	if err != nil {
		return "", err
	}
	defer p.stop()
	key, err := b.apiKey(ctx, p)
	if err != nil {
		return "", err
	}
	var v value
	if status, err := ask(ctx, http.DefaultClient, tokenOf(p, key), &v); err != nil || status != http.StatusOK {
		return "", fmt.Errorf("access_token: status %d, %w", status, err)
	}
	text, err := b.tokens(ctx, gin, p, key, v.tag)
	if err != nil {
		return text, err
	}
	polls, err := b.polls(ctx, w.wechat, p, key, v)
	return text + polls, err
}

// tokens measures in turns.
func (b *bench) tokens(ctx context.Context, gin, p *process, key, tag string) (string, error) {
	rows := []struct {
		title   string
		p       *process
		path    string
		headers []string
		samples []sample
	}{
		{"bare Gin, constant", gin, page, nil, nil},
		{"access_token", p, tokenPath, []string{"-H", "Authorization: Bearer " + key}, nil},
		{"access_token with its ETag (304)", p, tokenPath, []string{"-H", "Authorization: Bearer " + key, "-H", "If-None-Match: " + tag}, nil},
	}
	for range b.rounds {
		for i, r := range rows {
			s, err := load(ctx, r.p, "http://"+r.p.addr+r.path, b.seconds, r.headers...)
			if err != nil {
				return "", fmt.Errorf("%s: %w", r.title, err)
			}
			rows[i].samples = append(rows[i].samples, s)
		}
	}
	var text strings.Builder
	text.WriteString("| route | requests a second | of bare Gin | p99 | CPU a request |\n|---|---:|---:|---:|---:|\n")
	rate := func(samples []sample) float64 { return median(samples, func(s sample) float64 { return s.perSecond }) }
	for _, r := range rows {
		p99 := median(r.samples, func(s sample) time.Duration { return s.p99 })
		cpu := median(r.samples, func(s sample) time.Duration { return s.cpu }).Round(100 * time.Nanosecond)
		fmt.Fprintf(&text, "| %s | %.0f | **%.2f** | %s | %s |\n", r.title, rate(r.samples), rate(r.samples)/rate(rows[0].samples), p99, cpu)
	}
	return text.String(), nil
}

// longPolls is how many callers wait at once.
const longPolls = 10_000

// polls lets many callers wait for the next token, and reports the live one as
// dead after WeChat was told to revoke it.
func (b *bench) polls(ctx context.Context, wechat string, p *process, key string, v value) (string, error) {
	before, err := p.memory()
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 0, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var waiters sync.WaitGroup
	var woken, failed atomic.Int64
	took := make([]time.Duration, longPolls)
	var began atomic.Int64
	wait := tokenOf(p, key)
	wait.address += fmt.Sprintf("?wait=60s&after=%d", v.Version)
	slots := make(chan struct{}, 64) //nolint:mnd // connections that open at once
	for i := range longPolls {
		slots <- struct{}{}
		release := sync.OnceFunc(func() { <-slots })
		time.AfterFunc(50*time.Millisecond, release)
		waiters.Go(func() {
			var next value
			status, err := ask(ctx, client, wait, &next)
			if err != nil || status != http.StatusOK || next.Version == v.Version {
				failed.Add(1)
				return
			}
			took[i] = time.Since(time.Unix(0, began.Load()))
			woken.Add(1)
		})
	}
	time.Sleep(time.Second)
	during, err := p.memory()
	if err != nil {
		return "", err
	}
	began.Store(time.Now().UnixNano())
	if err := replace(ctx, wechat, p, key, v); err != nil {
		return "", err
	}
	renewed := time.Since(time.Unix(0, began.Load()))
	waiters.Wait()
	slices.Sort(took)
	return fmt.Sprintf("\n%d long polls at once: %.0f MB in all, %.0f MB more than before them; the token's replacement took %s; %d were woken, the last %s after it, and %d failed.\n",
		longPolls, float64(during)/(1<<20), float64(during-before)/(1<<20), renewed.Round(time.Millisecond),
		woken.Load(), (took[longPolls-1] - renewed).Round(time.Millisecond), failed.Load()), nil
}

// replace makes WeChat revoke a token and reports it as dead.
func replace(ctx context.Context, wechat string, p *process, key string, v value) error {
	order := fmt.Sprintf(`{"app_id":%q,"what":"token"}`, appID)
	if err := steer(ctx, wechat, http.MethodPost, "/_sim/revoke", order); err != nil {
		return err
	}
	report := call{
		method: http.MethodPost, address: "http://" + p.addr + tokenPath + "/report", key: key,
		body: fmt.Sprintf(`{"value":%q,"errcode":40001}`, v.AccessToken),
	}
	var next value
	status, err := ask(ctx, http.DefaultClient, report, &next)
	if err != nil || status != http.StatusOK || next.Version == v.Version {
		return fmt.Errorf("report: status %d, version %d, %w", status, next.Version, err)
	}
	return nil
}
