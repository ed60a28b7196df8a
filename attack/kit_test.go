package attack_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/glebarez/go-sqlite" // the driver "sqlite"
)

// place is a folder with a configuration, and the environment of what runs there.
type place struct {
	t      testing.TB
	config string
	env    []string
	trust  *tls.Config // what clients need to believe it; nil = it speaks no TLS
}

// newPlace keeps a SQLite database unless env names another one. The kernel
// chooses all ports.
func newPlace(t testing.TB, config string, env ...string) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{t: t, config: filepath.Join(dir, "config.toml")}
	if err := os.WriteFile(p.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	p.env = append([]string{
		"HOME=" + dir, "WXSIGN_DATABASE_DSN=" + p.database(), "WXSIGN_SERVER_LISTEN=127.0.0.1:0", "WXSIGN_CONTROL_LISTEN=127.0.0.1:0",
		"WXSIGN_ADMIN_LISTEN=127.0.0.1:0", "WXSIGN_OPS_LISTEN=127.0.0.1:0", "WXSIGN_SIMULATOR_LISTEN=127.0.0.1:0",
	}, env...)
	return p
}

// database is the path of the SQLite database.
func (p *place) database() string { return filepath.Join(filepath.Dir(p.config), "wxsign.db") }

// with is the same place with more in the environment, which wins.
func (p *place) with(env ...string) *place {
	more := *p
	more.env = append(append([]string{}, p.env...), env...)
	return &more
}

// command is a run of the binary that has not begun.
func (p *place) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, append([]string{"--config", p.config}, args...)...)
	cmd.Env = p.env
	return cmd
}

// run runs a command to its end, which must be a good one, and returns its stdout.
func (p *place) run(args ...string) string {
	p.t.Helper()
	var out, errs bytes.Buffer
	cmd := p.command(p.t.Context(), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		p.t.Fatalf("%q: %v\n%s", args, err, &errs)
	}
	return strings.TrimSpace(out.String())
}

// open opens the SQLite database beside wxsign.
func (p *place) open() *sql.DB {
	p.t.Helper()
	db, err := sql.Open("sqlite", p.database()+"?_pragma=busy_timeout(20000)")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = db.Close() })
	return db
}

// server is a wxsign that serves.
type server struct {
	t     testing.TB
	cmd   *exec.Cmd
	log   *journal
	ended chan error
	trust *tls.Config // as that of its place

	pages, control, panel, ops, simulator string // base URLs
}

// guarded runs the command of its arguments in its own place, with a guard beside
// it that kills it when this test binary has died.
const guarded = `
(
	trap '' HUP INT TERM
	read -r _ <&3 && exit
	kill -s KILL $$
) >/dev/null 2>&1 &
exec "$@" 3<&-
`

// serve starts wxsign and returns when it says that it is ready.
func (p *place) serve() *server {
	p.t.Helper()
	s := &server{t: p.t, log: &journal{}, ended: make(chan error, 1), trust: p.trust}
	watched, guard, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	s.cmd = exec.Command("sh", "-c", guarded, "sh", binary, "--config", p.config, "serve")
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr, s.cmd.ExtraFiles = p.env, s.log, s.log, []*os.File{watched}
	if err := s.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	_ = watched.Close()
	go func() {
		err := s.cmd.Wait()
		_, _ = guard.WriteString("\n")
		_ = guard.Close()
		s.ended <- err
	}()
	p.t.Cleanup(s.stop)
	waitFor(p.t, "a ready wxsign", func() bool {
		s.mustLive()
		return strings.Contains(s.log.String(), "wxsign is ready")
	})
	s.pages, s.control, s.panel, s.ops = s.address("listen"), s.address("control"), s.address("panel"), s.address("ops")
	s.simulator = s.address("simulator")
	return s
}

// address reads one of the addresses that the log tells; "" where there is none.
func (s *server) address(name string) string {
	found := regexp.MustCompile(`not ready yet.* ` + name + `=(https?://[0-9.:]+)`).FindStringSubmatch(s.log.String())
	if found == nil {
		return ""
	}
	return found[1]
}

// mustLive ends the test if the process has ended.
func (s *server) mustLive() {
	s.t.Helper()
	select {
	case err := <-s.ended:
		s.ended <- err
		s.t.Fatalf("wxsign ended: %v\n%s", err, s.log)
	default:
	}
}

// stop is an operator's stop, which must be a good one.
func (s *server) stop() {
	select {
	case err := <-s.ended:
		s.ended <- err
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		if err != nil {
			s.t.Errorf("wxsign ended with %v:\n%s", err, s.log)
		}
		s.ended <- err
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		s.t.Errorf("wxsign did not stop within %s:\n%s", patience, s.log)
	}
}

// client keeps no connections, so that those of wxsign can be counted.
func (s *server) client() *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: s.trust}}
}

// get asks once and returns status and body.
func (s *server) get(address string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.client().Do(request)
	if err != nil && s.trust != nil { // as in shakeHands
		response, err = s.client().Do(request)
	}
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.log)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// status is how the holder of a key is answered who asks for the token.
func (s *server) status(key string) int {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.control+"/v1/accounts/"+demoApp+"/access_token", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := s.client().Do(request)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.log)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// signed is the answer of /jssdk/config, or an error.
type signed struct {
	AppID     string `json:"appId"`
	NonceStr  string `json:"nonceStr"`
	Timestamp int64  `json:"timestamp"`
	Signature string `json:"signature"`
	Code      string `json:"code"`
}

// sign asks for the signature of a page.
func (s *server) sign(appID, page string) (status int, answer signed) {
	s.t.Helper()
	status, body := s.get(s.pages + "/jssdk/config?app_id=" + appID + "&url=" + url.QueryEscape(page))
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		s.t.Fatalf("%v in %s", err, body)
	}
	return status, answer
}

// journal keeps what a process writes.
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
