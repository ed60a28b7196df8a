package keeper_test

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/glebarez/go-sqlite"
	"go.uber.org/goleak"

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
	goleak.VerifyTestMain(m)
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
	store    *model.Store // for the test's own looks at the rows
	ring     *secret.Keyring
	accounts []string
	setup    setup
}

// setup of a world. Zero fields: stable mode, the jsapi ticket, one account,
// the database's clock as the bubble's, a keeper with its defaults, cron.
type setup struct {
	simulator simulator.Options
	mode      wechat.Mode
	tickets   []string
	accounts  int
	nowMS     string        // SQL expression
	follow    time.Duration // 0 = the keeper's own; longer where hours pass and nothing is to be followed
	scan      time.Duration // between two scans; 0 = 5 s
	tune      func(*keeper.Options)
}

func newWorld(t *testing.T, s setup) *world {
	t.Helper()
	if s.mode == "" {
		s.mode = wechat.Stable
	}
	if s.tickets == nil {
		s.tickets = []string{snapshot.KindJSAPI}
	}
	if s.nowMS == "" {
		s.nowMS = "bubble_now_ms()"
	}
	w := &world{t: t, path: filepath.Join(t.TempDir(), "wxsign.db"), setup: s}
	for i := range max(s.accounts, 1) {
		id := appID
		if i > 0 {
			id = fmt.Sprintf("wx%016d", i)
		}
		w.accounts = append(w.accounts, id)
		s.simulator.Accounts = append(s.simulator.Accounts,
			simulator.Account{AppID: id, Secret: "secret-of-" + id, Domains: []string{"example.com"}})
	}
	w.sim = simtest.StartPiped(t, s.simulator)
	keys, err := secret.ParseKeys(secret.NewKey())
	must(t, err)
	w.ring, err = secret.NewKeyring(keys...)
	must(t, err)
	w.store = w.open()
	t.Cleanup(func() { must(t, w.store.Close()) })
	_, err = w.store.MigrateUp(t.Context())
	must(t, err)
	for _, id := range w.accounts {
		must(t, w.insert(id))
	}
	return w
}

func (w *world) open() *model.Store {
	w.t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: w.path, NowMS: w.setup.nowMS})
	must(w.t, err)
	return store
}

func (w *world) insert(id string) error {
	return w.store.InsertAccount(w.t.Context(), model.Account{
		AppID: id, Name: id, Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: w.seal(id, "secret-of-"+id), KeyID: w.ring.SealingKeyID(),
		TokenMode: string(w.setup.mode), Tickets: w.setup.tickets, Domains: []string{"h5.example.com"},
		Profiles: model.Profiles{signature.DefaultProfile: {JSAPIList: []string{"checkJsApi"}}},
	}, w.kinds())
}

func (w *world) kinds() []string {
	return append([]string{snapshot.KindAccessToken}, w.setup.tickets...)
}

func (w *world) seal(id, appSecret string) []byte {
	return w.ring.Seal(secret.New(appSecret), keeper.AppSecretPlace(id))
}

// edit changes an account as the panel would.
func (w *world) edit(id string, change func(*model.Account)) {
	w.t.Helper()
	account, err := w.store.Account(w.t.Context(), id)
	must(w.t, err)
	change(&account)
	edited, err := w.store.UpdateAccount(w.t.Context(), account, w.kinds())
	must(w.t, err)
	if !edited {
		w.t.Fatal("the edit was lost")
	}
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

	stopped bool
}

// start runs a replica; change may put something between it and its store.
func (w *world) start(name string, change func(keeper.Store) keeper.Store) *replica {
	w.t.Helper()
	r := w.prepare(name, change)
	must(w.t, r.keeper.Start(w.t.Context()))
	r.cron.Start()
	return r
}

// prepare makes a replica that does nothing yet.
func (w *world) prepare(name string, change func(keeper.Store) keeper.Store) *replica {
	w.t.Helper()
	r := &replica{w: w, name: name, store: w.open()}
	w.t.Cleanup(r.drop)
	options := w.options(name, r.store)
	if change != nil {
		options.Store = change(options.Store)
	}
	r.table = options.Table
	var err error
	r.keeper, err = keeper.New(options)
	must(w.t, err)
	r.signer, err = signature.New(signature.Options{Accounts: r.table})
	must(w.t, err)
	r.cron = schedule.New(options.Logger)
	must(w.t, r.cron.Add("scan", "@every "+cmp.Or(w.setup.scan, 5*time.Second).String(), r.keeper.Scan))
	return r
}

func (w *world) options(name string, store *model.Store) keeper.Options {
	w.t.Helper()
	client, err := wechat.New(wechat.Options{BaseURL: "https://simulator.invalid", Transport: overPipes{w.sim}})
	must(w.t, err)
	options := keeper.Options{
		Store: store, WeChat: client, Table: snapshot.NewTable(), Keyring: w.ring, Replica: name,
		Logger: slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
	}
	options.FollowInterval = w.setup.follow
	if w.setup.tune != nil {
		w.setup.tune(&options)
	}
	return options
}

// stop ends a replica in order; without it, the end of the test drops it.
func (r *replica) stop() {
	r.w.t.Helper()
	if r.stopped {
		return
	}
	r.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	must(r.w.t, r.cron.Stop(ctx))
	must(r.w.t, r.keeper.Stop(ctx))
	must(r.w.t, r.store.Close())
}

// drop ends a replica as a process does that is out of time.
func (r *replica) drop() {
	if r.stopped {
		return
	}
	r.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	_ = r.keeper.Stop(ctx) // says that work was lost
	_ = r.cron.Stop(context.Background())
	must(r.w.t, r.store.Close())
}

// sign asks for a signature as a page does, with its wait of two seconds, and
// proves it at the simulator.
func (r *replica) sign(id string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return r.signWithin(ctx, id)
}

func (r *replica) signWithin(ctx context.Context, id string) error {
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

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
