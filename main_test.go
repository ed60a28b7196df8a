package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/cli"
)

// No goroutine outlives a program that was stopped. Where a test wants a process
// of its own, this binary is the program: see place.spawn.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		code := cli.Run(context.Background(), cli.Env{
			Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		})
		os.Exit(code) //nolint:forbidigo // here this binary is main
	}
	goleak.VerifyTestMain(m)
}

// The account of the shipped config.toml.
const (
	demoApp    = "wxdemo0123456789ab"
	demoSecret = "the-simulator-checks-this-secret"
)

const (
	// soon is how long anything may take that should take a second or two.
	soon = 20 * time.Second
	// stopTime is how long a program may take to stop.
	stopTime = 10 * time.Second
)

// client keeps no connection, so that a server that stops is not waited for.
var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// place is a folder with a configuration, and the environment of what runs there.
type place struct {
	dir    string
	config string
	env    []string
}

// shippedPlace is a folder as after a checkout. Only the addresses differ: the
// kernel chooses the ports. env is added, and wins.
func shippedPlace(t testing.TB, env ...string) *place {
	t.Helper()
	return newPlace(t, shipped(t), append([]string{
		"WXSIGN_DATABASE_DSN=" + filepath.Join(t.TempDir(), "wxsign.db"),
		"WXSIGN_SIMULATOR_LISTEN=127.0.0.1:0",
	}, env...)...)
}

func newPlace(t testing.TB, config string, env ...string) *place {
	t.Helper()
	p := &place{dir: t.TempDir()}
	p.config = filepath.Join(p.dir, "config.toml")
	p.env = append([]string{"WXSIGN_SERVER_LISTEN=127.0.0.1:0", "WXSIGN_OPS_LISTEN=127.0.0.1:0"}, env...)
	if err := os.WriteFile(p.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func shipped(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("config.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// cli is the environment of a command.
func (p *place) cli(stdout, stderr io.Writer, args ...string) cli.Env {
	return cli.Env{
		Args: append([]string{"--config", p.config}, args...), Environ: p.env,
		Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
	}
}

// run runs a command to its end.
func (p *place) run(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var out, errs journal
	code = cli.Run(ctx, p.cli(&out, &errs, args...))
	if ctx.Err() != nil {
		t.Fatalf("%q did not end by itself; it said:\n%s", args, errs.String())
	}
	return code, out.String(), errs.String()
}

// server is a wxsign that serves.
type server struct {
	t         testing.TB
	log       *journal
	listen    string // base URLs
	simulator string // "" without
	ops       string
	stop      context.CancelFunc
	exited    chan int
}

// start serves and returns as soon as HTTP is answered, ready or not. What runs
// at the end of the test is stopped.
func (p *place) start(t testing.TB) *server {
	t.Helper()
	s := &server{t: t, log: &journal{}, exited: make(chan int, 1)}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	go func() { s.exited <- cli.Run(ctx, p.cli(s.log, s.log)) }()
	t.Cleanup(func() {
		if s.stop != nil {
			s.end()
		}
	})
	s.listen = s.address("listen")
	s.ops = s.address("ops")
	if strings.Contains(s.log.String(), "simulator=http") {
		s.simulator = s.address("simulator")
	}
	return s
}

// startReady is start, and waits until the program says that it is ready.
func (p *place) startReady(t testing.TB) *server {
	t.Helper()
	s := p.start(t)
	s.waitLog("wxsign is ready")
	return s
}

// address reads one of the addresses that the log tells at the start.
func (s *server) address(name string) string {
	s.t.Helper()
	line := regexp.MustCompile(`not ready yet.* ` + name + `=(https?://[0-9.:]+)`)
	var found []string
	s.wait("the address of "+name, func() bool {
		found = line.FindStringSubmatch(s.log.String())
		return found != nil
	})
	return found[1]
}

// wait waits until done says so.
func (s *server) wait(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(soon); !done(); time.Sleep(20 * time.Millisecond) {
		select {
		case code := <-s.exited:
			s.stop = nil
			s.t.Fatalf("waiting for %s: the program ended with %d; its log:\n%s", what, code, s.log)
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s did not come within %s; the log:\n%s", what, soon, s.log)
		}
	}
}

func (s *server) waitLog(text string) {
	s.t.Helper()
	s.wait("the log line "+text, func() bool { return strings.Contains(s.log.String(), text) })
}

// end stops the program as a signal would and holds that it does so cleanly.
func (s *server) end() {
	s.t.Helper()
	s.stop()
	s.stop = nil
	select {
	case code := <-s.exited:
		if code != 0 {
			s.t.Errorf("exit code %d; the log:\n%s", code, s.log)
		}
	case <-time.After(stopTime):
		s.t.Fatalf("it did not stop within %s; the log:\n%s", stopTime, s.log)
	}
}

// get asks for a path of a base URL.
func (s *server) get(base, path string) (status int, body string, header http.Header) {
	s.t.Helper()
	return s.send(http.MethodGet, base+path, nil)
}

func (s *server) send(method, address string, body any) (status int, answer string, header http.Header) {
	s.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, address, bytes.NewReader(encoded))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatalf("%v; the log:\n%s", err, s.log)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

// signed is the answer of /jssdk/config, or an error.
type signed struct {
	AppID       string   `json:"appId"`
	Timestamp   int64    `json:"timestamp"`
	NonceStr    string   `json:"nonceStr"`
	Signature   string   `json:"signature"`
	URL         string   `json:"url"`
	JSAPIList   []string `json:"jsApiList"`
	OpenTagList []string `json:"openTagList"`
	Code        string   `json:"code"`
}

// ask asks for a signature once.
func (s *server) ask(page string) (int, signed) {
	s.t.Helper()
	status, body, _ := s.get(s.listen, "/jssdk/config?url="+url.QueryEscape(page))
	var c signed
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		s.t.Fatalf("%v in %s", err, body)
	}
	return status, c
}

// sign waits for a signature of page and holds that the simulator, at its base
// URL, finds it right.
func (s *server) sign(page, simulator string) signed {
	s.t.Helper()
	var c signed
	s.wait("a signature", func() bool {
		var status int
		status, c = s.ask(page)
		return status == http.StatusOK
	})
	_, body, _ := s.send(http.MethodPost, simulator+"/_sim/verify", map[string]any{
		"appid": c.AppID, "noncestr": c.NonceStr, "timestamp": c.Timestamp, "signature": c.Signature, "urls": []string{page},
	})
	if !strings.Contains(body, `"ok":true`) {
		s.t.Errorf("WeChat says %s of %+v", body, c)
	}
	return c
}

// readiness is the answer of /readyz.
type readiness struct {
	Status string   `json:"status"`
	Codes  []string `json:"codes"`
}

func (s *server) ready() (status int, r readiness) {
	s.t.Helper()
	status, body, _ := s.get(s.listen, "/readyz")
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		s.t.Fatalf("%v in %s", err, body)
	}
	return status, r
}

// waitReady waits until /readyz says so, with all the codes.
func (s *server) waitReady(status int, word string, codes ...string) {
	s.t.Helper()
	var got readiness
	s.wait("readyz "+word+" "+strings.Join(codes, ","), func() bool {
		var code int
		code, got = s.ready()
		return code == status && got.Status == word && strings.Join(got.Codes, ",") == strings.Join(codes, ",")
	})
}

// journal keeps what a program writes.
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
