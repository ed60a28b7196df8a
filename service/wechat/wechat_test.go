package wechat_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

const (
	appID = "wx0123456789abcdef"
	// canary stands for the AppSecret or the token of a call; it must turn up
	// in requests only.
	canary = "c4n4ry_5ecret-0123456789abcdef"
	// noHost fails to resolve without asking any name server: a label is too long.
	noHost = "https://wechat-wechat-wechat-wechat-wechat-wechat-wechat-wechat-wechat-wechat.invalid"
	goodAt = `{"access_token":"11_new-token_AZ09","expires_in":7200}`
	goodTk = `{"errcode":0,"errmsg":"ok","ticket":"new-ticket_AZ09","expires_in":7200}`
	goodIP = `{"ip_list":["106.55.206.146","106.55.206.0/24"]}`
)

var errTest = errors.New("test error")

// seen is what a server got of one request.
type seen struct {
	Method, URI, Body   string
	ContentType, Agent  string
	HasContentLength    bool
	TransferEncoding    []string
	ConnectionRemoteEnd string
}

// server answers every request with handle and remembers what came in.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []seen
}

func serve(t *testing.T, handle http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(s.record(handle))
	t.Cleanup(s.Close)
	return s
}

func (s *server) record(handle http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, seen{
			Method: r.Method, URI: r.RequestURI, Body: string(body),
			ContentType: r.Header.Get("Content-Type"), Agent: r.UserAgent(),
			HasContentLength: r.Header.Get("Content-Length") != "" || r.ContentLength > 0,
			TransferEncoding: r.TransferEncoding, ConnectionRemoteEnd: r.RemoteAddr,
		})
		s.mu.Unlock()
		handle(w, r)
	})
}

func (s *server) requests() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]seen(nil), s.seen...)
}

// say answers like WeChat: HTTP 200 and its odd Content-Type.
func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; encoding=utf-8")
		_, _ = io.WriteString(w, body)
	}
}

func newClient(t *testing.T, o wechat.Options) *wechat.Client {
	t.Helper()
	c, err := wechat.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// calls is every way to ask, each with the canary as its secret and an answer
// that grants it.
var calls = []struct {
	name, op, good string
	ask            func(context.Context, *wechat.Client) (wechat.Grant, error)
}{
	{"stable", "stable_token", goodAt, askToken(wechat.Stable, false)},
	{"forced", "stable_token", goodAt, askToken(wechat.Stable, true)},
	{"classic", "token", goodAt, askToken(wechat.Classic, false)},
	{"ticket", "getticket", goodTk, func(ctx context.Context, c *wechat.Client) (wechat.Grant, error) {
		return c.Ticket(ctx, secret.New(canary), wechat.KindJSAPI)
	}},
	{"probe", "getcallbackip", goodIP, func(ctx context.Context, c *wechat.Client) (wechat.Grant, error) {
		return wechat.Grant{}, c.Probe(ctx, secret.New(canary))
	}},
}

func askToken(mode wechat.Mode, force bool) func(context.Context, *wechat.Client) (wechat.Grant, error) {
	return func(ctx context.Context, c *wechat.Client) (wechat.Grant, error) {
		return c.Token(ctx, wechat.TokenRequest{AppID: appID, Secret: secret.New(canary), Mode: mode, Force: force})
	}
}

// mustFail wants an *Error that is fit to show, and returns it.
func mustFail(t *testing.T, err error) *wechat.Error {
	t.Helper()
	var e *wechat.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T) is no *wechat.Error", err, err)
	}
	for text := error(e); text != nil; text = errors.Unwrap(text) {
		if s := text.Error(); strings.Contains(s, canary) {
			t.Errorf("error text leaks: %s", s)
		}
	}
	if strings.Contains(e.Mend(), canary) || strings.Contains(e.RID+e.Errmsg+e.IP, canary) {
		t.Errorf("a field or the mend leaks: %+v, %s", e, e.Mend())
	}
	if len(e.Mend()) < 20 || strings.Contains(e.Mend(), "{") {
		t.Errorf("mend is no help: %q", e.Mend())
	}
	return e
}

// roundTripper is a transport made of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// short are time limits that let tests of slow servers end quickly.
func short(o wechat.Options) wechat.Options {
	o.Timeout, o.ConnectTimeout = 400*time.Millisecond, 150*time.Millisecond
	return o
}
