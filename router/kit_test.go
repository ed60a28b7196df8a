package router_test

import (
	"bytes"
	"crypto/sha1" // what WeChat computes
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// The accounts of the tests; see accounts.
const (
	shopApp   = "wxshop0123456789"
	twinApp   = "wxtwin0123456789"
	httpApp   = "wxhttp0123456789"
	offApp    = "wxoff01234567890"
	cardsApp  = "wxcards012345678"
	emptyApp  = "wxempty012345678"
	staleApp  = "wxstale012345678"
	waiterApp = "wxwaiter01234567"
)

const (
	liveTicket  = "ticket-that-must-not-leak-0001"
	staleTicket = "ticket-that-must-not-leak-0002"
)

// nextTry is when the keeper tries again for the accounts without a ticket.
const nextTry = 10 * time.Minute

func accounts(t testing.TB) []snapshot.Account {
	t.Helper()
	profiles := map[string]snapshot.Profile{
		"default": {JSAPIList: []string{"updateAppMessageShareData", "checkJsApi"}},
		"tags":    {JSAPIList: []string{"scanQRCode"}, OpenTagList: []string{"wx-open-launch-weapp"}, Debug: true},
		"bare":    {},
	}
	account := func(appID string, domains ...string) snapshot.Account {
		a := snapshot.Account{AppID: appID, Name: "Secret name of " + appID, Enabled: true, Profiles: profiles, Tickets: []string{snapshot.KindJSAPI}}
		for _, d := range domains {
			pattern, err := pageurl.ParsePattern(d)
			if err != nil {
				t.Fatal(err)
			}
			a.Domains = append(a.Domains, pattern)
		}
		return a
	}
	plain := account(httpApp, "plain.example.com", "127.0.0.1:8080")
	off, cards := account(offApp, "off.example.com"), account(cardsApp, "cards.example.com")
	plain.AllowHTTP, off.Enabled, cards.Tickets = true, false, []string{snapshot.KindWXCard}
	return []snapshot.Account{
		plain, off, cards,
		account(shopApp, "h5.example.com", "*.shop.example.com", "dev.example.com:8443", "path.example.com/act", "both.example.com"),
		account(twinApp, "both.example.com"),
		account(emptyApp, "empty.example.com"), account(staleApp, "stale.example.com"), account(waiterApp, "waiter.example.com"),
	}
}

// newTable serves the accounts: all but three have a live ticket.
func newTable(t testing.TB) *snapshot.Table {
	t.Helper()
	table := snapshot.NewTable()
	table.PutAccounts(accounts(t)...)
	put := func(appID, ticket string, life time.Duration) {
		table.PutCredential(appID, snapshot.Credential{
			Kind: snapshot.KindJSAPI, Value: secret.New(ticket), Version: 1, Deadline: time.Now().Add(life),
		})
	}
	for _, appID := range []string{shopApp, twinApp, httpApp, offApp} {
		put(appID, liveTicket, time.Hour)
	}
	put(staleApp, staleTicket, -time.Millisecond)
	for _, appID := range []string{staleApp, emptyApp} {
		table.SetTrouble(appID, snapshot.KindJSAPI, snapshot.Trouble{
			Text: "upstream text that stays inside", Failing: 3, NextTry: time.Now().Add(nextTry),
		})
	}
	return table
}

// site is the pages' server over a table of accounts.
type site struct {
	http.Handler
	table *snapshot.Table
	log   *lines
}

// newSite builds it; change may be nil.
func newSite(t testing.TB, change func(*router.Options)) *site {
	t.Helper()
	s := &site{table: newTable(t), log: &lines{}}
	signer, err := signature.New(signature.Options{Accounts: s.table})
	if err != nil {
		t.Fatal(err)
	}
	script, err := handler.NewScript()
	if err != nil {
		t.Fatal(err)
	}
	o := router.Options{
		JSSDK: handler.NewJSSDK(signer, (*router.Limiter)(nil)), Script: script, Health: handler.NewHealth(nil),
		AllowsOrigin: signer.AllowsOrigin, Logger: slog.New(slog.NewJSONHandler(s.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	if s.Handler, err = router.Pages(o); err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a request; headers are name, value, name, value.
func (s *site) ask(t testing.TB, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return s.send(r)
}

func (s *site) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// configPath is /jssdk/config for a page, encoded as encodeURIComponent does.
func configPath(page, more string) string {
	return "/jssdk/config?url=" + strings.ReplaceAll(url.QueryEscape(page), "+", "%20") + more
}

// wxConfig is what pages read; pointers and RawMessage show what is missing.
type wxConfig struct {
	AppID       string          `json:"appId"`
	Timestamp   json.Number     `json:"timestamp"`
	NonceStr    string          `json:"nonceStr"`
	Signature   string          `json:"signature"`
	URL         string          `json:"url"`
	JSAPIList   json.RawMessage `json:"jsApiList"`
	OpenTagList json.RawMessage `json:"openTagList"`
	Debug       *bool           `json:"debug"`
}

// decodeStrict reads exactly one JSON value without unknown fields into v.
func decodeStrict(t testing.TB, body []byte, v any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("more than one value: %s", body)
	}
}

// checkSigned holds that the answer is a right signature of page.
func checkSigned(t testing.TB, w *httptest.ResponseRecorder, page string) wxConfig {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	var c wxConfig
	decodeStrict(t, w.Body.Bytes(), &c)
	text := fmt.Sprintf("jsapi_ticket=%s&noncestr=%s&timestamp=%s&url=%s", liveTicket, c.NonceStr, c.Timestamp, page)
	sum := sha1.Sum([]byte(text))
	if c.URL != page || c.Signature != hex.EncodeToString(sum[:]) {
		t.Errorf("signed %q with %s, want %q with %x", c.URL, c.Signature, page, sum)
	}
	return c
}

type problem struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// checkProblem holds that the answer is an error as the contract says.
func checkProblem(t testing.TB, w *httptest.ResponseRecorder, status int, code string) problem {
	t.Helper()
	if w.Code != status {
		t.Errorf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	var p problem
	decodeStrict(t, w.Body.Bytes(), &p)
	if p.Code != code {
		t.Errorf("code %q, want %q: %s", p.Code, code, p.Message)
	}
	// What happened, and then what to do: at least two sentences.
	if happened, mend, found := strings.Cut(p.Message, ". "); !found || len(happened) < 10 || len(mend) < 10 {
		t.Errorf("message %q tells no mend", p.Message)
	}
	if p.RequestID == "" || p.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("request_id %q, X-Request-Id %q", p.RequestID, w.Header().Get("X-Request-Id"))
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", got)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	return p
}

// lines keeps a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
