package controltest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// The accounts: two that are kept fresh, one that is disabled, one that WeChat
// never gives a token, and two agents of a corp.
const (
	shop   = "wxshop0123456789ab"
	other  = "wxother123456789ab"
	off    = "wxoff0123456789abc"
	dead   = "wxdead0123456789ab"
	agent7 = "wwcorp0123456789ab:7"
	agent8 = "wwcorp0123456789ab:8"
	corp   = "wwcorp0123456789ab"
	nobody = "wxnobody0123456789"
)

// Where callers come from: httptest's requests say so themselves.
const (
	inside  = "10.1.2.3"
	outside = "192.0.2.9"
)

// world is one wxsign with its WeChat.
type world struct {
	testing.TB
	http.Handler
	sim     *simtest.Server
	store   *model.Store
	table   *snapshot.Table
	keeper  *keeper.Keeper
	keys    *apikey.Keys
	control *handler.Control
	desk    *qa.Desk // of pages
	log     *lines

	mu    sync.Mutex
	named int // keys that were made
}

// options change a world before it begins; zero = none.
type options struct {
	proxies []string
	tries   handler.NetworkLimiter // nil = no limit
	relay   handler.Func
}

func newWorld(t testing.TB, o options) *world {
	t.Helper()
	w := &world{TB: t, table: snapshot.NewTable(), store: modeltest.Open(t, modeltest.Engines()[0]), log: &lines{}}
	var accounts []simulator.Account
	for _, appID := range []string{shop, other, off} {
		accounts = append(accounts, simulator.Account{AppID: appID, Secret: "secret-of-" + appID, Domains: []string{"example.com"}})
	}
	w.sim = simtest.Start(t, simulator.Options{Accounts: accounts})
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.startKeeper(log)
	entries, err := audit.New(w.store)
	w.ok(err)
	w.keys, err = apikey.New(apikey.Options{Store: briefKeys{w.store}, Audit: entries, Logger: log})
	w.ok(err)
	w.keys.Start()
	t.Cleanup(func() { w.ok(w.keys.Stop(context.Background())) })
	signer, err := signature.New(signature.Options{Accounts: w.table})
	w.ok(err)
	if o.tries == nil {
		o.tries = (*router.Limiter)(nil)
	}
	w.control, err = handler.NewControl(w.keeper, handler.NewGuard(w.keys, o.tries), signer)
	w.ok(err)
	w.Handler, err = router.Control(router.ControlOptions{
		Control: w.control, Health: handler.NewHealth(w.keeper.Status), Relay: o.relay, TrustedProxies: o.proxies, Logger: log,
	})
	w.ok(err)
	return w
}

// startKeeper returns when the accounts that can be have their values.
func (w *world) startKeeper(log *slog.Logger) {
	w.Helper()
	keys, err := secret.ParseKeys(secret.NewKey())
	w.ok(err)
	ring, err := secret.NewKeyring(keys...)
	w.ok(err)
	for _, appID := range []string{shop, other, off, dead} {
		tickets := []string{keeper.KindJSAPI}
		if appID == shop {
			tickets = append(tickets, keeper.KindWXCard)
		}
		w.ok(w.store.InsertAccount(w.Context(), model.Account{
			AppID: appID, Name: appID, Platform: "official_account", Origin: model.OriginFile, Enabled: appID != off,
			SecretEnc: ring.Seal(secret.New("secret-of-"+appID), keeper.AppSecretPlace(appID)), KeyID: ring.SealingKeyID(),
			TokenMode: string(wechat.Stable), Tickets: tickets, Domains: []string{"h5.example.com"},
			Profiles: model.Profiles{signature.DefaultProfile: {JSAPIList: []string{"checkJsApi"}}},
		}, append([]string{keeper.KindAccessToken}, tickets...)))
	}
	client, err := wechat.New(wechat.Options{BaseURL: w.sim.URL})
	w.ok(err)
	w.keeper, err = keeper.New(keeper.Options{
		Store: withAgents{w.store}, WeChat: client, Table: w.table, Keyring: ring, Replica: "test", Logger: log,
		Timing: keeper.Timing{MinInterval: time.Millisecond}, // a report may come right after the first renewal
	})
	w.ok(err)
	w.ok(w.keeper.Start(w.Context()))
	w.Cleanup(func() { w.ok(w.keeper.Stop(context.Background())) })
	w.publishAgents()
	for appID, kinds := range map[string][]string{shop: {"access_token", "jsapi", "wx_card"}, other: {"access_token", "jsapi"}} {
		for _, kind := range kinds {
			ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
			_, err := w.keeper.Await(ctx, appID, kind, func(keeper.Current) bool { return true })
			cancel()
			w.ok(err)
		}
	}
}

// withAgents is the database with rows of the agents, which have none: the keeper
// would take them for deleted, and with rows it would ask a WeCom for values.
type withAgents struct{ *model.Store }

func (s withAgents) AccountsSince(ctx context.Context, sinceMs int64) ([]model.Account, error) {
	rows, err := s.Store.AccountsSince(ctx, sinceMs)
	return append(rows, model.Account{AppID: agent7}, model.Account{AppID: agent8}), err
}

// publishAgents serves the agents' values without a WeCom that gave them.
func (w *world) publishAgents() {
	w.Helper()
	pattern, err := pageurl.ParsePattern("work.example.com")
	w.ok(err)
	for _, appID := range []string{agent7, agent8} {
		w.table.PutAccounts(snapshot.Account{
			AppID: appID, Platform: "wecom", Enabled: true, Domains: []pageurl.Pattern{pattern},
			Tickets: []string{keeper.KindJSAPI, keeper.KindAgentConfig}, Profiles: map[string]snapshot.Profile{"default": {}},
		})
		for _, kind := range []string{keeper.KindAccessToken, keeper.KindJSAPI, keeper.KindAgentConfig} {
			w.publish(appID, kind, kind+"-of-"+appID)
		}
	}
}

// publish serves a value as if another replica had published it.
func (w *world) publish(appID, kind, value string) {
	w.Helper()
	version := int64(1)
	if held, err := w.keeper.Current(appID, kind); err == nil {
		version = held.Version + 1
	}
	now := time.Now()
	w.table.PutCredential(appID, snapshot.Credential{
		Kind: kind, Value: secret.New(value), Version: version, PublishID: fmt.Sprintf("%032x", version),
		IssuedAt: now.UnixMilli(), ExpiresAt: now.Add(2 * time.Hour).UnixMilli(), Deadline: now.Add(2 * time.Hour),
	})
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// current is the value that is live now.
func (w *world) current(appID, kind string) keeper.Current {
	w.Helper()
	v, err := w.keeper.Current(appID, kind)
	w.ok(err)
	return v
}

// key makes an API key; scopes and accounts with blanks between them.
func (w *world) key(scopes, accounts string, cidrs ...string) (id, key string) {
	w.Helper()
	w.mu.Lock()
	w.named++
	name := "program-" + string(rune('a'+w.named%26)) + strings.Repeat("x", w.named/26)
	w.mu.Unlock()
	id, made, err := w.keys.Create(w.Context(), apikey.Draft{
		Name: name, Scopes: strings.Fields(scopes), Accounts: strings.Fields(accounts), CIDRs: cidrs,
	}, apikey.Actor{Name: "test"})
	w.ok(err)
	return id, made.Reveal()
}

// briefKeys is the database, with keys that end a moment after they are made.
type briefKeys struct{ *model.Store }

func (s briefKeys) AddAPIKey(ctx context.Context, k model.APIKey, lifeMs int64) error {
	return s.Store.AddAPIKey(ctx, k, min(lifeMs, 50))
}

// namedKey makes a key for everything; 0 = it does not end.
func (w *world) namedKey(name string, life time.Duration) (id, key string) {
	w.Helper()
	id, made, err := w.keys.Create(w.Context(), apikey.Draft{
		Name: name, Scopes: apikey.Scopes(), Accounts: []string{apikey.AllAccounts}, Life: life,
	}, apikey.Actor{Name: "test"})
	w.ok(err)
	return id, made.Reveal()
}

func (w *world) revoke(id string) {
	w.Helper()
	w.ok(w.keys.Revoke(w.Context(), id, apikey.Actor{Name: "test"}))
}

// call is one request. Zero fields: GET, no key, from inside.
type call struct {
	method, path, key, body, from string
	headers                       map[string]string
}

func (c call) request(ctx context.Context) *http.Request {
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.from == "" {
		c.from = inside
	}
	r := httptest.NewRequestWithContext(ctx, c.method, c.path, strings.NewReader(c.body))
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(c.from), 4711).String()
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	return r
}

// reply is an answer with its JSON.
type reply struct {
	*httptest.ResponseRecorder
	json map[string]any
}

func (w *world) ask(c call) reply {
	w.Helper()
	recorder := httptest.NewRecorder()
	w.ServeHTTP(recorder, c.request(w.Context()))
	r := reply{ResponseRecorder: recorder}
	if recorder.Body.Len() > 0 && strings.HasPrefix(recorder.Header().Get("Content-Type"), "application/json") {
		w.ok(json.Unmarshal(recorder.Body.Bytes(), &r.json))
	}
	return r
}

// verdict is the code of an answer: our own, Tencent's errcode, or "" where all
// is well.
func (r reply) verdict() string {
	if _, problem := r.json["request_id"]; problem {
		return r.text("code")
	}
	if code, found := r.json["errcode"].(float64); found && code != 0 {
		return strconv.Itoa(int(code))
	}
	return ""
}

func (r reply) text(name string) string {
	text, _ := r.json[name].(string)
	return text
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
