package publish_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/service/publish"
	"github.com/wxsign/wxsign/service/publish/redistest"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID     = "wx0123456789abcdef"
	tokenKey  = "wx:access_token:" + appID
	jsapiKey  = "wx:jsapi_ticket:" + appID
	cardKey   = "wx:wx_card_ticket:" + appID
	tokenTmpl = "wx:access_token:{app_id}"
	ticketTmp = "wx:{kind}_ticket:{app_id}"
)

// world is a Redis and what tests read of it.
type world struct {
	t      *testing.T
	server *redistest.Server
	client *redis.Client
}

func newWorld(t *testing.T, args ...string) *world {
	t.Helper()
	server := redistest.Start(t, args...)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	return &world{t: t, server: server, client: client}
}

// publisher copies a table until the end of the test.
func (w *world) publisher(table publish.Table, tune func(*publish.Options)) *publish.Publisher {
	w.t.Helper()
	p := w.stopped(table, tune)
	p.Start()
	w.t.Cleanup(func() { _ = p.Stop(w.t.Context()) })
	return p
}

func (w *world) stopped(table publish.Table, tune func(*publish.Options)) *publish.Publisher {
	w.t.Helper()
	o := publish.Options{
		Table: table, Address: w.server.Addr(), TokenKey: tokenTmpl, TicketKey: ticketTmp,
		Look: 5 * time.Millisecond, Reconcile: time.Hour, Timeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
	}
	if tune != nil {
		tune(&o)
	}
	p, err := publish.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// get reads a key, "" where it is not there.
func (w *world) get(key string) string {
	w.t.Helper()
	value, err := w.client.Get(w.t.Context(), key).Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // the library's own sentinel, not wrapped
		w.t.Fatal(err)
	}
	return value
}

// until waits for a condition, for longer than any machine needs.
func (w *world) until(what string, condition func() bool) {
	w.t.Helper()
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(2 * time.Millisecond) {
		if condition() {
			return
		}
	}
	w.t.Fatalf("never came: %s", what)
}

func (w *world) holds(key, value string) {
	w.t.Helper()
	w.until(fmt.Sprintf("%s = %q", key, value), func() bool { return w.get(key) == value })
}

// table serves one account with a token and a jsapi ticket.
func table(credentials ...snapshot.Credential) *snapshot.Table {
	t := snapshot.NewTable()
	t.PutAccounts(account(true, snapshot.KindJSAPI))
	for _, c := range credentials {
		t.PutCredential(appID, c)
	}
	return t
}

func account(enabled bool, tickets ...string) snapshot.Account {
	return snapshot.Account{AppID: appID, Enabled: enabled, Tickets: tickets}
}

// issued makes all credentials of the tests: the n-th of a kind is of version n
// and was issued n seconds after the first.
const issued = 1_700_000_000_000

func credential(kind string, n int64, life time.Duration) snapshot.Credential {
	return snapshot.Credential{
		Kind: kind, Value: secret.New(fmt.Sprintf("%s-value-%d", kind, n)), Version: n, PublishID: fmt.Sprintf("%s%d", kind, n),
		IssuedAt: issued + n*1000, ExpiresAt: issued + n*1000 + life.Milliseconds(), Deadline: time.Now().Add(life),
	}
}

func token(n int64) snapshot.Credential {
	return credential(snapshot.KindAccessToken, n, 2*time.Hour)
}

// logged collects what is logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
