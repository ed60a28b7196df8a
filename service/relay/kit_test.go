package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/service/relay"
	"github.com/wxsign/wxsign/service/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID     = "wx0123456789abcdef"
	otherApp  = "wxfedcba9876543210"
	corpAgent = "ww0123456789abcdef:1000002"
	appSecret = "0123456789abcdef&=+fedcba9876543210" // with marks that a query escapes

	oneKey   = "wxs_one_account"
	manyKey  = "wxs_many_accounts"
	corpKey  = "wxs_corp_account"
	clearKey = "wxs_may_clear_quota"
	tokenKey = "wxs_scope_token_only"
)

// caller is a fake holder of a key.
type caller struct {
	name     string
	accounts []string
	scopes   []string
	network  string
}

func (c caller) Name() string { return c.name }

func (c caller) OnlyAccount() (string, bool) { return c.accounts[0], len(c.accounts) == 1 }

func (c caller) Check(scope, app string, from netip.Addr) error {
	switch {
	case c.network != "" && !netip.MustParsePrefix(c.network).Contains(from):
		return fmt.Errorf("not from there: %w", relay.ErrAddress)
	case !slices.Contains(c.scopes, scope):
		return fmt.Errorf("not for this: %w", relay.ErrScope)
	case !slices.Contains(c.accounts, app):
		return fmt.Errorf("not of that: %w", relay.ErrAccount)
	}
	return nil
}

// world holds all that a relay asks, and one WeChat.
type world struct {
	mu      sync.Mutex
	tokens  map[string]string // by app_id
	issued  map[string]string // SHA-256 → app_id
	reports []relay.Death
	resets  []relay.Reset

	auditDown error                              // what audit fails with
	renew     func(d relay.Death) (fresh string) // what a report brings, "" = nothing
	down      error                              // what Authenticate and Issued fail with

	starting bool // the accounts are not loaded

	callers map[string]caller
	log     locked
}

func newWorld() *world {
	w := &world{
		tokens: map[string]string{appID: "80_live-token", otherApp: "80_other-token", corpAgent: "corp-token"},
		issued: map[string]string{},
		callers: map[string]caller{
			oneKey:   {"shop", []string{appID}, []string{"relay"}, "127.0.0.0/8"},
			manyKey:  {"crm", []string{appID, otherApp}, []string{"relay"}, ""},
			corpKey:  {"intranet", []string{corpAgent}, []string{"relay"}, ""},
			clearKey: {"ops", []string{appID}, []string{"relay", "refresh"}, ""},
			tokenKey: {"reader", []string{appID}, []string{"token"}, ""},
		},
	}
	for app, token := range w.tokens {
		w.issued[secret.New(token).Hash()] = app
	}
	w.issued[secret.New("79_kept-too-long").Hash()] = appID
	return w
}

func (w *world) Authenticate(_ context.Context, key string) (relay.Caller, error) {
	c, found := w.callers[key]
	switch {
	case w.down != nil:
		return nil, w.down
	case !found:
		return nil, fmt.Errorf("nobody: %w", relay.ErrKey)
	}
	return c, nil
}

func (w *world) RelayAllows(app string, from netip.Addr) bool {
	return app != otherApp && from.IsLoopback()
}

func (w *world) Current(app string) (relay.Token, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	token, found := w.tokens[app]
	if !found {
		return relay.Token{}, errors.New("no live token")
	}
	return relay.Token{Value: secret.New(token), SHA256: secret.New(token).Hash()}, nil
}

func (w *world) Report(_ context.Context, d relay.Death) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, d)
	if w.renew == nil {
		return nil
	}
	fresh := w.renew(d)
	if fresh == "" {
		return errors.New("WeChat gives none")
	}
	w.tokens[d.AppID] = fresh
	return nil
}

func (w *world) Issued(_ context.Context, sum string) (string, bool, error) {
	app, found := w.issued[sum]
	return app, found, w.down
}

func (w *world) Knows(key string) bool { return w.callers[key].name != "" }

func (w *world) Holds(sum string) bool { return w.issued[sum] != "" }

func (w *world) IsWeCom(app string) (bool, error) {
	if w.starting {
		return false, errors.New("not loaded")
	}
	if !slices.Contains([]string{appID, otherApp, corpAgent}, app) {
		return false, relay.ErrAccount
	}
	return app == corpAgent, nil
}

func (w *world) audit(_ context.Context, r relay.Reset) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resets = append(w.resets, r)
	return w.auditDown
}

func (w *world) Secret(context.Context, string) (secret.Secret, error) {
	return secret.New(appSecret), w.down
}

// options of a relay to a WeChat at url.
func (w *world) options(url string) relay.Options {
	return relay.Options{
		Keys: w, Tokens: w, Accounts: w, Audit: w.audit, BaseURL: url, WeComBaseURL: url + "/wecom",
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		Logger:    slog.New(slog.NewTextHandler(&w.log, nil)),
	}
}

// locked is a log that may be read while it is written.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (w *world) logged() string {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	return w.log.text.String()
}

// open serves a relay on loopback and answers its URL.
func open(t testing.TB, o relay.Options) string {
	t.Helper()
	server := httptest.NewServer(serve(t, o))
	t.Cleanup(func() {
		server.Close()
		if transport, ok := o.Transport.(*http.Transport); ok {
			transport.CloseIdleConnections()
		}
	})
	return server.URL
}

// serve is the relay as the router mounts it.
func serve(t testing.TB, o relay.Options) http.Handler {
	t.Helper()
	y, err := relay.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			peer = netip.MustParseAddrPort("127.0.0.1:1") // a pipe
		}
		if _, err := y.Serve(w, r, relay.From{Addr: peer.Addr(), RequestID: "request-1"}); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
		}
	})
}

// wechat is an upstream that remembers what it was sent.
type wechat struct {
	URL string

	mu    sync.Mutex
	seen  []seen
	serve http.HandlerFunc // nil = errcode 0
}

type seen struct {
	uri    string // as on the wire
	method string
	header http.Header
	length int64
	body   string
}

func newWeChat(t testing.TB, serve http.HandlerFunc) *wechat {
	t.Helper()
	u := &wechat{serve: serve}
	server := httptest.NewServer(http.HandlerFunc(u.handle))
	t.Cleanup(server.Close)
	u.URL = server.URL
	return u
}

func (u *wechat) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	u.seen = append(u.seen, seen{r.RequestURI, r.Method, r.Header.Clone(), r.ContentLength, string(body)})
	u.mu.Unlock()
	if u.serve != nil {
		u.serve(w, r)
		return
	}
	_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
}

func (u *wechat) requests() []seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.seen)
}

// reply is what a caller gets.
type reply struct {
	status  int
	header  http.Header
	body    string
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

// do sends a request without following anything; change may be nil.
func do(t testing.TB, method, url, body string, change func(*http.Request)) reply {
	t.Helper()
	got, err := try(t, method, url, strings.NewReader(body), change)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return got
}

func try(t testing.TB, method, url string, body io.Reader, change func(*http.Request)) (reply, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	got := reply{status: resp.StatusCode, header: resp.Header, body: string(all)}
	_ = json.Unmarshal(all, &got) // what is no JSON has no errcode
	return got, err
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}
