package deploy_test

import (
	"bufio"
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
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCaddyfile(t *testing.T) {
	t.Parallel()
	run(t, ".", "caddy", "validate", "--adapter", "caddyfile", "--config", "caddy/Caddyfile")
	if said := run(t, ".", "caddy", "fmt", "--diff", "caddy/Caddyfile"); strings.Contains(said, "\n+") || strings.HasPrefix(said, "+") {
		t.Errorf("caddy fmt would write it otherwise:\n%s", said)
	}
}

// A real nginx with our file passes on what pages need as it came, tells who
// asked, and nothing leads to the panel.
func TestNginx(t *testing.T) {
	t.Parallel()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := []string{r.RequestURI, r.Host}
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id"} {
			seen = append(seen, r.Header.Get(name))
		}
		_, _ = io.WriteString(w, strings.Join(seen, "|"))
	}))
	t.Cleanup(backend.Close)
	address := startNginx(t, strings.TrimPrefix(backend.URL, "http://"))

	const page = "/jssdk/config?url=https%3A%2F%2Fh5.example.com%2Fa%2520b%3Fx%3D1%26y%3D%E4%B8%AD&app_id=wx1"
	status, body := askRaw(t, address, page)
	parts := strings.Split(body, "|")
	if status != http.StatusOK || len(parts) != 5 || parts[0] != page {
		t.Fatalf("status %d: the page's URL arrived as %s", status, body)
	}
	if parts[1] != "sign.example.com" || parts[2] != "198.51.100.7, 127.0.0.1" || parts[3] != "https" || len(parts[4]) < 8 {
		t.Errorf("the headers arrived as %q", parts[1:])
	}
	for path, want := range map[string]int{
		"/jssdk/wxsign.js": 200, "/demo/share": 200, "/healthz": 200, "/MP_verify_aB3dEf5hIj7kLm9n.txt": 200, "/WW_verify_aB3dEf5h.txt": 200,
		"/": 404, "/admin/": 404, "/admin": 404, "/readyz": 404, "/metrics": 404, "/v1/accounts/wx1/access_token": 404,
		"/cgi-bin/token?secret=x": 404,
		"/jssdk":                  301, "/jssdk/../admin/": 404, "/jssdk/..%2fadmin/": 404, "/jssdk/%2e%2e/admin/": 404,
		"/jssdk/%2e%2e%2fadmin/sign-in": 404,
		"//admin/":                      404, "/jssdk//../../admin/": 400,
		"/MP_verify_x.txt/../admin/": 404, "/demo/..%2f..%2fadmin/": 400, "/%61dmin/": 404,
	} {
		if got, body := askRaw(t, address, path); got != want {
			t.Errorf("%s: status %d, want %d: %s", path, got, want, body)
		}
	}
}

// startNginx runs nginx with wxsign.conf, its addresses replaced, and returns
// where it listens.
func startNginx(t *testing.T, backend string) string {
	t.Helper()
	const tries = 5 // a free port can be taken before nginx opens it
	for try := 1; ; try++ {
		address, said, err := tryNginx(t, backend)
		if err == nil {
			return address
		}
		if try == tries || !strings.Contains(said, "Address already in use") {
			t.Fatalf("nginx: %v\n%s", err, said)
		}
	}
}

func tryNginx(t *testing.T, backend string) (address, said string, err error) {
	t.Helper()
	dir := t.TempDir()
	writeCertificate(t, dir)
	plain, secure := freePort(t), freePort(t)
	config := read(t, "nginx/wxsign.conf")
	for _, change := range [][2]string{
		{"listen 80;", "listen " + plain + ";"},
		{"listen 443 ssl;", "listen " + secure + " ssl;"},
		{"/etc/nginx/certificates/sign.example.com", filepath.Join(dir, "certificate")},
		{"/var/log/nginx/wxsign.log", filepath.Join(dir, "access.log")},
		{"server wxsign-1:8080", "server " + backend},
		{"server wxsign-2:8080", "server " + backend},
	} {
		replaced := strings.Replace(config, change[0], change[1], 2)
		if replaced == config {
			t.Fatalf("wxsign.conf has no %q", change[0])
		}
		config = replaced
	}
	frame := fmt.Sprintf("daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1; events {}\nhttp { client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p;"+
		" fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; access_log off;\n%[2]s }\n", dir, config)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(frame), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "nginx", "-t", "-q", "-c", path, "-p", dir, "-e", "stderr")
	return serveNginx(t, dir, path, secure)
}

func serveNginx(t *testing.T, dir, config, address string) (listening, said string, err error) {
	t.Helper()
	errors, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Close() }()
	command := exec.CommandContext(t.Context(), tool(t, "nginx"), "-c", config, "-p", dir, "-e", "stderr")
	command.Stdout, command.Stderr = errors, errors
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var failed error
	ended := make(chan struct{})
	go func() {
		failed = command.Wait()
		close(ended)
	}()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			return "", read(t, errors.Name()), fmt.Errorf("ended: %w", failed)
		default:
		}
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			conn.Close()
			t.Cleanup(func() {
				_ = command.Process.Signal(os.Interrupt)
				<-ended
			})
			return address, "", nil
		}
	}
	_ = command.Process.Kill()
	<-ended
	return "", read(t, errors.Name()), fmt.Errorf("does not listen on %s", address)
}

// freePort is an address that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	open, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	return open.Addr().String()
}

func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"sign.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"certificate.pem": {Type: "CERTIFICATE", Bytes: cert}, "certificate.key": {Type: "PRIVATE KEY", Bytes: sealed},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// askRaw sends a path just as it stands; a client of Go's would clean it.
func askRaw(t *testing.T, address, path string) (int, string) {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true}
	conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: sign.example.com\r\nX-Forwarded-For: 198.51.100.7\r\nConnection: close\r\n\r\n", path)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
