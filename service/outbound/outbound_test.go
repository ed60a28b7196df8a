package outbound_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/outbound"
)

func client(t *testing.T, o outbound.Options) *http.Client {
	t.Helper()
	c, err := outbound.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// get answers the status and the body, or what went wrong.
func get(t *testing.T, c *http.Client, url string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestLoopbackOnlyWhereWrittenDown(t *testing.T) {
	t.Parallel()
	s := server(t, hello)
	if _, _, err := get(t, client(t, outbound.Options{}), s.URL); !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("without a target: %v, want ErrAddress", err)
	}
	if _, body, err := get(t, client(t, outbound.Options{Targets: []string{s.URL + "/hook"}}), s.URL); err != nil || body != "hello" {
		t.Errorf("with it as the target: %q, %v", body, err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inside" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/inside", http.StatusFound)
	})
	if status, _, err := get(t, client(t, outbound.Options{Targets: []string{s.URL}}), s.URL); err != nil || status != http.StatusFound {
		t.Errorf("status %d, %v; want 302 itself", status, err)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", len(r.URL.Path)))
	})
	for name, c := range map[string]struct {
		limit int64
		size  int
		want  error
	}{
		"the limit itself": {100, 100, nil},
		"a byte more":      {100, 101, outbound.ErrTooLarge},
		"much more":        {100, 9000, outbound.ErrTooLarge},
		"no limit":         {-1, 9000, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := outbound.Options{Targets: []string{s.URL}, MaxAnswer: c.limit}
			_, body, err := get(t, client(t, o), s.URL+"/"+strings.Repeat("p", c.size-1))
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if want := min(c.size, int(uint(c.limit))); c.limit > 0 && len(body) != want {
				t.Errorf("%d bytes were read, want %d", len(body), want)
			}
		})
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	_, _, err := get(t, client(t, outbound.Options{Targets: []string{s.URL}}), s.URL)
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok {
		t.Errorf("a certificate of nobody: %v (%v), want x509.UnknownAuthorityError", err, unknown)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if _, body, err := get(t, client(t, outbound.Options{Targets: []string{s.URL}, RootCAs: roots}), s.URL); err != nil || body != "hello" {
		t.Errorf("a known certificate: %q, %v", body, err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	s.Config.ErrorLog = quiet()
	s.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	s.StartTLS()
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	if _, _, err := get(t, client(t, outbound.Options{Targets: []string{s.URL}, RootCAs: roots}), s.URL); err == nil {
		t.Error("TLS 1.1 was accepted")
	}
}

// A name that leads to a private address is refused over http, whatever it led
// to a moment ago; over https the certificate decides.
func TestNamesAreJudgedByWhereTheyLead(t *testing.T) {
	t.Parallel()
	resolver := resolverTo(t, "127.0.0.1")
	plain := server(t, hello)
	_, port, _ := net.SplitHostPort(plain.Listener.Addr().String())
	url := "http://hooks.example.com:" + port
	_, _, err := get(t, client(t, outbound.Options{Targets: []string{url}, Resolver: resolver}), url)
	if !errors.Is(err, outbound.ErrAddress) || !strings.Contains(err.Error(), "hooks.example.com leads to 127.0.0.1") {
		t.Errorf("http: %v, want ErrAddress that names both", err)
	}

	secure := httptest.NewTLSServer(http.HandlerFunc(hello))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate()) // httptest's is for example.com
	_, port, _ = net.SplitHostPort(secure.Listener.Addr().String())
	url = "https://example.com:" + port
	o := outbound.Options{Targets: []string{url}, Resolver: resolver, RootCAs: roots}
	if _, body, err := get(t, client(t, o), url); err != nil || body != "hello" {
		t.Errorf("https: %q, %v", body, err)
	}
	o.Targets = nil
	if _, _, err := get(t, client(t, o), url); !errors.Is(err, outbound.ErrAddress) {
		t.Errorf("https to a name that nobody wrote down: %v, want ErrAddress", err)
	}
}

func TestTimeoutBoundsTheWholeAnswer(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a little")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	o := outbound.Options{Targets: []string{s.URL}, Timeout: 50 * time.Millisecond}
	_, body, err := get(t, client(t, o), s.URL)
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("%q, %v; want a time-out", body, err)
	}
}

func TestCauseHidesTheURL(t *testing.T) {
	t.Parallel()
	_, _, err := get(t, client(t, outbound.Options{}), "http://127.0.0.1:1/hook?key=s3cr3t")
	if err == nil || !strings.Contains(err.Error(), "s3cr3t") {
		t.Fatalf("%v: http.Client does not quote the URL any more; is Cause still needed?", err)
	}
	cause := outbound.Cause(err)
	if strings.Contains(cause.Error(), "s3cr3t") || !errors.Is(cause, outbound.ErrAddress) {
		t.Errorf("Cause = %v, want ErrAddress without the URL", cause)
	}
	if plain := errors.New("plain"); !errors.Is(outbound.Cause(plain), plain) {
		t.Error("Cause changed an error without a URL")
	}
}

// A name inside is called over plain http where Allow has it, and only then.
func TestNamesInside(t *testing.T) {
	t.Parallel()
	s := server(t, hello)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	url := "http://hooks.internal:" + port + "/hook"
	for entry, want := range map[string]bool{
		"hooks.internal": true, "*.internal": true, "127.0.0.0/8": true, "other.internal": false, "10.0.0.0/8": false,
	} {
		o := outbound.Options{Targets: []string{url}, Allow: []string{entry}, Resolver: resolverTo(t, "127.0.0.1")}
		_, body, err := get(t, client(t, o), url)
		if called := err == nil && body == "hello"; called != want || !want && !errors.Is(err, outbound.ErrAddress) {
			t.Errorf("allow %s: %q, %v", entry, body, err)
		}
		if !want && !strings.Contains(err.Error(), "outbound.allow") {
			t.Errorf("%v does not say the mend", err)
		}
	}
}
