package keeper_test

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/glebarez/go-sqlite"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/schedule"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// TestMain gives SQLite a clock that obeys testing/synctest: the statements are
// the real ones, only NOWMS asks Go's time, which a bubble controls.
func TestMain(m *testing.M) {
	sqlite.MustRegisterScalarFunction("bubble_now_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return time.Now().UnixMilli(), nil
	})
	m.Run()
}

const (
	appID   = "wx0123456789abcdef"
	pageURL = "https://h5.example.com/page"
)

// world is a simulated WeChat, one database and any number of replicas, all in
// one bubble of fake time.
type world struct {
	t        *testing.T
	sim      *simtest.Server
	path     string
	ring     *secret.Keyring
	accounts []string
	mode     wechat.Mode
	tickets  []string
}

// setup of a world. Zero fields: stable mode, the jsapi ticket, one account.
type setup struct {
	simulator simulator.Options
	mode      wechat.Mode
	tickets   []string
	accounts  int
}

func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	w := &world{t: t, path: filepath.Join(t.TempDir(), "wxsign.db"), mode: s.mode, tickets: s.tickets}
	if w.mode == "" {
		w.mode = wechat.Stable
	}
	if w.tickets == nil {
		w.tickets = []string{snapshot.KindJSAPI}
	}
	for i := range max(s.accounts, 1) {
		id := appID
		if i > 0 {
			id = fmt.Sprintf("wx%016d", i)
		}
		w.accounts = append(w.accounts, id)
		s.simulator.Accounts = append(s.simulator.Accounts, simulator.Account{AppID: id, Secret: "secret-of-" + id, Domains: []string{"example.com"}})
	}
	w.sim = simtest.StartPiped(t, s.simulator)
	keys, err := secret.ParseKeys(secret.NewKey())
	must(t, err)
	w.ring, err = secret.NewKeyring(keys...)
	must(t, err)
	store := w.open()
	_, err = store.MigrateUp(t.Context())
	must(t, err)
	for _, id := range w.accounts {
		w.insert(store, id)
	}
	must(t, store.Close())
	return w
}

func (w *world) open() *model.Store {
	w.t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: w.path, NowMS: "bubble_now_ms()"})
	must(w.t, err)
	return store
}

func (w *world) insert(store *model.Store, id string) {
	w.t.Helper()
	must(w.t, store.InsertAccount(w.t.Context(), model.Account{
		AppID: id, Name: id, Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: w.ring.Seal(secret.New("secret-of-"+id), keeper.AppSecretPlace(id)), KeyID: w.ring.SealingKeyID(),
		TokenMode: string(w.mode), Tickets: w.tickets, Domains: []string{"h5.example.com"},
		Profiles: model.Profiles{signature.DefaultProfile: {JSAPIList: []string{"checkJsApi"}}},
	}, append([]string{snapshot.KindAccessToken}, w.tickets...)))
}

// replica is one wxsign: keeper, cron and signer on a database handle of its own.
type replica struct {
	w      *world
	name   string
	store  *model.Store
	table  *snapshot.Table
	keeper *keeper.Keeper
	cron   *schedule.Scheduler
	signer *signature.Signer
}

// start runs a replica; change may put something between it and its store.
func (w *world) start(name string, change func(keeper.Store) keeper.Store) *replica {
	w.t.Helper()
	r := &replica{w: w, name: name, store: w.open(), table: snapshot.NewTable()}
	client, err := wechat.New(wechat.Options{BaseURL: "https://simulator.invalid", Transport: overPipes{w.sim}})
	must(w.t, err)
	var store keeper.Store = r.store
	if change != nil {
		store = change(store)
	}
	log := slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	r.keeper, err = keeper.New(keeper.Options{Store: store, WeChat: client, Table: r.table, Keyring: w.ring, Replica: name, Logger: log})
	must(w.t, err)
	r.signer, err = signature.New(signature.Options{Accounts: r.table})
	must(w.t, err)
	r.cron = schedule.New(log)
	must(w.t, r.cron.Add("scan", "@every 5s", r.keeper.Scan))
	must(w.t, r.keeper.Start(w.t.Context()))
	r.cron.Start()
	return r
}

func (r *replica) stop() {
	r.w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	must(r.w.t, r.cron.Stop(ctx))
	must(r.w.t, r.keeper.Stop(ctx))
	must(r.w.t, r.store.Close())
}

// sign asks for a signature as a page does, with its wait of two seconds, and
// proves it at the simulator.
func (r *replica) sign(id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	config, err := r.signer.AwaitConfig(ctx, signature.Request{URL: pageURL, AppID: id})
	if err != nil {
		return err
	}
	var verdict struct {
		OK       bool
		Msg, Why string
	}
	question := fmt.Sprintf(`{"appid":%q,"noncestr":%q,"timestamp":"%d","signature":%q,"urls":[%q]}`,
		id, config.NonceStr, config.Timestamp, config.Signature, pageURL)
	answer := httptest.NewRecorder()
	r.w.sim.Sim.VerifyHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(question)))
	if err := json.Unmarshal(answer.Body.Bytes(), &verdict); err != nil {
		return err
	}
	if !verdict.OK {
		return fmt.Errorf("WeChat says %s: %s", verdict.Msg, verdict.Why)
	}
	return nil
}

// calls are the simulator's totals by path.
func (w *world) calls() map[string]int {
	w.t.Helper()
	var ledger struct {
		Totals map[string]struct{ Calls int }
	}
	w.sim.Control(w.t, "GET", "/_sim/ledger", nil, &ledger)
	calls := map[string]int{}
	for path, total := range ledger.Totals {
		calls[path] = total.Calls
	}
	return calls
}

func (w *world) tokenCalls() int {
	calls := w.calls()
	return calls["/cgi-bin/token"] + calls["/cgi-bin/stable_token"]
}

// rows reads the history of an account, newest first.
func (w *world) rows(id string) []model.History {
	w.t.Helper()
	store := w.open()
	defer store.Close()
	rows, err := store.HistoryOf(w.t.Context(), id, 100_000)
	must(w.t, err)
	return rows
}

func count(rows []model.History, kind string, outcomes ...string) int {
	n := 0
	for _, h := range rows {
		if h.Kind == kind && slices.Contains(outcomes, h.Outcome) {
			n++
		}
	}
	return n
}

func (w *world) credential(id, kind string) model.Credential {
	w.t.Helper()
	store := w.open()
	defer store.Close()
	tended, err := store.Tended(w.t.Context(), id)
	must(w.t, err)
	return *tended.Credential(kind)
}

func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
