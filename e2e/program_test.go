package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	"time"
)

// pageHost is where the browser finds the program's pages.
const pageHost = "h5.example.com"

// The accounts of the tests. The ticket of spoiledApp dies in a test, so no
// other test may sign with it; likewise the agent_config ticket of spoiledAgent.
const (
	demoApp    = "wxdemo0123456789ab" // in the shipped config.toml
	spoiledApp = "wxspoiled012345678"

	corp         = "wwe2e0123456789abc"
	agent        = corp + ":1000002"
	spoiledAgent = corp + ":1000007"
)

const (
	startTime = 30 * time.Second
	stopTime  = 20 * time.Second
)

// program is a running wxsign.
type program struct {
	address   string // host:port of the pages
	simulator string // base URL
	command   *exec.Cmd
	log       *logBuffer
	exited    chan struct{}
}

// demoLine and simulatorLine find the addresses in what serve logs at its start.
var (
	demoLine      = regexp.MustCompile(`demo="?(http://[^\s"]+/demo/share)`)
	simulatorLine = regexp.MustCompile(`simulator="?(http://[^\s"]+)`)
)

// startProgram builds wxsign and starts it in dir as a newcomer would: with the
// shipped config.toml. The environment changes only addresses and domains.
func startProgram(dir string) (*program, error) {
	binary := filepath.Join(dir, "wxsign")
	build := exec.Command("go", "build", "-o", binary, "..")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	config, err := os.ReadFile(filepath.Join("..", "config.toml"))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), config, 0o600); err != nil {
		return nil, err
	}
	p := &program{command: exec.Command(binary), log: newLogBuffer(), exited: make(chan struct{})}
	p.command.Dir, p.command.Stderr, p.command.Env = dir, p.log, append(cleanEnv(), settings()...)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		_ = p.command.Wait() // how it ended shows in the log
	}()
	if err := p.readAddresses(); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w; its log:\n%s", err, p.log)
	}
	return p, p.ready()
}

func settings() []string {
	settings := []string{
		"WXSIGN_SERVER_LISTEN=127.0.0.1:0", "WXSIGN_SIMULATOR_LISTEN=127.0.0.1:0", "WXSIGN_OPS_LISTEN=",
		"WXSIGN_SERVER_TRUSTED_PROXIES=127.0.0.1", // every tab is a visitor of its own, see visitor
		"WXSIGN_ACCOUNT_0_DOMAINS=" + pageHost, "WXSIGN_SIMULATOR_ACCOUNT_0_DOMAINS=" + pageHost,
	}
	for key, value := range map[string]string{
		"APP_ID": spoiledApp, "SECRET": "the-simulator-checks-this-secret-too", "DOMAINS": pageHost,
	} {
		settings = append(settings, "WXSIGN_ACCOUNT_1_"+key+"="+value, "WXSIGN_SIMULATOR_ACCOUNT_1_"+key+"="+value)
	}
	settings = append(settings, agentSettings(2, agent)...)
	settings = append(settings, agentSettings(3, spoiledAgent)...)
	return append(settings, "WXSIGN_ACCOUNT_1_NAME=Spoiled", "WXSIGN_ACCOUNT_1_ALLOW_HTTP=true", "WXSIGN_ACCOUNT_1_TICKETS=jsapi")
}

// agentSettings are those of an agent of WeCom, on both sides.
func agentSettings(i int, id string) []string {
	corpID, agentID, _ := strings.Cut(id, ":")
	var settings []string
	for key, value := range map[string]string{
		"ACCOUNT_%d_PLATFORM": "wecom", "ACCOUNT_%d_CORP_ID": corpID, "ACCOUNT_%d_AGENT_ID": agentID, "ACCOUNT_%d_NAME": "Agent " + agentID,
		"ACCOUNT_%d_SECRET": "secret-of-agent-" + agentID, "ACCOUNT_%d_TICKETS": "jsapi,agent_config",
		"ACCOUNT_%d_DOMAINS": pageHost, "ACCOUNT_%d_ALLOW_HTTP": "true",
		"SIMULATOR_ACCOUNT_%d_APP_ID": id, "SIMULATOR_ACCOUNT_%d_SECRET": "secret-of-agent-" + agentID, "SIMULATOR_ACCOUNT_%d_DOMAINS": pageHost,
	} {
		settings = append(settings, "WXSIGN_"+fmt.Sprintf(key, i)+"="+value)
	}
	return settings
}

// cleanEnv is the environment without settings of the person who runs the tests.
func cleanEnv() []string {
	var kept []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "WXSIGN_") {
			kept = append(kept, entry)
		}
	}
	return kept
}

func (p *program) readAddresses() error {
	deadline := time.After(startTime)
	for {
		demo, simulator := p.log.find(demoLine), p.log.find(simulatorLine)
		if demo != "" && simulator != "" {
			u, err := url.Parse(demo)
			if err != nil {
				return err
			}
			p.address, p.simulator = u.Host, simulator
			return nil
		}
		select {
		case <-p.log.grown:
		case <-p.exited:
			return errors.New("wxsign ended at its start")
		case <-deadline:
			return fmt.Errorf("wxsign did not log its addresses in %s", startTime)
		}
	}
}

// ready waits until all accounts can be signed for.
func (p *program) ready() error {
	var last error
	for deadline := time.Now().Add(startTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		last = nil
		for _, app := range []string{demoApp, spoiledApp, agent, spoiledAgent} {
			query := url.Values{"app_id": {app}, "url": {"http://" + pageHost + "/"}}
			if err := p.get("http://" + p.address + "/jssdk/config?" + query.Encode()); err != nil {
				last = err
			}
		}
		if last == nil {
			return nil
		}
	}
	return fmt.Errorf("wxsign does not sign: %w; its log:\n%s", last, p.log)
}

var client = &http.Client{Timeout: 10 * time.Second}

func (p *program) get(address string) error {
	res, err := client.Get(address)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", res.Status, body)
	}
	return nil
}

// control asks the simulator something under /_sim/ and decodes its answer.
func (p *program) control(path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	res, err := client.Post(p.simulator+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		return fmt.Errorf("%s: %s %s", path, res.Status, text)
	}
	return json.NewDecoder(res.Body).Decode(answer)
}

// stop ends the program as an operator does.
func (p *program) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopTime):
		fmt.Fprintf(os.Stderr, "e2e: wxsign did not stop in %s; its log:\n%s\n", stopTime, p.log)
		_ = p.command.Process.Kill()
		<-p.exited
	}
}

// logBuffer keeps what the program says and tells that there is more.
type logBuffer struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{}
}

func newLogBuffer() *logBuffer { return &logBuffer{grown: make(chan struct{}, 1)} }

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.grown <- struct{}{}:
	default:
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// find is the first group of the first match in whole lines.
func (b *logBuffer) find(pattern *regexp.Regexp) string {
	text := b.String()
	whole := text[:strings.LastIndexByte(text, '\n')+1]
	if found := pattern.FindStringSubmatch(whole); found != nil {
		return found[1]
	}
	return ""
}
