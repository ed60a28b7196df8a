package router_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/router"
)

func TestMethods(t *testing.T) {
	t.Parallel()
	tests := []struct{ method, path, allow string }{
		{http.MethodDelete, "/jssdk/config", "GET, HEAD, POST, OPTIONS"},
		{http.MethodPut, "/jssdk/config", "GET, HEAD, POST, OPTIONS"},
		{http.MethodPatch, "/jssdk/config", "GET, HEAD, POST, OPTIONS"},
		{http.MethodTrace, "/jssdk/config", "GET, HEAD, POST, OPTIONS"},
		{"BREW", "/jssdk/config", "GET, HEAD, POST, OPTIONS"},
		{http.MethodPost, "/jssdk/wxsign.js", "GET, HEAD"},
		{http.MethodPost, "/healthz", "GET, HEAD"},
		{http.MethodPost, "/readyz", "GET, HEAD"},
	}
	s := newSite(t, nil)
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			t.Parallel()
			w := s.ask(t, tt.method, tt.path, "")
			p := checkProblem(t, w, 405, "method_not_allowed")
			got := map[string]bool{}
			for m := range strings.SplitSeq(strings.Join(w.Header().Values("Allow"), ", "), ", ") {
				got[m] = true
			}
			for m := range strings.SplitSeq(tt.allow, ", ") {
				if !got[m] {
					t.Errorf("Allow %q lacks %s", w.Header().Values("Allow"), m)
				}
				delete(got, m)
			}
			if len(got) > 0 || !strings.Contains(p.Message, "Allow") {
				t.Errorf("Allow has more: %v; message %q", got, p.Message)
			}
		})
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newSite(t, nil))
	t.Cleanup(server.Close)
	for path, status := range map[string]int{
		configPath("https://h5.example.com/", ""): 200,
		"/jssdk/config":    400,
		"/jssdk/wxsign.js": 200,
		"/healthz":         200,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodHead, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != status || len(body) > 0 || response.ContentLength <= 0 {
			t.Errorf("HEAD %s: status %d, length %d, body %q, %v", path, response.StatusCode, response.ContentLength, body, err)
		}
	}
}

// Paths as they come in the request line, which clients like to clean up. None
// is redirected: a redirect would lose the POST body and the CORS headers.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	const query = "?url=https%3A%2F%2Fh5.example.com%2F"
	tests := []struct {
		path   string
		status int
	}{
		{"/jssdk/config" + query, 200},
		{"//jssdk/config" + query, 404},
		{"/jssdk//config" + query, 404},
		{"/jssdk/config/" + query, 404},
		{"/jssdk/config/x" + query, 404},
		{"/JSSDK/config" + query, 404},
		{"/jssdk/./config" + query, 404},
		{"/jssdk/x/../config" + query, 404},
		{"/jssdk/%2e%2e/jssdk/config" + query, 404},
		{"/jssdk/config%00" + query, 404},
		{"/jssdk/config%20" + query, 404},
		{"/jssdk/config;a=b" + query, 404},
		{"/jssdk%2Fconfig" + query, 404},
		{"/%6Assdk/config" + query, 404},
		{"http://other.example/jssdk/config" + query, 200}, // the absolute form that proxies send
		{"/", 404},
		{"*", 404},
		{"/demo/share", 404}, // there is no demo page
		{"/demo/report", 404},
		{"/metrics", 404},
		{"/debug/pprof/", 404},
	}
	s := newSite(t, nil)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			status, location, body := rawGet(t, server.Listener.Addr().String(), tt.path)
			if status != tt.status || location != "" {
				t.Errorf("status %d, want %d; Location %q; %s", status, tt.status, location, body)
			}
			if tt.status == http.StatusNotFound && !strings.Contains(body, `"code":"not_found"`) {
				t.Errorf("body %s", body)
			}
		})
	}
}

// rawGet asks for a target exactly as it is written.
func rawGet(t testing.TB, address, target string) (status int, location, body string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Location"), string(text)
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
		checkProblem(t, s.ask(t, method, "/nothing/here?access_token=x", ""), 404, "not_found")
	}
}

func TestPagesChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := router.Pages(router.Options{}); err == nil {
		t.Error("no error without handlers")
	}
	var o router.Options
	newSite(t, func(good *router.Options) { o = *good })
	o.TrustedProxies = []string{"10.0.0.0/8", "everybody"}
	_, err := router.Pages(o)
	if err == nil || !strings.Contains(err.Error(), "server.trusted_proxies") || !strings.Contains(err.Error(), "everybody") {
		t.Errorf("error %v does not name the key and the value", err)
	}
}
