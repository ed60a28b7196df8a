package alert_test

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/glebarez/go-sqlite"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/outbox"
)

// TestMain gives SQLite a clock that obeys testing/synctest.
func TestMain(m *testing.M) {
	sqlite.MustRegisterScalarFunction("bubble_now_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return time.Now().UnixMilli(), nil
	})
	m.Run()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// inbox is a receiver that notes what it gets.
type inbox struct {
	name string
	err  error

	mu     sync.Mutex
	events []alert.Event
}

func (i *inbox) Name() string      { return i.name }
func (i *inbox) Label() string     { return "inbox " + i.name }
func (i *inbox) Wants(string) bool { return true }

func (i *inbox) Deliver(_ context.Context, m outbox.Message) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return i.err
	}
	var e alert.Event
	if err := json.Unmarshal(m.Body, &e); err != nil {
		return err
	}
	for _, w := range []alert.Words{e.English, e.Chinese} {
		if strings.ContainsAny(w.Title+w.What+w.Means+w.Do, "{}") {
			panic("a text has a blank left: " + string(m.Body))
		}
	}
	i.events = append(i.events, e)
	return nil
}

// took empties the inbox: type, condition and severity of each event.
func (i *inbox) took() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var list []string
	for _, e := range i.events {
		list = append(list, strings.TrimPrefix(e.Type, "alert.")+" "+e.Alert+" "+e.Severity)
	}
	i.events = nil
	return strings.Join(list, ", ")
}

// world is replicas with one database in a bubble.
type world struct {
	t     *testing.T
	store *model.Store
	inbox *inbox
	down  time.Duration // how long the database is away
	// readOnly tells that it takes no writes.
	readOnly bool
	redis    string // why Redis fails
	own      map[string]int64
	quiet    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: filepath.Join(t.TempDir(), "wxsign.db"), NowMS: "bubble_now_ms()"})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	_, err = store.MigrateUp(t.Context())
	must(t, err)
	return &world{t: t, store: store, inbox: &inbox{name: "ops"}, own: map[string]int64{}}
}

// replica is one process: its alerts and its outbox.
type replica struct {
	*alert.Alerts
	w    *world
	name string
	box  *outbox.Outbox
}

func (w *world) replica(name string) *replica {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	box, err := outbox.New(outbox.Options{Store: w.store, Channels: []outbox.Channel{w.inbox}, Replica: name, Logger: log})
	must(w.t, err)
	quiet, err := alert.ParseQuiet(w.quiet)
	must(w.t, err)
	began := time.Now()
	a, err := alert.New(alert.Options{
		Store: w.store, Box: box, Receivers: []alert.Receiver{w.inbox}, Replica: name, Config: "same",
		PanelURL: "https://w.example.com/admin/alerts",
		Quiet:    quiet, Location: time.UTC, Logger: log, Limits: alert.Limits{ForceBudgetLow: 5},
		Own: alert.Own{
			DatabaseDown: func() time.Duration { return w.down }, ReadOnly: func() bool { return w.readOnly },
			Served: func(appID, kind string) (int64, bool) { v, kept := w.own[appID+" "+kind]; return v, kept },
			Redis:  func() (string, time.Time) { return w.redis, began },
		},
	})
	must(w.t, err)
	return &replica{a, w, name, box}
}

// goOn lets replicas look every half minute for so long.
func (w *world) goOn(d time.Duration, all ...*replica) {
	w.t.Helper()
	for ; d > 0; d -= alert.Interval {
		for _, r := range all {
			if w.down == 0 {
				must(w.t, w.store.SeeReplica(w.t.Context(), model.Replica{Name: r.name, Config: "same"}))
			}
			r.Look(w.t.Context())
		}
		time.Sleep(alert.Interval)
		if w.down > 0 {
			w.down += alert.Interval
			continue
		}
		all[0].box.Scan(w.t.Context())
		time.Sleep(time.Second) // goes by when the deliveries that the scan began are over
	}
}

// expect compares what was told since the last time.
func (w *world) expect(want string) {
	w.t.Helper()
	if got := w.inbox.took(); got != want {
		w.t.Errorf("told: %q, want %q", got, want)
	}
}

// account adds one with a token and a ticket that live for an hour.
func (w *world) account(appID, mode string) {
	w.t.Helper()
	must(w.t, w.store.InsertAccount(w.t.Context(), model.Account{
		AppID: appID, Name: "店铺", Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: []byte{1}, KeyID: "0badcafe", TokenMode: mode, Tickets: model.Strings{"jsapi"},
	}, []string{"access_token", "jsapi"}))
	for _, kind := range []string{"access_token", "jsapi"} {
		w.publish(appID, kind, 24*time.Hour)
	}
}

func (w *world) claim(appID, kind string) model.Grant {
	w.t.Helper()
	tended, err := w.store.Tended(w.t.Context(), appID)
	must(w.t, err)
	row := tended.Credential(kind)
	g := model.Grant{AppID: appID, Kind: kind, Owner: "test/" + rand.Text(), Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev}
	won, err := w.store.Claim(w.t.Context(), g, 60_000)
	must(w.t, err)
	if !won {
		w.t.Fatal("not claimed")
	}
	return g
}

// publish gives a credential a value that lives so long, and is due at once.
func (w *world) publish(appID, kind string, life time.Duration) {
	w.t.Helper()
	now := time.Now().UnixMilli()
	done, err := w.store.Publish(w.t.Context(), w.claim(appID, kind), model.Publication{
		PublishID: strings.ToLower(rand.Text()), ValueEnc: []byte("x"), KeyID: "0badcafe", ValueHash: rand.Text() + rand.Text(),
		IssuedMs: now, ExpiresMs: now + life.Milliseconds(), LifeMs: 7_200_000, NextRefreshMs: now,
	})
	must(w.t, errors.Join(err))
	if !done {
		w.t.Fatal("not published")
	}
}

// again is an attempt that WeChat answers with the same value.
func (w *world) again(appID, kind string, expiresMs, nextMs int64) {
	w.t.Helper()
	done, err := w.store.Unchanged(w.t.Context(), w.claim(appID, kind), expiresMs, nextMs)
	must(w.t, err)
	if !done {
		w.t.Fatal("not noted as unchanged")
	}
}

func (w *world) fail(appID, kind string, errcode int, text string) {
	w.t.Helper()
	done, err := w.store.Fail(w.t.Context(), w.claim(appID, kind), model.Failure{Errcode: errcode, Text: text})
	must(w.t, err)
	if !done {
		w.t.Fatal("not failed")
	}
}

// lost writes that a token was found dead.
func (w *world) lost(appID string, version int64) {
	w.t.Helper()
	must(w.t, w.store.AddHistory(w.t.Context(), model.History{
		AttemptID: rand.Text(), AtMs: time.Now().UnixMilli(), AppID: appID, Kind: "access_token", Version: version, TriggerName: model.TriggerProbe,
		Outcome: model.OutcomeFailed, Errcode: 40001, Fingerprint: "8c1f00d5", Actor: "r",
	}))
}
