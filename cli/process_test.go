package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/cli"
)

// demoConfig is the smallest configuration that signs. The AppSecret must not
// be seen anywhere.
const (
	demoSecret = "appsecret-that-nobody-prints"
	demoConfig = `
[wechat]
base_url = "http://127.0.0.1:8089"
[simulator]
enabled = true
listen = "127.0.0.1:0"
any_port = true
[[simulator.account]]
app_id = "wxdemo0123456789ab"
secret = "` + demoSecret + `"
domains = ["127.0.0.1"]
[[account]]
app_id = "wxdemo0123456789ab"
secret = "` + demoSecret + `"
domains = ["127.0.0.1"]
allow_http = true
[server]
listen = "127.0.0.1:0"
[ops]
listen = ""
`
)

// process is a command that runs until its context ends.
type process struct {
	t      *testing.T
	args   []string
	env    []string
	log    journal
	cancel context.CancelFunc
	exited chan int
}

// folder holds a configuration file; env keeps the database there, too.
func folder(t *testing.T, config string) (path string, env []string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, []string{"WXSIGN_DATABASE_DSN=" + filepath.Join(dir, "wxsign.db")}
}

// begin runs a command in the background until the end of the test.
func begin(t *testing.T, config string, env []string, args ...string) *process {
	t.Helper()
	path, database := folder(t, config)
	p := &process{t: t, args: append([]string{"--config", path}, args...), env: append(database, env...), exited: make(chan int, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() {
		p.exited <- cli.Run(ctx, cli.Env{Args: p.args, Environ: p.env, Stdin: strings.NewReader(""), Stdout: &p.log, Stderr: &p.log})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case code := <-p.exited:
			if code != 0 {
				t.Errorf("exit code %d:\n%s", code, p.log.String())
			}
		case <-time.After(10 * time.Second):
			t.Errorf("it did not stop:\n%s", p.log.String())
		}
		if strings.Contains(p.log.String(), demoSecret) {
			t.Errorf("the AppSecret was printed:\n%s", p.log.String())
		}
	})
	return p
}

// address waits for a log line about message and reads an address from it.
func (p *process) address(message, key string) string {
	p.t.Helper()
	line := regexp.MustCompile(`msg="` + message + `".* ` + key + `=(\S+)`)
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if found := line.FindStringSubmatch(p.log.String()); found != nil {
			return found[1]
		}
	}
	p.t.Fatalf("no line about %q:\n%s", message, p.log.String())
	return ""
}

// get asks once, without keeping the connection.
func get(t *testing.T, address string, config *tls.Config) (int, string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	client := &http.Client{Timeout: 10 * time.Second, Transport: transport}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Proto + " " + string(body)
}

func TestSimulatorAlone(t *testing.T) {
	t.Parallel()
	p := begin(t, demoConfig, nil, "simulator", "--listen", "127.0.0.1:0")
	base := p.address("the simulated WeChat is ready", "simulator")
	status, body := get(t, base+"/cgi-bin/token?grant_type=client_credential&appid=wxdemo0123456789ab&secret="+demoSecret, nil)
	if status != http.StatusOK || !strings.Contains(body, `"access_token"`) || !strings.Contains(body, `"expires_in":7200`) {
		t.Errorf("status %d, %s", status, body)
	}
}

// The simulator without an account would only ever answer 40013.
func TestSimulatorWithoutAccount(t *testing.T) {
	t.Parallel()
	path, env := folder(t, "")
	var out, errs bytes.Buffer
	args := []string{"--config", path, "simulator", "--listen", "127.0.0.1:0"}
	code := cli.Run(t.Context(), cli.Env{Args: args, Environ: env, Stdout: &out, Stderr: &errs})
	if code != 1 || out.Len() > 0 || !strings.Contains(errs.String(), "[[simulator.account]]") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, out.String(), errs.String())
	}
}

func TestMigrateCommands(t *testing.T) {
	t.Parallel()
	path, env := folder(t, "")
	migrate := func(verb string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := cli.Run(t.Context(), cli.Env{Args: []string{"--config", path, "migrate", verb}, Environ: env, Stdout: &out, Stderr: &errs}); code != 0 {
			t.Fatalf("migrate %s: exit code %d: %s", verb, code, errs.String())
		}
		return out.String()
	}
	step := regexp.MustCompile(`^\d{4} \w+ +pending$`)
	before := strings.Split(strings.TrimSpace(migrate("status")), "\n")
	for _, line := range before {
		if !step.MatchString(line) {
			t.Errorf("status before: %q", line)
		}
	}
	applied := strings.Split(strings.TrimSpace(migrate("up")), "\n")
	if len(applied) != len(before) || !strings.HasPrefix(applied[0], "applied 0001 ") {
		t.Errorf("up: %q, %d steps were pending", applied, len(before))
	}
	if again := migrate("up"); again != "the schema is up to date\n" {
		t.Errorf("up again: %q", again)
	}
	if after := migrate("status"); strings.Contains(after, "pending") || strings.Count(after, " applied 20") != len(before) {
		t.Errorf("status after: %q", after)
	}
}

// A certificate of one's own, HTTP/2 and HTTP/1.1, nothing older than TLS 1.2,
// and no plain HTTP.
func TestServeWithTLS(t *testing.T) {
	t.Parallel()
	certificate, key, pool := selfSigned(t)
	p := begin(t, demoConfig, []string{"WXSIGN_SERVER_TLS_CERT=" + certificate, "WXSIGN_SERVER_TLS_KEY=" + key})
	base := p.address("wxsign is ready", "listen")
	trusting := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	status, body := get(t, base+"/healthz", trusting)
	if status != http.StatusOK || body != `HTTP/2.0 {"status":"ok"}` {
		t.Errorf("%s: status %d, %s", base, status, body)
	}
	if status, body := get(t, "http"+strings.TrimPrefix(base, "https")+"/healthz", nil); status != http.StatusBadRequest {
		t.Errorf("plain HTTP: status %d, %s", status, body)
	}
	old := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} // what is to be refused
	conn, err := (&tls.Dialer{Config: old}).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "https://"))
	if err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 was accepted")
	}
}

func TestCertificateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	certificate, _, _ := selfSigned(t)
	_, otherKey, _ := selfSigned(t)
	path, env := folder(t, demoConfig)
	var out, errs bytes.Buffer
	env = append(env, "WXSIGN_SERVER_TLS_CERT="+certificate, "WXSIGN_SERVER_TLS_KEY="+otherKey)
	code := cli.Run(t.Context(), cli.Env{Args: []string{"--config", path}, Environ: env, Stdout: &out, Stderr: &errs})
	if code != 1 || !strings.Contains(errs.String(), "server.tls_cert") {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
}

// selfSigned makes a certificate for 127.0.0.1 and a pool that trusts it.
func selfSigned(t *testing.T) (certificate, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	dir := t.TempDir()
	write := func(name, kind string, bytes []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER), pool
}

// A client that drips its header, or sends one without end, is cut off, while
// others are answered.
func TestSlowAndHugeHeaders(t *testing.T) {
	t.Parallel()
	p := begin(t, demoConfig, nil)
	base := p.address("wxsign is ready", "listen")
	address := strings.TrimPrefix(base, "http://")
	t.Run("drip", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, address)
		start := time.Now()
		gone := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, conn) // until the server closes
			close(gone)
		}()
		_, err := fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n")
		for i := 0; err == nil && time.Since(start) < time.Minute; i++ {
			select {
			case <-gone:
				if took := time.Since(start); took < 4*time.Second {
					t.Errorf("cut off after %s, want 5 s", took) // later only where this machine has much else to do
				}
				return
			case <-time.After(200 * time.Millisecond):
				_, err = fmt.Fprintf(conn, "X-Drip-%d: x\r\n", i)
			}
		}
		if took := time.Since(start); err == nil {
			t.Errorf("still open after %s (%v)", took, err)
		}
	})
	t.Run("huge", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, address)
		go func() {
			_, _ = fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Huge: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
		}()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 431 ") {
			t.Errorf("answer %q, %v", line, err)
		}
	})
	t.Run("others", func(t *testing.T) {
		t.Parallel()
		if status, body := get(t, base+"/healthz", nil); status != http.StatusOK {
			t.Errorf("status %d, %s", status, body)
		}
	})
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
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
