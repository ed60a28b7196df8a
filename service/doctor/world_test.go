package doctor_test

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/doctor"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
	"github.com/wxsign/wxsign/service/wechat"
)

const (
	appID     = "wxpatient123456789"
	appSecret = "appsecret-that-nobody-prints"
)

// world is a simulated WeChat and a SQLite file with one account, as a wxsign
// would have left them.
type world struct {
	*testing.T
	sim    *simtest.Server
	config config.Config
	ring   *secret.Keyring
	client *wechat.Client
	corp   *wechat.WeCom
	token  secret.Secret // that is stored
}

// setup changes what a world begins with; nil changes nothing.
type setup func(*simulator.Account, *model.Account)

func newWorld(t *testing.T, change setup) *world {
	t.Helper()
	theirs := simulator.Account{AppID: appID, Secret: appSecret, Domains: []string{"h5.example.com"}}
	ours := model.Account{
		AppID: appID, Name: "Patient", Platform: "official_account", Enabled: true,
		TokenMode: "stable", Tickets: []string{"jsapi"}, Domains: []string{"h5.example.com"},
	}
	if change != nil {
		change(&theirs, &ours)
	}
	sim := simtest.Start(t, simulator.Options{Accounts: []simulator.Account{theirs}})
	w := &world{T: t, sim: sim, ring: newRing(t), config: config.Default()}
	w.config.Database.DSN = secret.New(filepath.Join(t.TempDir(), "wxsign.db"))
	w.config.WeChat.BaseURL, w.config.WeChat.WeComBaseURL = w.sim.URL, w.sim.URL+"/qyapi"
	w.config.Server.Listen, w.config.Ops.Listen = "127.0.0.1:0", ""
	var err error
	if w.client, err = wechat.New(wechat.Options{BaseURL: w.sim.URL}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.CloseIdleConnections)
	if w.corp, err = wechat.NewWeCom(wechat.Options{BaseURL: w.sim.URL + "/qyapi"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.corp.CloseIdleConnections)
	if ours.SecretEnc == nil {
		ours.SecretEnc = w.ring.Seal(secret.New(appSecret), secretPlace(ours.AppID))
	}
	store := w.open()
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := store.InsertAccount(t.Context(), ours, []string{"access_token", "jsapi"}); err != nil {
		t.Fatal(err)
	}
	return w
}

func newRing(t *testing.T) *secret.Keyring {
	t.Helper()
	keys, err := secret.ParseKeys(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	ring, err := secret.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func secretPlace(appID string) string { return "secret of " + appID }

func heldPlace(appID, role string) string { return role + " secret of " + appID }

func valuePlace(appID, kind, publishID string) string { return kind + publishID + appID }

// open is another process beside the doctor.
func (w *world) open() *model.Store {
	w.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: w.config.Database.DSN.Reveal()})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = store.Close() })
	return store
}

// hold keeps an AppSecret that is not in use, sealed for a place.
func (w *world) hold(role, place string) {
	w.Helper()
	h := model.HeldSecret{AppID: appID, Role: role, SecretEnc: w.ring.Seal(secret.New("held-"+appSecret), place), KeyID: w.ring.SealingKeyID()}
	if err := w.open().HoldSecret(w.Context(), h, time.Hour.Milliseconds()); err != nil {
		w.Fatal(err)
	}
}

// renew does what a keeper does: fetch and publish both credentials.
func (w *world) renew(mode wechat.Mode) {
	w.Helper()
	grant, err := w.client.Token(w.Context(), wechat.TokenRequest{AppID: appID, Secret: secret.New(appSecret), Mode: mode})
	if err != nil {
		w.Fatal(err)
	}
	w.token = grant.Value
	w.publish("access_token", grant.Value)
	if grant, err = w.client.Ticket(w.Context(), grant.Value, "jsapi"); err != nil {
		w.Fatal(err)
	}
	w.publish("jsapi", grant.Value)
}

func (w *world) publish(kind string, value secret.Secret) {
	w.Helper()
	store := w.open()
	now := w.now(store)
	const life, id = 7_200_000, "publish-id"
	claimed, err := store.Claim(w.Context(), w.grant(kind), 60_000)
	if err != nil || !claimed {
		w.Fatal(claimed, err)
	}
	done, err := store.Publish(w.Context(), w.grant(kind), model.Publication{
		PublishID: id, ValueEnc: w.ring.Seal(value, valuePlace(appID, kind, id)), KeyID: w.ring.SealingKeyID(), ValueHash: value.Hash(),
		IssuedMs: now, ExpiresMs: now + life, LifeMs: life, NextRefreshMs: now + life/2,
	})
	if err != nil || !done {
		w.Fatal(done, err)
	}
}

func (w *world) fail(kind string, f model.Failure) {
	w.Helper()
	store := w.open()
	claimed, err := store.Claim(w.Context(), w.grant(kind), 60_000)
	if err != nil || !claimed {
		w.Fatal(claimed, err)
	}
	if done, err := store.Fail(w.Context(), w.grant(kind), f); err != nil || !done {
		w.Fatal(done, err)
	}
}

// serve notes that a replica lives, as a wxsign does every few seconds.
func (w *world) serve(name, version, settings string) {
	w.Helper()
	if err := w.open().SeeReplica(w.Context(), model.Replica{Name: name, Version: version, Config: settings}); err != nil {
		w.Fatal(err)
	}
}

// undoLastMigration makes the schema that of the version before.
func (w *world) undoLastMigration() {
	w.Helper()
	db, err := sql.Open("sqlite", w.config.Database.DSN.Reveal())
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	const newest = "DELETE FROM goose_db_version WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)"
	if _, err := db.ExecContext(w.Context(), newest); err != nil {
		w.Fatal(err)
	}
}

// openEmpty gives the doctor a database on which no wxsign was started yet.
func openEmpty(o *doctor.Options) {
	path := o.Config.Database.DSN.Reveal() + ".new"
	o.OpenStore = func() (*model.Store, error) { return model.Open(model.Options{Driver: model.SQLite, DSN: path}) }
}

// after is another process beside the doctor, whose clock is ahead.
func (w *world) after(d time.Duration) *model.Store {
	w.Helper()
	return w.openBy(fmt.Sprintf("(CAST(unixepoch('subsec')*1000 AS INTEGER) + %d)", d.Milliseconds()))
}

// openBy is another process for which the database's clock is an expression.
func (w *world) openBy(clock string) *model.Store {
	w.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: w.config.Database.DSN.Reveal(), NowMS: clock})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = store.Close() })
	return store
}

func (w *world) grant(kind string) model.Grant {
	return model.Grant{AppID: appID, Kind: kind, Owner: "replica/attempt", ConfigRev: 1}
}

func (w *world) now(store *model.Store) int64 {
	w.Helper()
	now, err := store.Now(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return now
}

// examine runs the doctor; change may be nil. No finding may hold a secret, and
// each that is not in order must name a mend.
func (w *world) examine(change func(*doctor.Options)) findings {
	w.Helper()
	var all findings
	o := doctor.Options{
		Config: w.config, WeChat: w.client, WeCom: w.corp, SecretPlace: secretPlace, HeldPlace: heldPlace, ValuePlace: valuePlace,
		Keyring: func() (*secret.Keyring, error) { return w.ring, nil },
		OpenStore: func() (*model.Store, error) {
			return model.Open(model.Options{Driver: w.config.Database.Driver, DSN: w.config.Database.DSN.Reveal()})
		},
		ProveKey: func(context.Context, *model.Store, *secret.Keyring) error { return nil },
		RedisTLS: func() (*tls.Config, error) { return nil, nil }, //nolint:nilnil // none
		Version:  "v1", Fingerprint: func(*secret.Keyring) (string, error) { return "settings", nil }, PurgeEvery: 24 * time.Hour,
		AlertWords: func(row model.Alert) (what, do string) { return "about " + row.Name, "mend " + row.Name },
		Receiver:   func(channel string) string { return "receiver " + channel },
		Found:      func(f doctor.Finding) { all = append(all, f) },
	}
	if change != nil {
		change(&o)
	}
	d, err := doctor.New(o)
	if err != nil {
		w.Fatal(err)
	}
	d.Run(w.Context())
	text, err := json.Marshal(all)
	if err != nil {
		w.Fatal(err)
	}
	for _, hidden := range []string{appSecret, w.token.Reveal(), "password-of-redis", "key-of-the-robot"} {
		if hidden != "" && strings.Contains(string(text), hidden) {
			w.Errorf("a finding holds a secret: %s", text)
		}
	}
	for _, f := range all {
		if bad := f.Verdict == doctor.Fail || f.Verdict == doctor.Warn; bad && f.Mend == "" || f.Verdict == doctor.OK && f.Mend != "" {
			w.Errorf("verdict and mend do not fit: %+v", f)
		}
	}
	return all
}

type findings []doctor.Finding

// want holds that a check ended in a verdict with these words in text and mend.
func (all findings) want(t *testing.T, check string, verdict doctor.Verdict, words ...string) {
	t.Helper()
	for _, f := range all {
		found := f.Check == check && f.Verdict == verdict
		for _, word := range words {
			found = found && strings.Contains(f.Text+" "+f.Mend, word)
		}
		if found {
			return
		}
	}
	t.Errorf("no %s of %s with %q in\n%s", verdict, check, words, all)
}

// none holds that nothing has this verdict.
func (all findings) none(t *testing.T, verdict doctor.Verdict) {
	t.Helper()
	for _, f := range all {
		if f.Verdict == verdict {
			t.Errorf("%+v", f)
		}
	}
}

func (all findings) String() string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(string(f.Verdict) + " " + f.Check + " " + f.Account + " " + f.Text + " → " + f.Mend + "\n")
	}
	return b.String()
}

// serveHTTP is another program on this machine.
func serveHTTP(t *testing.T, body string) (address string) {
	t.Helper()
	open, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(body))
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(open) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return open.Addr().String()
}

// serveRedis answers one caller as a Redis with a password does; secure nil means
// without TLS. It knows no AUTH of a user "old", and says so as Redis does.
func serveRedis(t *testing.T, secure *tls.Config) (address string) {
	t.Helper()
	open, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		open = tls.NewListener(open, secure)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := open.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		said, signedIn := "", false
		for buffer := make([]byte, 512); ; {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			said += string(buffer[:n])
			answer := "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
			switch {
			case strings.HasSuffix(said, "$4\r\nAUTH\r\n$17\r\npassword-of-redis\r\n"), strings.HasSuffix(said, "$4\r\nAUTH\r\n$6\r\nwxsign\r\n$17\r\npassword-of-redis\r\n"):
				answer, signedIn = "+OK\r\n", true
			case strings.Contains(said, "$3\r\nold\r\n"):
				answer = "-ERR unknown command `AUTH`, with args beginning with: `old`, `password-of-redis`,\r\n"
			case strings.HasSuffix(said, "*1\r\n$4\r\nPING\r\n"):
				answer = map[bool]string{true: "+PONG\r\n", false: "-NOAUTH Authentication required.\r\n"}[signedIn]
			}
			if _, err := conn.Write([]byte(answer)); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = open.Close()
		<-served
	})
	return open.Addr().String()
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
