package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// withSnapshotFile is a production configuration with a snapshot file, at path.
func withSnapshotFile(t *testing.T, database *modeltest.Server, sim *simtest.Server) (p *place, path string) {
	t.Helper()
	p = onDatabase(t, database, sim)
	path = filepath.Join(p.dir, "served.snapshot")
	p.env = append(p.env, "WXSIGN_DATABASE_SNAPSHOT_FILE="+path)
	return p, path
}

// token reads the current access_token as a business server does.
func (s *server) token(key string) (status int, value string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.listen+"/v1/accounts/"+demoApp+"/access_token", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, answer.Token
}

// panel asks for the overview as somebody who has signed in does.
func (s *server) panel() (status int, body string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.listen+"/admin/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.AddCookie(&http.Cookie{Name: "wxsign", Value: strings.Repeat("A", 43)})
	request.Header.Set("Accept-Language", "en")
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// The database is away at the start: what was served before is served on, the
// same to pages and to business servers, WeChat is asked for nothing, and the
// rows count again as soon as they can be read.
func TestStartFromTheSnapshotFile(t *testing.T) {
	t.Parallel()
	database, sim := modeltest.MariaDBServer(t), startSimulator(t, simulator.Account{})
	p, path := withSnapshotFile(t, database, sim)
	first := p.startReady(t)
	first.sign(page, sim.URL)
	code, key, stderr := p.run(t, "key", "create", "--name", "shop", "--scope", "token", "--account", demoApp)
	if code != 0 {
		t.Fatal(stderr)
	}
	key = strings.TrimSpace(key)
	status, token := first.token(key)
	if status != http.StatusOK || token == "" {
		t.Fatalf("the token: status %d", status)
	}
	first.end()
	database.Kill()
	before := calls(t, sim)
	checkSealed(t, path, token, demoSecret, key)

	for range 2 { // the file outlives its use
		s := p.start(t)
		s.waitReady(http.StatusOK, "degraded", "database_down", "snapshot_file")
		s.sign(page, sim.URL)
		if status, value := s.token(key); status != http.StatusOK || value != token {
			t.Errorf("the token: status %d, the same: %t", status, value == token)
		}
		if status, c := s.ask("https://of-nobody-yet.example.com/"); status != http.StatusServiceUnavailable || c.Code != "ticket_not_ready" {
			t.Errorf("a page of nobody known: status %d, code %s", status, c.Code)
		}
		if status, body := s.panel(); status != http.StatusServiceUnavailable || !strings.Contains(body, "database") {
			t.Errorf("the panel: status %d, %s", status, body)
		}
		s.waitLog("serving what the snapshot file holds")
		s.end()
	}

	s := p.start(t)
	s.waitReady(http.StatusOK, "degraded", "database_down", "snapshot_file")
	database.Start()
	s.waitLog("its rows are served from now on")
	s.waitReady(http.StatusOK, "ok")
	s.sign(page, sim.URL)
	after := calls(t, sim)
	for _, path := range []string{"/cgi-bin/stable_token", "/cgi-bin/ticket/getticket"} {
		if after[path] != before[path] {
			t.Errorf("%d calls of %s, before the outage %d", after[path], path, before[path])
		}
	}
}

// checkSealed holds that none of the secrets stands in the file, and that nobody
// else may read it.
func checkSealed(t *testing.T, path string, secrets ...string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets {
		if strings.Contains(string(raw), secret) {
			t.Errorf("a secret stands in the snapshot file: %.6s…", secret)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*.new")); err != nil || len(left) > 0 {
		t.Errorf("left beside it: %q, %v", left, err)
	}
}

// A file that is of no use changes nothing: the start waits for the database,
// and the log says what to do about the file.
func TestStartWithAUselessSnapshotFile(t *testing.T) {
	t.Parallel()
	database, sim := modeltest.MariaDBServer(t), startSimulator(t, simulator.Account{})
	p, path := withSnapshotFile(t, database, sim)
	database.Stop()
	if err := os.WriteFile(path, []byte("wxsign snapshot 1\nnothing of ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := p.start(t)
	s.waitLog("the snapshot file is not used")
	s.waitLog("remove it: the next one is made by itself")
	s.waitReady(http.StatusServiceUnavailable, "unavailable", "starting")
	database.Start()
	s.waitLog("wxsign is ready")
	s.sign(page, sim.URL)
	s.end()
	database.Kill()
	again := p.start(t) // by then the file is a good one
	again.waitReady(http.StatusOK, "degraded", "database_down", "snapshot_file")
	again.sign(page, sim.URL)
}

// The process that wrote the file was killed, as was the database: the next one
// serves what it served.
func TestKilledWithASnapshotFile(t *testing.T) {
	t.Parallel()
	database, sim := modeltest.MariaDBServer(t), startSimulator(t, simulator.Account{})
	p, path := withSnapshotFile(t, database, sim)
	before := p.startReady(t)
	before.sign(page, sim.URL)
	before.end()
	restarted := time.Now()
	first := p.spawn(t) // begins with the ticket, so its first file has it
	first.wait("a file of the process that will be killed", func() bool {
		info, err := os.Stat(path)
		return err == nil && info.ModTime().After(restarted)
	})
	database.Kill()
	first.kill()
	second := p.spawn(t)
	second.waitReady(http.StatusOK, "degraded", "database_down", "snapshot_file")
	second.sign(page, sim.URL)
	second.terminate()
}
