package webhook_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/glebarez/go-sqlite"
	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/webhook"
)

// TestMain gives SQLite a clock that obeys testing/synctest.
func TestMain(m *testing.M) {
	sqlite.MustRegisterScalarFunction("bubble_now_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return time.Now().UnixMilli(), nil
	})
	goleak.VerifyTestMain(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const appID = "wx0123456789abcdef"

// box takes messages as the outbox does: each event once per channel.
type box struct {
	fails    bool
	messages map[string]outbox.Message // by channel and event id
	order    []string
}

func (b *box) Add(_ context.Context, m outbox.Message) error {
	if b.fails {
		return errors.New("the database is away")
	}
	if b.messages == nil {
		b.messages = map[string]outbox.Message{}
	}
	at := m.Channel + " " + m.EventID
	if _, found := b.messages[at]; !found {
		b.messages[at] = m
		b.order = append(b.order, at)
	}
	return nil
}

// world is a database, what one replica serves, and its collector.
type world struct {
	t         *testing.T
	store     *model.Store
	table     *snapshot.Table
	box       *box
	all, some *webhook.Hook
	collector *webhook.Collector
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: filepath.Join(t.TempDir(), "wxsign.db"), NowMS: "bubble_now_ms()"})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	_, err = store.MigrateUp(t.Context())
	must(t, err)
	w := &world{
		t: t, store: store, table: snapshot.NewTable(), box: &box{},
		all: newHook(t, "https://all.example.com/?key=1"), some: newHook(t, "https://some.example.com/", webhook.CredentialFailed),
	}
	must(t, store.InsertAccount(t.Context(), model.Account{
		AppID: appID, Name: appID, Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: []byte{1}, KeyID: "0badcafe", TokenMode: "stable", Tickets: model.Strings{snapshot.KindJSAPI},
	}, []string{snapshot.KindAccessToken, snapshot.KindJSAPI}))
	w.table.PutAccounts(snapshot.Account{AppID: appID, Enabled: true, Tickets: []string{snapshot.KindJSAPI}})
	w.restart(w.all, w.some)
	return w
}

func newHook(t *testing.T, url string, events ...string) *webhook.Hook {
	t.Helper()
	hook, err := webhook.NewHook(webhook.HookOptions{URL: url, Secret: secret.New(key), Events: events, Client: noClient{}})
	must(t, err)
	return hook
}

// restart makes the collector of a replica that has just started.
func (w *world) restart(hooks ...*webhook.Hook) {
	w.t.Helper()
	var err error
	w.collector, err = webhook.NewCollector(webhook.CollectorOptions{
		Store: w.store, Table: w.table, Hooks: webhook.NewHooks(w.box, hooks), Logger: slog.New(slog.DiscardHandler),
	})
	must(w.t, err)
}

// look lets time pass and looks, as often as cron would.
func (w *world) look(passes time.Duration) {
	w.t.Helper()
	for begin := time.Now(); time.Since(begin) < passes; {
		time.Sleep(2 * time.Second)
		w.collector.Collect(w.t.Context())
	}
}

// row writes an attempt; at is the instant that it tells.
func (w *world) row(id, outcome string, at time.Time) {
	w.t.Helper()
	w.rowOf(snapshot.KindAccessToken, id, outcome, at)
}

// rowOf is row of another kind.
func (w *world) rowOf(kind, id, outcome string, at time.Time) {
	w.t.Helper()
	h := model.History{
		AttemptID: id, AtMs: at.UnixMilli(), AppID: appID, Kind: kind, Version: 7, TriggerName: model.TriggerSchedule,
		Actor: "replica", Outcome: outcome, ExpiresMs: at.Add(2 * time.Hour).UnixMilli(), Fingerprint: "0123abcd",
	}
	if outcome == model.OutcomeFailed {
		h.Errcode, h.Errmsg, h.RID = 40164, "WeChat refuses this address — add 1.2.3.4 to the IP list", "65f0-1"
	}
	must(w.t, w.store.AddHistory(w.t.Context(), h))
}

// got are the events of a channel in the order in which they came.
func (w *world) got(hook *webhook.Hook) []string {
	var ids []string
	for _, at := range w.box.order {
		if id, ok := strings.CutPrefix(at, hook.Name()+" "); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// expect compares, and forgets what came, so that a repetition would be seen.
func (w *world) expect(hook *webhook.Hook, ids ...string) {
	w.t.Helper()
	if got := w.got(hook); !slices.Equal(got, ids) {
		w.t.Errorf("%s got %q, want %q", hook.Host(), got, ids)
	}
	w.box.order = slices.DeleteFunc(w.box.order, func(at string) bool { return strings.HasPrefix(at, hook.Name()+" ") })
}

// publish stores and serves a token that lives so long.
func (w *world) publish(id string, life time.Duration) {
	w.t.Helper()
	tended, err := w.store.Tended(w.t.Context(), appID)
	must(w.t, err)
	row := tended.Credential(snapshot.KindAccessToken)
	now := time.Now()
	g := model.Grant{AppID: appID, Kind: row.Kind, Owner: "replica/" + id, Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev}
	won, err := w.store.Claim(w.t.Context(), g, 1000)
	must(w.t, err)
	p := model.Publication{
		PublishID: id, ValueEnc: []byte("sealed"), ValueHash: "hash", IssuedMs: now.UnixMilli(), ExpiresMs: now.Add(life).UnixMilli(),
	}
	done, err := w.store.Publish(w.t.Context(), g, p)
	must(w.t, err)
	if !won || !done {
		w.t.Fatalf("claimed %v, published %v", won, done)
	}
	w.serve(id, row.Version+1, life)
}

func (w *world) serve(id string, version int64, life time.Duration) {
	now := time.Now()
	w.table.PutCredential(appID, snapshot.Credential{
		Kind: snapshot.KindAccessToken, Value: secret.New("value of " + id), Version: version, PublishID: id,
		IssuedAt: now.UnixMilli(), ExpiresAt: now.Add(life).UnixMilli(), Deadline: now.Add(life),
	})
}
