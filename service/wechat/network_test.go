package wechat_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/wechat"
)

func wantTimeout(t *testing.T, err error) {
	t.Helper()
	e := mustFail(t, err)
	if !errors.Is(e, context.DeadlineExceeded) || e.Class != wechat.Transient {
		t.Errorf("got %v of class %v, want a time-out", e, e.Class)
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// mutePort takes TCP connections and never says a word, so that TLS hangs.
func mutePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the kernel completes the connections
	return l.Addr().String()
}

func tlsServer(t *testing.T, change func(*tls.Config)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(s.record(say(goodAt)))
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS10}
	change(s.TLS)
	s.Config.ErrorLog = quiet
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	wrongCA := tlsServer(t, func(*tls.Config) {})
	oldTLS := tlsServer(t, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 })
	plain := serve(t, say(goodAt))
	for _, tt := range []struct {
		name, base string
		want       error
		text       string
	}{
		{"refused", "http://" + closedPort(t), wechat.ErrUnreachable, "refused"},
		{"refused with TLS", "https://" + closedPort(t), wechat.ErrUnreachable, "refused"},
		{"unknown name", noHost, wechat.ErrUnreachable, "no such host"},
		{"unknown CA", wrongCA.URL, wechat.ErrUntrusted, "unknown authority"},
		{"TLS 1.1", oldTLS.URL, wechat.ErrUntrusted, "protocol version"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), wechat.ErrUntrusted, "TLS handshake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, wechat.Options{BaseURL: tt.base, Timeout: time.Minute, ConnectTimeout: 20 * time.Second})
			for _, call := range calls {
				_, err := call.ask(t.Context(), c)
				e := mustFail(t, err)
				if !errors.Is(e, tt.want) || e.Class != wechat.Transient || e.Status != 0 || !strings.Contains(e.Error(), tt.text) {
					t.Errorf("%s: got %v of class %v, want %v: %s", call.name, e, e.Class, tt.want, tt.text)
				}
			}
		})
	}
	t.Cleanup(func() {
		if n := len(wrongCA.requests()) + len(oldTLS.requests()) + len(plain.requests()); n != 0 {
			t.Errorf("%d secrets went to a host that was not trusted", n)
		}
	})
}

// Name, TCP and TLS share one limit; the time for an answer is not touched.
func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	c := newClient(t, wechat.Options{BaseURL: "https://" + mutePort(t), Timeout: 30 * time.Second, ConnectTimeout: 200 * time.Millisecond})
	start := time.Now()
	_, err := askToken(wechat.Classic, false)(t.Context(), c)
	if e := mustFail(t, err); !errors.Is(e, wechat.ErrUnreachable) || e.Class != wechat.Transient {
		t.Errorf("got %v of class %v", e, e.Class)
	}
	if took := time.Since(start); took < 190*time.Millisecond || took > 10*time.Second {
		t.Errorf("gave up after %v, want 200ms", took)
	}
}

// With the right CA the same kind of server is fine: it is trust that failed.
func TestTrustedTLS(t *testing.T) {
	t.Parallel()
	s := tlsServer(t, func(*tls.Config) {})
	c := newClient(t, wechat.Options{BaseURL: s.URL, Transport: s.Client().Transport})
	if _, err := askToken(wechat.Stable, false)(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// TLS that breaks after the request was sent is a lost answer, and not a host that
// was never trusted: WeChat may have issued.
func TestTLSBrokenAfterTheRequest(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := conn.(*tls.Conn).NetConn().Write([]byte("this is no TLS record at all")); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	c := newClient(t, wechat.Options{BaseURL: s.URL, Transport: s.Client().Transport})
	_, err := askToken(wechat.Classic, false)(t.Context(), c)
	if e := mustFail(t, err); !errors.Is(e, wechat.ErrBroken) || errors.Is(e, wechat.ErrUntrusted) || !strings.Contains(e.Error(), "tls:") {
		t.Errorf("got %v", e)
	}
}

func TestNoProxyFromEnvironment(t *testing.T) { //nolint:paralleltest // it sets the environment
	proxy := serve(t, say(goodAt))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	c := newClient(t, wechat.Options{BaseURL: noHost})
	_, err := askToken(wechat.Classic, false)(t.Context(), c)
	if e := mustFail(t, err); !errors.Is(e, wechat.ErrUnreachable) || len(proxy.requests()) != 0 {
		t.Errorf("got %v, and the proxy got %d requests", e, len(proxy.requests()))
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	for _, call := range calls {
		t.Run(call.name, func(t *testing.T) {
			t.Parallel()
			// A cause of its own hides context.Canceled from the transport's error.
			ctx, cancel := context.WithCancelCause(t.Context())
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				cancel(errTest)
				<-r.Context().Done()
			})
			other := serve(t, say(call.good))
			c := newClient(t, wechat.Options{BaseURL: s.URL, FallbackURL: other.URL})
			_, err := call.ask(ctx, c)
			if e := mustFail(t, err); !errors.Is(e, context.Canceled) || e.Class != wechat.Transient || strings.Contains(e.Error(), "fallback") {
				t.Errorf("got %v of class %v", e, e.Class)
			}
			_, err = call.ask(ctx, c)
			if e := mustFail(t, err); !errors.Is(e, context.Canceled) {
				t.Errorf("a dead context: got %v", e)
			}
			if len(s.requests()) != 1 || len(other.requests()) != 0 {
				t.Errorf("%d and %d requests, want 1 and 0", len(s.requests()), len(other.requests()))
			}
		})
	}
}

func TestCallersDeadlineWins(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := newClient(t, wechat.Options{BaseURL: s.URL})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errTest)
	defer cancel()
	start := time.Now()
	_, err := askToken(wechat.Stable, false)(ctx, c)
	wantTimeout(t, err)
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestCallersDeadlineDuringConnect(t *testing.T) {
	t.Parallel()
	other := serve(t, say(goodAt))
	c := newClient(t, wechat.Options{BaseURL: "https://" + mutePort(t), FallbackURL: other.URL})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := askToken(wechat.Classic, false)(ctx, c)
	wantTimeout(t, err)
	if !errors.Is(err, wechat.ErrUnreachable) || strings.Contains(err.Error(), "fallback") || len(other.requests()) != 0 {
		t.Errorf("got %v", err)
	}
}

// net/http repeats a GET by itself when a kept connection breaks before the
// answer. In classic mode that would be a second token for one call.
func TestKeptConnectionThatBreaksIsNotAskedTwice(t *testing.T) {
	t.Parallel()
	for _, call := range calls {
		t.Run(call.name, func(t *testing.T) {
			t.Parallel()
			var s *server
			s = serve(t, func(w http.ResponseWriter, r *http.Request) {
				if len(s.requests()) == 1 {
					say(call.good)(w, r)
					return
				}
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_ = conn.Close()
			})
			c := newClient(t, wechat.Options{BaseURL: s.URL})
			if _, err := call.ask(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			_, err := call.ask(t.Context(), c)
			if e := mustFail(t, err); !errors.Is(e, wechat.ErrBroken) {
				t.Errorf("got %v", e)
			}
			got := s.requests()
			if len(got) != 2 || got[0].ConnectionRemoteEnd != got[1].ConnectionRemoteEnd {
				t.Errorf("%d requests, want 2 on one connection", len(got))
			}
		})
	}
}

// Whatever a transport says, its words are shown without the request.
func TestTransportErrorsDoNotLeak(t *testing.T) {
	t.Parallel()
	inURL := &url.Error{Op: "Get", URL: "https://h/?secret=" + canary, Err: errTest}
	for name, cause := range map[string]error{
		"url.Error":         inURL,
		"wrapped url.Error": fmt.Errorf("proxy: %w", inURL),
		"nested url.Error":  &url.Error{Op: "Get", URL: "https://h/?access_token=" + canary, Err: inURL},
		"plain text":        errors.New("cannot send " + canary + " now"),
		"joined":            errors.Join(errTest, errors.New(canary)),
		"control":           errors.New("\x1b[31m\r\n" + canary + "\u202e"),
	} {
		c := newClient(t, wechat.Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, cause })})
		for _, call := range calls {
			_, err := call.ask(t.Context(), c)
			e := mustFail(t, err)
			if strings.ContainsAny(e.Error(), "\x1b\r\n\u202e") || strings.Contains(e.Error(), "//h/") {
				t.Errorf("%s: %q has control characters or a URL", name, e)
			}
			if !errors.Is(e, wechat.ErrBroken) {
				t.Errorf("%s: a transport that tells nothing may have sent: %v", name, e)
			}
		}
	}
}
