package publish_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/publish"
	"github.com/wxsign/wxsign/service/publish/redistest"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

func TestValuesAreCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	live := table(token(1), credential(snapshot.KindJSAPI, 1, time.Hour))
	p := w.publisher(live, nil)
	w.holds(tokenKey, "access_token-value-1")
	w.holds(jsapiKey, "jsapi-value-1")
	for key, life := range map[string]time.Duration{tokenKey: 2 * time.Hour, jsapiKey: time.Hour, "{" + jsapiKey + "}:version": time.Hour} {
		left, err := w.client.PTTL(t.Context(), key).Result()
		if err != nil || left > life || left < life-10*time.Minute {
			t.Errorf("%s lives for %v, %v; want at most %v", key, left, err, life)
		}
	}
	live.PutCredential(appID, token(2))
	w.holds(tokenKey, "access_token-value-2")
	w.until("the count", func() bool { s := p.Status(); return s.Values == 2 && s.Failing == 0 && !s.LastSuccess.IsZero() })
	slot := func(key string) int64 { return w.client.ClusterKeySlot(t.Context(), key).Val() }
	if slot(tokenKey) != slot("{"+tokenKey+"}:version") {
		t.Error("value and version are in different slots of a cluster")
	}
}

// The key that programs read holds the value and nothing else, and there are no
// keys but the two of each credential.
func TestOnlyTheKeysThatAreSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publisher(table(token(1)), nil)
	w.holds(tokenKey, "access_token-value-1")
	keys, err := w.client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 2 {
		t.Errorf("keys %q, %v; want the value's and the version's", keys, err)
	}
}

func TestWhatIsNoLongerKeptIsRemoved(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]struct {
		do   func(*snapshot.Table)
		left string // of the token
	}{
		"disabled": {func(t *snapshot.Table) { t.PutAccounts(account(false, snapshot.KindJSAPI)) }, ""},
		"deleted":  {func(t *snapshot.Table) { t.Remove(appID) }, ""},
		"a ticket": {func(t *snapshot.Table) { t.PutAccounts(account(true)) }, "access_token-value-1"},
		"ended before its time": {func(t *snapshot.Table) {
			for _, kind := range []string{snapshot.KindAccessToken, snapshot.KindJSAPI} {
				c := credential(kind, 1, time.Hour)
				c.Deadline = time.Now().Add(-time.Second)
				t.PutCredential(appID, c)
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			live := table(token(1), credential(snapshot.KindJSAPI, 1, time.Hour))
			w.publisher(live, nil)
			w.holds(jsapiKey, "jsapi-value-1")
			w.holds(tokenKey, "access_token-value-1")
			change.do(live)
			w.holds(jsapiKey, "")
			w.holds(tokenKey, change.left)
		})
	}
}

// Disabled accounts are there from the start, too; what another program keeps
// under the same key is not ours to delete.
func TestForeignValuesOfDisabledAccountsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.client.Set(t.Context(), tokenKey, "another program's", 0).Err(); err != nil {
		t.Fatal(err)
	}
	live := table(token(1), credential(snapshot.KindJSAPI, 1, time.Hour))
	first := w.stopped(live, nil)
	if err := first.Stop(t.Context()); err != nil { // writes what is new, like any pass
		t.Fatal(err)
	}
	w.holds(jsapiKey, "jsapi-value-1")
	if err := w.client.Set(t.Context(), tokenKey, "another program's", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := w.client.Del(t.Context(), "{"+tokenKey+"}:version").Err(); err != nil {
		t.Fatal(err)
	}
	live.PutAccounts(account(false, snapshot.KindJSAPI))
	w.publisher(live, nil)
	w.holds(jsapiKey, "")
	w.holds(tokenKey, "another program's")
}

// A Redis that was emptied or restarted is filled again, and what somebody else
// has written over or made immortal is put right.
func TestReconciliation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	often := func(o *publish.Options) { o.Reconcile = 20 * time.Millisecond }
	w.publisher(table(token(1)), often)
	w.holds(tokenKey, "access_token-value-1")
	if err := w.client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	w.holds(tokenKey, "access_token-value-1")
	if err := w.client.Set(t.Context(), tokenKey, "older", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	w.holds(tokenKey, "access_token-value-1")
	if err := w.client.Persist(t.Context(), tokenKey).Err(); err != nil {
		t.Fatal(err)
	}
	w.until("an end", func() bool { return w.client.PTTL(t.Context(), tokenKey).Val() > 0 })
	w.server.Stop()
	w.server.Again()
	w.holds(tokenKey, "access_token-value-1")
}

// Without a change nothing is written: replication and keyspace events of a
// quiet wxsign are quiet.
func TestNothingIsWrittenWithoutAChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.publisher(table(token(1)), func(o *publish.Options) { o.Reconcile = 5 * time.Millisecond })
	w.holds(tokenKey, "access_token-value-1")
	written := func() string {
		info := w.client.Info(t.Context(), "persistence").Val()
		_, rest, _ := strings.Cut(info, "rdb_changes_since_last_save:")
		count, _, _ := strings.Cut(rest, "\r")
		return count
	}
	before := written()
	for range 20 {
		at := p.Status().LastSuccess
		w.until("another pass", func() bool { return p.Status().LastSuccess.After(at) })
	}
	if after := written(); after != before || before == "" {
		t.Errorf("%s changes before and %s after", before, after)
	}
}

// Two replicas, one of which has not heard of the newest value yet: whoever
// writes last, the newer value stays. A database restored from a backup counts
// versions anew, so a lower version of a later instant is newer.
func TestNewestValueStays(t *testing.T) {
	t.Parallel()
	again := token(2)
	again.Version, again.PublishID, again.Value = 1, "restored", secret.New("restored")
	set := token(2)
	set.IssuedAt, set.PublishID, set.Value = issued-1, "clock", secret.New("clock was set back")
	for name, tt := range map[string]struct {
		older, newer snapshot.Credential
		oneWay       bool // the older may not come second: nothing tells them apart then
	}{
		"in turn":              {older: token(1), newer: token(2)},
		"many versions apart":  {older: token(9), newer: token(10)},
		"after a restore":      {older: token(1), newer: again},
		"with the clock lower": {older: token(1), newer: set, oneWay: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			pass := func(c snapshot.Credential) {
				if err := w.stopped(table(c), nil).Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			want := tt.newer.Value.Reveal()
			pass(tt.older)
			pass(tt.newer)
			if got := w.get(tokenKey); got != want {
				t.Errorf("the newer came second: %q", got)
			}
			if tt.oneWay {
				return
			}
			pass(tt.older)
			if got := w.get(tokenKey); got != want {
				t.Errorf("the older came last: %q", got)
			}
		})
	}
}

func TestPublishersRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const newest = 60
	var race sync.WaitGroup
	for replica := range 3 {
		live := table(token(1))
		w.publisher(live, func(o *publish.Options) {
			o.Look, o.Reconcile = time.Millisecond, time.Duration(3+replica)*time.Millisecond
		})
		race.Go(func() {
			for n := int64(2); n <= newest; n++ {
				live.PutCredential(appID, token(n))
				time.Sleep(time.Duration(n%3) * time.Millisecond)
			}
		})
	}
	seen := 0
	for value := ""; value != fmt.Sprintf("access_token-value-%d", newest); {
		value = w.get(tokenKey)
		var n int
		if _, err := fmt.Sscanf(value, "access_token-value-%d", &n); err != nil && value != "" {
			t.Fatalf("value %q", value)
		}
		if n < seen {
			t.Fatalf("version %d after %d", n, seen)
		}
		seen = max(n, seen)
	}
	race.Wait()
}

// A command that was held up on its way, behind a network that hangs, neither
// brings an old value back nor makes a life longer.
func TestLateCommandsDoNoHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	proxy := modeltest.NewProxy(t, w.server.Addr())
	live := table(credential(snapshot.KindAccessToken, 1, time.Hour))
	behind := w.publisher(live, func(o *publish.Options) { o.Address, o.Timeout = proxy.Addr(), 50*time.Millisecond })
	w.holds(tokenKey, "access_token-value-1")
	proxy.Hang()
	live.PutCredential(appID, credential(snapshot.KindAccessToken, 2, time.Hour))
	w.until("trouble", func() bool { return behind.Status().Failing > 0 })
	if text := behind.Status().Error; !strings.Contains(text, "does not answer in time") || behind.Status().FailingSince.IsZero() {
		t.Errorf("error %q", text)
	}
	if err := w.stopped(table(token(3)), nil).Stop(t.Context()); err != nil { // another replica, another way
		t.Fatal(err)
	}
	w.holds(tokenKey, "access_token-value-3")
	proxy.Restore()
	w.until("recovery", func() bool { return behind.Status().Failing == 0 })
	if got := w.get(tokenKey); got != "access_token-value-3" {
		t.Errorf("%q came back", got)
	}
}

func TestStopIsQuickWhileRedisHangs(t *testing.T) {
	t.Parallel()
	waiting := make(chan struct{}, 10)
	p := (&world{t: t, server: &redistest.Server{}}).stopped(table(token(1)), func(o *publish.Options) {
		o.Timeout = time.Hour
		o.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() { // takes the first bytes and answers nothing
				_, _ = server.Read(make([]byte, 1))
				waiting <- struct{}{}
			}()
			return client, nil
		}
	})
	p.Start()
	<-waiting
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Stop(ctx); err == nil {
		t.Error("no error, though nothing was written")
	}
}

func TestTroubleIsToldWithItsMend(t *testing.T) {
	t.Parallel()
	const password = "hunter2-canary"
	for name, tt := range map[string]struct {
		server []string
		client func(*publish.Options)
		before func(*world)
		want   string
	}{
		"wrong password": {
			server: []string{"--requirepass", "another"}, client: func(o *publish.Options) { o.Password = secret.New(password) },
			want: "set publish.redis.username and publish.redis.password",
		},
		"no password":      {server: []string{"--requirepass", "another"}, want: "this Redis asks for a password: set publish.redis.password"},
		"no such database": {client: func(o *publish.Options) { o.DB = 99 }, want: "lower publish.redis.db"},
		"a replica":        {server: []string{"--replicaof", "127.0.0.1", "1"}, want: "set publish.redis.address to the primary"},
		"another type": {
			before: func(w *world) {
				if err := w.client.LPush(w.t.Context(), tokenKey, "x").Err(); err != nil {
					w.t.Fatal(err)
				}
			},
			want: "holds another program's data",
		},
		"full": {server: []string{"--maxmemory", "1"}, want: "raise its maxmemory"},
		"gone": {before: func(w *world) { w.server.Stop() }, want: "whether this Redis runs"},
		"no rights": {
			server: []string{"--user", "default", "on", "nopass", "~*", "+@all", "-evalsha"}, want: "let this Redis user run",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.server...)
			if tt.before != nil {
				tt.before(w)
			}
			var log logged
			p := w.publisher(table(token(1)), func(o *publish.Options) {
				o.Logger = slog.New(slog.NewTextHandler(&log, nil))
				if tt.client != nil {
					tt.client(o)
				}
			})
			w.until("trouble", func() bool { return p.Status().Failing > 0 })
			w.until("a line of the log", func() bool { return strings.Contains(log.String(), tt.want) })
			for _, text := range []string{p.Status().Error, log.String()} {
				if !strings.Contains(text, tt.want) {
					t.Errorf("%q lacks %q", text, tt.want)
				}
				if strings.Contains(text, password) || strings.Contains(text, "value-1") {
					t.Errorf("a secret is told: %q", text)
				}
			}
		})
	}
}

// A key that holds something else keeps only itself from being written.
func TestOneBadKeyIsNoTroubleForOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.client.LPush(t.Context(), tokenKey, "x").Err(); err != nil {
		t.Fatal(err)
	}
	live := table(token(1), credential(snapshot.KindJSAPI, 1, time.Hour))
	p := w.publisher(live, func(o *publish.Options) { o.Reconcile = 50 * time.Millisecond })
	w.holds(jsapiKey, "jsapi-value-1")
	live.PutCredential(appID, credential(snapshot.KindJSAPI, 2, time.Hour))
	w.holds(jsapiKey, "jsapi-value-2")
	if kind := w.client.Type(t.Context(), tokenKey).Val(); kind != "list" || p.Status().Failing == 0 {
		t.Errorf("the other's data is now a %s, failing %d", kind, p.Status().Failing)
	}
	if err := w.client.Del(t.Context(), tokenKey).Err(); err != nil {
		t.Fatal(err)
	}
	w.holds(tokenKey, "access_token-value-1")
	w.until("recovery", func() bool { return p.Status().Failing == 0 && p.Status().Error == "" })
}

// Many accounts go in portions, and all of them arrive.
func TestManyAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const accounts = 1500
	live := snapshot.NewTable()
	for i := range accounts {
		id := fmt.Sprint("wx", i)
		live.PutAccounts(snapshot.Account{AppID: id, Enabled: true, Tickets: []string{snapshot.KindWXCard}})
		live.PutCredential(id, token(1))
		live.PutCredential(id, credential(snapshot.KindWXCard, 1, time.Hour))
	}
	p := w.publisher(live, nil)
	w.until("all of them", func() bool { return p.Status().Values == 2*accounts })
	if n := w.client.DBSize(t.Context()).Val(); n != 4*accounts {
		t.Errorf("%d keys, want %d", n, 4*accounts)
	}
	if got := w.get("wx:wx_card_ticket:wx1499"); got != "wx_card-value-1" {
		t.Errorf("the last ticket is %q", got)
	}
}

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]publish.Options{
		"no table":   {Address: "127.0.0.1:6379", TokenKey: tokenTmpl, TicketKey: ticketTmp},
		"no address": {Table: snapshot.NewTable(), TokenKey: tokenTmpl, TicketKey: ticketTmp},
		"one key":    {Table: snapshot.NewTable(), Address: "127.0.0.1:6379", TokenKey: "x", TicketKey: ticketTmp},
		"one kind":   {Table: snapshot.NewTable(), Address: "127.0.0.1:6379", TokenKey: tokenTmpl, TicketKey: tokenTmpl},
	} {
		if _, err := publish.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
