package cli_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/glebarez/go-sqlite"
	"github.com/redis/go-redis/v9"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/publish"
	"github.com/wxsign/wxsign/service/publish/redistest"
	"github.com/wxsign/wxsign/service/schedule"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/webhook"
	"github.com/wxsign/wxsign/service/wechat"
)

// The whole program, a real Redis and a receiver: the values of the first
// renewal come to one, the events to the other.
func TestOutputs(t *testing.T) {
	t.Parallel()
	const password, hookSecret, urlKey = "redis-password-canary", "webhook-secret-canary", "url-key-canary"
	server := redistest.Start(t, "--requirepass", password)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), Password: password, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = client.Close() })
	events := make(chan string, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = webhook.Verify(hookSecret, r.Header.Get(webhook.SignatureHeader), body, time.Now(), time.Minute)
		}
		if err != nil {
			t.Errorf("a message that cannot be trusted: %v", err)
		}
		if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "wxsign/") || agent == "wxsign/" {
			t.Errorf("User-Agent %q does not say which wxsign it is", agent)
		}
		events <- r.Header.Get(webhook.EventHeader) + string(body)
	}))
	t.Cleanup(receiver.Close)
	p := begin(t, demoConfig+fmt.Sprintf("[publish.redis]\naddress = %q\npassword = %q\n[[webhook]]\nurl = %q\nsecret = %q\n",
		server.Addr(), password, receiver.URL+"/?key="+urlKey, hookSecret), nil, "serve")
	p.address("wxsign is ready", "listen")
	for _, kind := range []string{"access_token", "jsapi"} {
		select {
		case event := <-events:
			if !strings.HasPrefix(event, webhook.CredentialRenewed+`{"id":`) || !strings.Contains(event, `"version":1`) {
				t.Errorf("%s: %s", kind, event)
			}
		case <-time.After(time.Minute):
			t.Fatalf("no event of the renewal:\n%s", p.log.String())
		}
	}
	for key := range map[string]string{"wx:access_token:wxdemo0123456789ab": "", "wx:jsapi_ticket:wxdemo0123456789ab": ""} {
		value := ""
		for begun := time.Now(); value == "" && time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
			value = client.Get(t.Context(), key).Val()
		}
		if value == "" || strings.Contains(p.log.String(), value) {
			t.Errorf("%s is empty, or the log shows it", key)
		}
	}
	for _, hidden := range []string{password, hookSecret, urlKey} {
		if strings.Contains(p.log.String(), hidden) {
			t.Errorf("the log shows %s:\n%s", hidden, p.log.String())
		}
	}
}

// bubbleClock gives SQLite a clock that obeys testing/synctest.
var bubbleClock = sync.OnceFunc(func() {
	sqlite.MustRegisterScalarFunction("bubble_now_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return time.Now().UnixMilli(), nil
	})
})

// Hours of renewals with a Redis that swallows every command and a receiver that
// never answers: the renewals are those that come without them, and none is
// later by more than the keeper's own spread, some seconds in each period.
func TestOutputsThatHangDelayNothing(t *testing.T) {
	t.Parallel()
	bubbleClock()
	var alone, beside []renewal
	synctest.Test(t, func(t *testing.T) { alone = hoursOfRenewals(t, nil) })
	synctest.Test(t, func(t *testing.T) { beside = hoursOfRenewals(t, hangingOutputs) })
	same := len(alone) >= 6 && len(alone) == len(beside)
	for i := range alone {
		same = same && alone[i].what == beside[i].what && beside[i].after-alone[i].after < time.Minute
	}
	if !same {
		t.Errorf("renewals alone:\n%v\nbeside hanging outputs:\n%v", alone, beside)
	}
}

// renewal is what was renewed, and when.
type renewal struct {
	what  string
	after time.Duration
}

// parts are what outputs are made of.
type parts struct {
	store *model.Store
	table *snapshot.Table
	cron  *schedule.Scheduler
}

// hoursOfRenewals lets a keeper work for two periods and tells when it renewed what. Each
// minute both credentials must be alive.
func hoursOfRenewals(t *testing.T, outputs func(*testing.T, parts) (stop func())) []renewal {
	t.Helper()
	const appID, appSecret = "wx0123456789abcdef", "an-app-secret"
	begun := time.Now()
	known := simulator.Account{AppID: appID, Secret: appSecret, Domains: []string{"example.com"}}
	sim := simtest.StartPiped(t, simulator.Options{Accounts: []simulator.Account{known}})
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: filepath.Join(t.TempDir(), "wxsign.db"), NowMS: "bubble_now_ms()"})
	check(t, err)
	defer func() { check(t, store.Close()) }()
	_, err = store.MigrateUp(t.Context())
	check(t, err)
	keys, err := secret.ParseKeys(secret.NewKey())
	check(t, err)
	ring, err := secret.NewKeyring(keys...)
	check(t, err)
	check(t, store.InsertAccount(t.Context(), model.Account{
		AppID: appID, Name: appID, Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: ring.Seal(secret.New(appSecret), keeper.AppSecretPlace(appID)), KeyID: ring.SealingKeyID(),
		TokenMode: string(wechat.Stable), Tickets: []string{snapshot.KindJSAPI}, Domains: []string{"h5.example.com"},
	}, []string{snapshot.KindAccessToken, snapshot.KindJSAPI}))
	client, err := wechat.New(wechat.Options{BaseURL: "https://simulator.invalid", Transport: throughPipes{sim}})
	check(t, err)
	quiet, table := slog.New(slog.DiscardHandler), snapshot.NewTable()
	k, err := keeper.New(keeper.Options{Store: store, WeChat: client, Table: table, Keyring: ring, Replica: "one", Logger: quiet})
	check(t, err)
	cron := schedule.New(quiet)
	check(t, cron.Add("scan", "@every 5s", k.Scan))
	stop := func() {}
	if outputs != nil {
		stop = outputs(t, parts{store, table, cron})
	}
	check(t, k.Start(t.Context()))
	cron.Start()
	for range 4*60 + 5 {
		time.Sleep(time.Minute)
		for _, kind := range []string{snapshot.KindAccessToken, snapshot.KindJSAPI} {
			if !live(table, appID, kind) {
				t.Errorf("there is no live %s after %v", kind, time.Since(begun))
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	check(t, cron.Stop(ctx))
	check(t, k.Stop(ctx))
	stop()
	return renewals(t, store, appID, begun)
}

// live allows for the moment in which a ticket ends: WeChat gives the next one
// only then.
func live(table *snapshot.Table, appID, kind string) bool {
	for range 6 {
		view, _ := table.Lookup(appID)
		if c, _ := view.Credential(kind); c.Live(time.Now()) {
			return true
		}
		time.Sleep(time.Second)
	}
	return false
}

// renewals are those that the history tells of, the newest first.
func renewals(t *testing.T, store *model.Store, appID string, begun time.Time) []renewal {
	t.Helper()
	rows, err := store.HistoryOf(t.Context(), appID, 1000)
	check(t, err)
	var all []renewal
	for _, row := range rows {
		if row.Outcome == model.OutcomeRenewed {
			all = append(all, renewal{fmt.Sprint(row.Kind, " ", row.Version), time.UnixMilli(row.AtMs).Sub(begun)})
		}
	}
	return all
}

// hangingOutputs are all outputs as serve has them, on a network that hangs.
func hangingOutputs(t *testing.T, d parts) (stop func()) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	redis, err := publish.New(publish.Options{
		Table: d.table, Address: "redis.invalid:6379", TokenKey: "t:{app_id}", TicketKey: "{kind}:{app_id}", Logger: quiet,
		Dial: func(context.Context, string, string) (net.Conn, error) {
			client, _ := net.Pipe() // nobody reads the other end
			return client, nil
		},
	})
	check(t, err)
	hook, err := webhook.NewHook(webhook.HookOptions{
		URL: "https://hook.invalid/", Secret: secret.New("0123456789abcdef"), Client: hangingClient{},
	})
	check(t, err)
	box, err := outbox.New(outbox.Options{Store: d.store, Channels: []outbox.Channel{hook}, Replica: "one", Logger: quiet})
	check(t, err)
	collector, err := webhook.NewCollector(webhook.CollectorOptions{
		Store: d.store, Table: d.table, Hooks: webhook.NewHooks(box, []*webhook.Hook{hook}), Logger: quiet,
	})
	check(t, err)
	check(t, d.cron.Add("events", "@every 10s", func(ctx context.Context) { collector.Collect(ctx) }))
	check(t, d.cron.Add("deliveries", "@every 10s", box.Scan))
	collector.Begin(t.Context())
	redis.Start()
	return func() {
		if s := redis.Status(); s.Failing < 100 || !s.LastSuccess.IsZero() {
			t.Errorf("Redis did not hang: %+v", s)
		}
		page, err := box.List(t.Context(), outbox.Filter{State: outbox.Pending}, "", 1000)
		waiting := page.Entries
		if check(t, err); len(waiting) < 6 || !strings.Contains(waiting[len(waiting)-1].LastError, "did not answer within 10s") {
			t.Errorf("the receiver did not hang: %+v", waiting)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		check(t, redis.Stop(ctx))
		_ = box.Stop(ctx) // says what was broken off
	}
}

// hangingClient waits for an answer that never comes.
type hangingClient struct{}

func (hangingClient) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// throughPipes lets a client that insists on https reach the piped simulator.
type throughPipes struct{ sim *simtest.Server }

func (p throughPipes) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return p.sim.Client.Transport.RoundTrip(r)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
