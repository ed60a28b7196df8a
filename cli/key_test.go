package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/cli"
)

// command runs a command to its end in the folder of a configuration.
func command(t *testing.T, path string, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), cli.Env{
		Args: append([]string{"--config", path}, args...), Environ: env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
	})
	return code, out.String(), errs.String()
}

var keyAlone = regexp.MustCompile(`^wxs_[0-9A-Za-z]{38}\n$`)

// The key stands alone on stdout, once, and nowhere else.
func TestKeyCommands(t *testing.T) {
	t.Parallel()
	path, env := folder(t, "")
	code, stdout, stderr := command(t, path, env, "key", "list")
	if code != 0 || stdout != "" || !strings.Contains(stderr, "no keys") {
		t.Errorf("list of none: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	code, key, stderr := command(t, path, env, "key", "create", "--name", "shop", "--scope", "ticket, token", "--account", "wx1,wx2",
		"--cidr", "10.0.0.7", "--expires", "90d")
	if code != 0 || !keyAlone.MatchString(key) || strings.Contains(stderr, key) || !strings.Contains(stderr, `no account "wx2"`) {
		t.Fatalf("create: exit code %d, stdout %q, stderr %q", code, key, stderr)
	}
	key = strings.TrimSpace(key)

	_, table, _ := command(t, path, env, "key", "list")
	row := regexp.MustCompile(`(?m)^([a-z2-7]{10})  shop  live   token,ticket  wx1,wx2   10\.0\.0\.7/32  20[\d-]{8} [\d:]{8}  never$`)
	line := row.FindStringSubmatch(table)
	if line == nil || strings.Contains(table, key) {
		t.Fatalf("the table is:\n%s", table)
	}
	_, text, _ := command(t, path, env, "key", "list", "--json")
	var list []struct {
		ID, Name, State         string
		Scopes, Accounts, CIDRs []string
		Created, Expires, Used  time.Time
		CreatedBy               string `json:"created_by"`
	}
	err := json.Unmarshal([]byte(text), &list)
	if err != nil || len(list) != 1 || strings.Contains(text, key) || list[0].ID != line[1] || list[0].CreatedBy != "command line" ||
		list[0].Expires.Sub(list[0].Created) != 90*24*time.Hour || !list[0].Used.IsZero() {
		t.Errorf("%v: %s", err, text)
	}

	if code, stdout, _ := command(t, path, env, "key", "revoke", line[1]); code != 0 || stdout != "" {
		t.Errorf("revoke: exit code %d, stdout %q", code, stdout)
	}
	code, _, stderr = command(t, path, env, "key", "revoke", line[1])
	if code != 1 || !strings.Contains(stderr, "no key of this id") {
		t.Errorf("revoke again: exit code %d, %q", code, stderr)
	}
	if _, table, _ := command(t, path, env, "key", "list"); table != "" {
		t.Errorf("a revoked key is listed:\n%s", table)
	}
	if _, table, _ := command(t, path, env, "key", "list", "--all"); !strings.Contains(table, "revoked") {
		t.Errorf("--all leaves it out:\n%s", table)
	}
}

func TestKeyUsage(t *testing.T) {
	t.Parallel()
	path, env := folder(t, "")
	good := []string{"--name", "shop", "--scope", "token", "--account", "wx1"}
	for _, args := range [][]string{
		{},
		{"delete"},
		{"create"},
		{"create", "--name", "shop"},
		{"revoke"},
		{"revoke", "a", "b"},
		{"list", "x"},
		append([]string{"create", "--expires", "soon"}, good...),
		append([]string{"create", "--cidr", "everywhere"}, good...),
		append([]string{"create", "--cidr", "0.0.0.0/0"}, good...),
		append([]string{"create", "--colour", "red"}, good...),
		{"create", "--name", "the shop", "--scope", "token", "--account", "wx1"},
		{"create", "--name", "shop", "--scope", "everything", "--account", "wx1"},
		{"create", "--name", "shop", "--scope", ",", "--account", "wx1"},
	} {
		if code, stdout, stderr := command(t, path, env, append([]string{"key"}, args...)...); code != 2 || stdout != "" || stderr == "" {
			t.Errorf("key %q: exit code %d, stdout %q, stderr %q; want 2", args, code, stdout, stderr)
		}
	}
	for _, args := range [][]string{{"key", "--help"}, {"key", "create", "--help"}, {"key", "list", "-h"}, {"key", "revoke", "--help"}} {
		if code, stdout, stderr := command(t, path, env, args...); code != 0 || !strings.HasPrefix(stdout, "Usage: wxsign key") || stderr != "" {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
}

// bearer asks with an API key.
func bearer(t *testing.T, address, key string) int {
	t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// Beside a serving process, on SQLite, a new key works at once and a revoked one
// soon no more; on the listener that is configured, and only there.
func TestKeyBesideServe(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"on the pages' listener": nil,
		"on its own listener":    {"WXSIGN_CONTROL_LISTEN=127.0.0.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, demoConfig, env)
			pages := p.address("wxsign is ready", "listen")
			control := pages
			if env != nil {
				control = p.address("wxsign is ready", "control")
			}
			const path = "/v1/accounts/wxdemo0123456789ab/access_token"
			code, key, stderr := command(t, p.args[1], p.env,
				"key", "create", "--name", "shop", "--scope", "token", "--account", "wxdemo0123456789ab")
			if code != 0 || strings.Contains(stderr, "no account") {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			key = strings.TrimSpace(key)
			// The account's first token may still be on its way.
			if status := bearer(t, control+path, key); status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Errorf("a new key: status %d", status)
			}
			if pages != control {
				if status := bearer(t, pages+path, key); status != http.StatusNotFound {
					t.Errorf("on the pages' listener: status %d", status)
				}
			}
			if status, _ := get(t, control+"/openapi.yaml", nil); status != http.StatusOK {
				t.Errorf("openapi.yaml: status %d", status)
			}
			_, table, _ := command(t, p.args[1], p.env, "key", "list")
			id := regexp.MustCompile(`(?m)^([a-z2-7]{10}) `).FindStringSubmatch(table)
			if id == nil {
				t.Fatalf("the table is:\n%s", table)
			}
			if code, _, stderr := command(t, p.args[1], p.env, "key", "revoke", id[1]); code != 0 {
				t.Fatalf("revoke: %s", stderr)
			}
			status, deadline := 0, time.Now().Add(20*time.Second)
			for ; status != http.StatusUnauthorized && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
				status = bearer(t, control+path, key)
			}
			if status != http.StatusUnauthorized {
				t.Errorf("a revoked key: status %d", status)
			}
			if strings.Contains(p.log.String(), key) {
				t.Error("the key is in the log")
			}
		})
	}
}
