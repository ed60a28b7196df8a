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
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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
	address := startNginx(t, t.TempDir(), strings.TrimPrefix(backend.URL, "http://"), strings.TrimPrefix(backend.URL, "http://")).secure

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

// Regression: a few requests for an account without a ticket, which get 503, made
// nginx call both replicas dead, and pages of all accounts got 502.
func TestNginxWithOneBadAccount(t *testing.T) {
	t.Parallel()
	replica := func(starting bool) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if starting || r.URL.Query().Get("app_id") == "wxbad" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		t.Cleanup(server.Close)
		return strings.TrimPrefix(server.URL, "http://")
	}
	for name, starting := range map[string]bool{"both serve": false, "one is not ready": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := startNginx(t, t.TempDir(), replica(false), replica(starting)).secure
			for range 6 {
				if status, _ := askRaw(t, address, "/jssdk/config?app_id=wxbad"); status != http.StatusServiceUnavailable {
					t.Errorf("the bad account: status %d", status)
				}
				if status, _ := askRaw(t, address, "/jssdk/config?app_id=wxgood"); status != http.StatusOK {
					t.Errorf("the good account: status %d", status)
				}
			}
		})
	}
}

// The query holds the page's address, and for business servers keys. nginx quotes
// it where a replica does not answer, unless it is told not to.
func TestNginxLogsNoQuery(t *testing.T) {
	t.Parallel()
	logs := t.TempDir()
	away := freePort(t)
	nginx := startNginx(t, logs, away, away)
	const page = "/jssdk/config?url=https%3A%2F%2Fh5.example.com%2Fprivate"
	if status, _ := askRaw(t, nginx.secure, page); status != http.StatusBadGateway {
		t.Errorf("status %d", status)
	}
	if status := askPlain(t, nginx.plain, page); status != http.StatusMovedPermanently {
		t.Errorf("without TLS: status %d", status)
	}
	said := awaitLog(t, filepath.Join(logs, "access.log"), "/jssdk/config 502", "/jssdk/config 301")
	if strings.Contains(said, "private") {
		t.Errorf("the access log: %s", said)
	}
	if said := read(t, filepath.Join(logs, "error.log")); strings.Contains(said, "private") {
		t.Errorf("the error log: %s", said)
	}
}

// listening is where a proxy does, without TLS and with it.
type listening struct{ plain, secure string }

// startNginx runs nginx with wxsign.conf, its addresses and folder of logs
// replaced.
func startNginx(t *testing.T, logs string, backends ...string) listening {
	t.Helper()
	const tries = 5 // a free port can be taken before nginx opens it
	for try := 1; ; try++ {
		address, said, err := tryNginx(t, logs, backends)
		if err == nil {
			return address
		}
		if try == tries || !strings.Contains(said, "Address already in use") {
			t.Fatalf("nginx: %v\n%s", err, said)
		}
	}
}

func tryNginx(t *testing.T, logs string, backends []string) (nginx listening, said string, err error) {
	t.Helper()
	dir := t.TempDir()
	writeCertificate(t, dir)
	nginx = listening{plain: freePort(t), secure: freePort(t)}
	config := changed(t, "nginx/wxsign.conf", [][2]string{
		{"listen 80;", "listen " + nginx.plain + ";"},
		{"listen 443 ssl;", "listen " + nginx.secure + " ssl;"},
		{"/etc/nginx/certificates/sign.example.com", filepath.Join(dir, "certificate")},
		{"/var/log/nginx/", logs + "/"},
		{"server wxsign-1:8080", "server " + backends[0]},
		{"server wxsign-2:8080", "server " + backends[1]},
	})
	// As around a file of conf.d/: what it does not say is said here, and quotes all.
	frame := fmt.Sprintf("daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1; events {}\nhttp { client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p;"+
		" fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; access_log %[3]s/access.log;\n%[2]s }\n", dir, config, logs)
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(frame), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "nginx", "-t", "-q", "-c", path, "-p", dir, "-e", "stderr")
	command := exec.CommandContext(t.Context(), tool(t, "nginx"), "-c", path, "-p", dir, "-e", "stderr")
	said, err = serve(t, command, filepath.Join(dir, "said"), nginx.plain, nginx.secure)
	return nginx, said, err
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
