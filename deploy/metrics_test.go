package deploy_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/cli"
)

func TestRules(t *testing.T) {
	t.Parallel()
	run(t, "prometheus", "promtool", "check", "rules", "wxsign.rules.yaml")
	run(t, "prometheus", "promtool", "test", "rules", "wxsign.rules.test.yaml")
	fired := firedRules(t)
	for _, rule := range at(t, documents(t, "prometheus/wxsign.rules.yaml")[0], "groups", 0, "rules").([]any) {
		if name, _ := at(t, rule, "alert").(string); !fired[name] {
			t.Errorf("no test sees %s firing", name)
		}
	}
}

// firedRules are those that a test expects to fire: a rule that is only seen silent
// may be one that never speaks.
func firedRules(t *testing.T) map[string]bool {
	t.Helper()
	fired := map[string]bool{}
	for _, test := range at(t, documents(t, "prometheus/wxsign.rules.test.yaml")[0], "tests").([]any) {
		for _, check := range at(t, test, "alert_rule_test").([]any) {
			expected, _ := check.(map[string]any)["exp_alerts"].([]any)
			if name, _ := at(t, check, "alertname").(string); len(expected) > 0 {
				fired[name] = true
			}
		}
	}
	return fired
}

// The file is what Grafana imports: each panel asks Prometheus something, and
// its queries are such.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		Title, UID string
		Panels     []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "grafana/wxsign.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	rules := "groups:\n- name: panels\n  rules:\n"
	seen := map[int]bool{}
	for _, panel := range dashboard.Panels {
		if seen[panel.ID] || panel.Title == "" || len(panel.Targets) == 0 || panel.GridPos.X+panel.GridPos.W > 24 {
			t.Errorf("panel %+v", panel)
		}
		seen[panel.ID] = true
		for _, target := range panel.Targets {
			expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "1m")
			rules += "  - record: panel\n    expr: '" + strings.ReplaceAll(expr, "'", "''") + "'\n"
		}
	}
	path := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	// Several panels record one name here, which promtool reports and we mean.
	run(t, ".", "promtool", "check", "rules", "--lint=none", path)
}

// What rules, dashboard and handbook name is what a running server has, and the
// handbook names all of it.
func TestMetricsAreThoseOfAServer(t *testing.T) {
	t.Parallel()
	const ours = `\bwxsign_[a-z_]+`
	suffix := regexp.MustCompile(`_(bucket|sum|count)$`)
	named := map[string]map[string]bool{}
	for _, file := range []string{
		"prometheus/wxsign.rules.yaml", "prometheus/wxsign.rules.test.yaml", "grafana/wxsign.json", "../docs/metrics.md",
	} {
		named[file] = map[string]bool{}
		for _, name := range regexp.MustCompile(ours).FindAllString(read(t, file), -1) {
			named[file][suffix.ReplaceAllString(name, "")] = true
		}
		if len(named[file]) < 8 {
			t.Fatalf("%s names only %v", file, named[file])
		}
	}
	handbook := named["../docs/metrics.md"]
	// It takes a force refresh to see this one; the tests of service/metrics do.
	handbookAlone := map[string]bool{"wxsign_force_budget_left": true}

	served := scrape(t, func(served map[string]bool) bool {
		for name := range handbook {
			if !served[name] && !handbookAlone[name] {
				return false
			}
		}
		return true
	})
	for file, names := range named {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if !served[name] && !handbookAlone[name] {
				t.Errorf("%s names %s, which the server does not have", file, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(served)) {
		if !handbook[name] {
			t.Errorf("docs/metrics.md does not explain %s", name)
		}
	}
}

// troubled has an account that works, one that WeChat refuses, and a Redis that is
// not there.
const troubled = `
[wechat]
base_url = "http://127.0.0.1:8089"
[simulator]
enabled = true
listen = "127.0.0.1:0"
[[simulator.account]]
app_id = "wxwell0123456789ab"
secret = "appsecret-of-the-simulator"
domains = ["127.0.0.1"]
[[account]]
app_id = "wxwell0123456789ab"
secret = "appsecret-of-the-simulator"
domains = ["127.0.0.1"]
[[account]]
app_id = "wxsick0123456789ab"
secret = "appsecret-that-is-refused"
domains = ["localhost"]
[server]
listen = "127.0.0.1:0"
[ops]
listen = "127.0.0.1:0"
[publish.redis]
address = "127.0.0.1:1"
`

// journal is a log that is written while it is read.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// scrape starts a whole server and asks its /metrics until enough is there, or
// for so long that it will not come.
func scrape(t *testing.T, enough func(map[string]bool) bool) map[string]bool {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(troubled), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	log, code, exited := &journal{}, 0, make(chan struct{})
	go func() {
		defer close(exited)
		code = cli.Run(ctx, cli.Env{
			Args: []string{"--config", path}, Environ: []string{"WXSIGN_DATABASE_DSN=" + filepath.Join(dir, "w.db")}, Stdout: log, Stderr: log,
		})
	}()
	t.Cleanup(func() {
		cancel()
		if <-exited; code != 0 {
			t.Errorf("exit code %d:\n%s", code, log)
		}
	})
	address := regexp.MustCompile(`msg="wxsign is ready".* ops=(\S+)`)
	family := regexp.MustCompile(`(?m)^# TYPE (wxsign_\w+) `)
	served := map[string]bool{}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline) && !enough(served); time.Sleep(50 * time.Millisecond) {
		select {
		case <-exited:
			t.Fatal("the server ended")
		default:
		}
		if found := address.FindStringSubmatch(log.String()); found != nil {
			clear(served)
			for _, match := range family.FindAllStringSubmatch(get(t, found[1]+"/metrics"), -1) {
				served[match[1]] = true
			}
		}
	}
	return served
}

func get(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := (&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
