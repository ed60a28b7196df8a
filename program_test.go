package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What a newcomer does after `go run .`: nothing else than Go is needed.
func TestShippedFileOnSQLite(t *testing.T) {
	t.Parallel()
	p := shippedPlace(t)
	s := p.startReady(t)
	page := s.listen + "/demo/share"
	start := time.Now()
	c := s.sign(page, s.simulator)
	t.Logf("first signature %s after ready", time.Since(start).Round(time.Millisecond))
	if c.AppID != demoApp || c.JSAPIList == nil || c.OpenTagList == nil {
		t.Errorf("answer %+v", c)
	}
	s.waitReady(http.StatusOK, "ok")
	for path, want := range map[string]string{
		"/healthz": `{"status":"ok"}`, "/demo/share?client=android": "wxsign.js", "/jssdk/wxsign.js": "wxsign", "/jssdk/wxsign.d.ts": "export",
	} {
		if status, body, _ := s.get(s.listen, path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: status %d, body %.200s", path, status, body)
		}
	}
	if status, body, _ := s.get(s.ops, "/metrics"); status != http.StatusOK || !strings.Contains(body, "wxsign_") {
		t.Errorf("metrics: status %d, %.200s", status, body)
	}
	if !strings.Contains(s.log.String(), "demo="+page) {
		t.Errorf("the log does not say where the demo page is:\n%s", s.log)
	}
	checkKeyFile(t, p, s)
	for name, path := range map[string]string{"metrics": "/metrics", "pprof": "/debug/pprof/"} {
		if status, _, _ := s.get(s.listen, path); status != http.StatusNotFound {
			t.Errorf("%s faces the internet: status %d", name, status)
		}
	}
}

// checkKeyFile: the key that was made is nobody else's to read, and stands in
// no log; nor does the AppSecret.
func checkKeyFile(t *testing.T, p *place, s *server) {
	t.Helper()
	path := p.database(t, "wxsign.key")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v of the key file", info.Mode())
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{strings.TrimSpace(string(key)), demoSecret} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("a secret is in the log:\n%s", s.log)
		}
	}
}

// database is a file beside the SQLite database.
func (p *place) database(t testing.TB, name string) string {
	t.Helper()
	i := slices.IndexFunc(p.env, func(v string) bool { return strings.HasPrefix(v, "WXSIGN_DATABASE_DSN=") })
	return filepath.Join(filepath.Dir(strings.TrimPrefix(p.env[i], "WXSIGN_DATABASE_DSN=")), name)
}

func TestRestartOnTheSameFile(t *testing.T) {
	t.Parallel()
	p := shippedPlace(t)
	first := p.startReady(t)
	first.sign(first.listen+"/demo/share", first.simulator)
	begin := time.Now()
	first.end()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	if !strings.Contains(first.log.String(), "stopping") {
		t.Errorf("the log:\n%s", first.log)
	}
	// The simulator has forgotten its tickets, so a stored one would be wrong.
	second := p.startReady(t)
	second.sign(second.listen+"/demo/share", second.simulator)
	second.waitReady(http.StatusOK, "ok")
	if strings.Contains(second.log.String(), "made a master key") {
		t.Error("it made another master key")
	}
}

func TestCommandsBesideAServer(t *testing.T) {
	t.Parallel()
	p := shippedPlace(t)
	s := p.startReady(t)
	page := s.listen + "/demo/share?a=1&b=2"
	s.sign(page, s.simulator)

	code, stdout, stderr := p.run(t)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "another wxsign is serving") || !strings.Contains(stderr, "MySQL") {
		t.Errorf("a second serve: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	code, stdout, stderr = p.run(t, "sign", "--url", page)
	if code != 0 || !strings.Contains(stdout, `"url":"`+page+`"`) || strings.Count(stdout, "\n") != 1 || stderr != "" {
		t.Fatalf("sign: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	checkVerify(t, p, s, page)
	code, stdout, _ = p.run(t, "migrate", "status")
	if code != 0 || !strings.HasPrefix(stdout, "0001 ") || !strings.Contains(stdout, "applied 2") || strings.Contains(stdout, "pending") {
		t.Errorf("migrate status: exit code %d, stdout %q", code, stdout)
	}
	code, stdout, stderr = p.run(t, "migrate", "up")
	if code != 0 || stdout != "the schema is up to date\n" {
		t.Errorf("migrate up: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, stdout, stderr = p.run(t, "config", "check"); code != 0 || !strings.Contains(stdout, "is valid") {
		t.Errorf("config check: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	s.sign(page, s.simulator) // nobody was disturbed
}

// checkVerify asks `wxsign verify` about a right signature and about wrong ones.
func checkVerify(t *testing.T, p *place, s *server, page string) {
	t.Helper()
	_, c := s.ask(page)
	verify := func(about, nonce, timestamp, signature string) (int, string, string) {
		return p.run(t, "verify", "--app-id", c.AppID, "--url", about, "--nonce-str", nonce, "--timestamp", timestamp, "--signature", signature)
	}
	seconds := strconv.FormatInt(c.Timestamp, 10)
	code, stdout, stderr := verify(page, c.NonceStr, seconds, c.Signature)
	if code != 0 || !strings.Contains(stdout, "is right") || stderr != "" {
		t.Errorf("verify: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for name, tt := range map[string]struct{ about, nonce, timestamp, signature, says string }{
		"milliseconds": {page, c.NonceStr, seconds + "000", c.Signature, "milliseconds"},
		"another page": {page + "&c=3", c.NonceStr, seconds, c.Signature, "None of the usual mistakes"},
		"other nonce":  {page, c.NonceStr + "x", seconds, c.Signature, "nonceStr"},
		"no number":    {page, c.NonceStr, "now", c.Signature, "whole number"},
	} {
		code, stdout, stderr := verify(tt.about, tt.nonce, tt.timestamp, tt.signature)
		if code != 1 || !strings.Contains(stdout, tt.says) || !strings.Contains(stderr, "signature is wrong") {
			t.Errorf("verify, %s: exit code %d, stdout %q, stderr %q", name, code, stdout, stderr)
		}
	}
	c.AppID = "wxnobody"
	if code, _, stderr := verify(page, "x", "1", "x"); code != 1 || !strings.Contains(stderr, "no account has this app_id") {
		t.Errorf("verify of an unknown account: exit code %d, stderr %q", code, stderr)
	}
}

// A command makes nothing: a key of its own could open nothing, and a later
// serve would find it.
func TestSignInTheWrongFolder(t *testing.T) {
	t.Parallel()
	p := shippedPlace(t)
	code, stdout, stderr := p.run(t, "sign", "--url", "https://h5.example.com/")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "master_key") || !strings.Contains(stderr, "with which wxsign serves") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	left, err := os.ReadDir(filepath.Dir(p.database(t, "x")))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Behind a stopped server the tickets live on, so signing by command goes on,
// too; an empty database has none.
func TestSignWithoutAServer(t *testing.T) {
	t.Parallel()
	p := shippedPlace(t)
	s := p.startReady(t)
	page := s.listen + "/demo/share"
	s.sign(page, s.simulator)
	s.end()
	if code, stdout, stderr := p.run(t, "sign", "--url", page); code != 0 || !strings.Contains(stdout, page) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	empty := shippedPlace(t, "WXSIGN_SECURITY_MASTER_KEY="+newKey(t))
	code, stdout, stderr := empty.run(t, "sign", "--url", page)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "wxsign migrate up") && !strings.Contains(stderr, "serve") {
		t.Errorf("no schema: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, _, stderr := empty.run(t, "migrate", "up"); code != 0 {
		t.Fatal(stderr)
	}
	if code, stdout, stderr = empty.run(t, "sign", "--url", page); code != 1 || stdout != "" || !strings.Contains(stderr, "not on a domain") {
		t.Errorf("no account: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestWorldReadableKeyFileIsRefused(t *testing.T) {
	t.Parallel()
	p := shippedPlace(t)
	_, key, _ := p.run(t, "master-key", "new")
	path := p.database(t, "wxsign.key")
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil { // what is to be refused
		t.Fatal(err)
	}
	code, _, stderr := p.run(t)
	if code != 1 || !strings.Contains(stderr, "chmod 600 "+path) || strings.Contains(stderr, strings.TrimSpace(key)) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if _, err := os.Stat(p.database(t, "wxsign.db")); err == nil {
		t.Error("the database was made all the same")
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	s := shippedPlace(t).startReady(t)
	taken := strings.TrimPrefix(s.listen, "http://")
	code, _, stderr := shippedPlace(t, "WXSIGN_SERVER_LISTEN="+taken).run(t)
	if code != 1 || !strings.Contains(stderr, "server.listen") || !strings.Contains(stderr, taken) || !strings.Contains(stderr, "another program") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}
