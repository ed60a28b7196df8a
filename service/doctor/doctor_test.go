package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/doctor"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/wechat"
)

func TestNewChecksItsOptions(t *testing.T) {
	t.Parallel()
	if _, err := doctor.New(doctor.Options{}); err == nil {
		t.Error("no error without anything")
	}
}

func TestAllIsWell(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.renew(wechat.Stable)
	w.serve("host-a/1/x", "v1", "settings")
	all := w.examine(nil)
	all.none(t, doctor.Fail)
	all.none(t, doctor.Warn)
	all.want(t, "replicas", doctor.OK, "serving on this database: 1, wxsign v1")
	all.want(t, "alerts", doctor.OK, "none is open")
	all.want(t, "budget", doctor.OK, "no account is near")
	all.want(t, "deliveries", doctor.OK)
	all.want(t, "history", doctor.OK, "90d")
	all.order(t, "files", "master_key", "schema", "database", "write", "clock", "sealed", "replicas", "alerts",
		"wechat", "account", "budget", "listen", "deliveries", "history")
	all.want(t, "master_key", doctor.OK)
	all.want(t, "database", doctor.OK, "SQLite")
	all.want(t, "schema", doctor.OK)
	all.want(t, "write", doctor.OK)
	all.want(t, "sealed", doctor.OK, "all 3")
	all.want(t, "wechat", doctor.OK, w.sim.URL)
	all.want(t, "account", doctor.OK, "access_token: version 1, ")
	all.want(t, "account", doctor.OK, "calls the stored access_token alive")
	all.want(t, "account", doctor.OK, "accepts the AppSecret")
	all.want(t, "listen", doctor.Note, "is free")
}

// What people break, and what the doctor says of it.
func TestTroubles(t *testing.T) {
	t.Parallel()
	otherSecret := func(theirs *simulator.Account, _ *model.Account) { theirs.Secret = "another-appsecret-of-wechat" }
	for name, tt := range map[string]struct {
		setup   setup
		spoil   func(w *world)
		options func(o *doctor.Options)
		check   string
		verdict doctor.Verdict
		words   []string
	}{
		"wrong AppSecret": {
			setup: otherSecret, check: "account", verdict: doctor.Fail, words: []string{"40125", "基本配置"},
		},
		"address not in the IP list": {
			setup: func(theirs *simulator.Account, _ *model.Account) { theirs.AllowedIPs = []string{"203.0.113.9"} },
			check: "account", verdict: doctor.Fail, words: []string{"40164", "WeChat sees this machine as 127.0.0.1", "IP"},
		},
		"somebody else refreshes": {
			spoil: func(w *world) {
				w.renew(wechat.Stable)
				w.sim.Control(w.T, http.MethodPost, "/_sim/revoke", map[string]any{"app_id": appID, "what": "token"}, nil)
			},
			check: "account", verdict: doctor.Fail, words: []string{"dead before its time", "another program"},
		},
		"nothing was ever fetched": {
			check: "account", verdict: doctor.Fail, words: []string{"jsapi: never fetched", "is a wxsign serving"},
		},
		"the keeper failed": {
			spoil: func(w *world) {
				w.fail("jsapi", model.Failure{Errcode: 45009, Text: "errcode 45009 — Wait for the next day in China."})
			},
			check: "account", verdict: doctor.Fail, words: []string{"failed 1 times", "errcode 45009", "Wait for the next day"},
		},
		"a ticket waits for its token": {
			spoil: func(w *world) {
				w.fail("access_token", model.Failure{Errcode: 40125, Text: "errcode 40125 — Check the AppSecret."})
			},
			check: "account", verdict: doctor.Fail, words: []string{"jsapi: never fetched: it waits for the access_token", "mend the access_token"},
		},
		"no domains": {
			setup: func(_ *simulator.Account, ours *model.Account) { ours.Domains = nil },
			check: "account", verdict: doctor.Warn, words: []string{"no page of it can be signed"},
		},
		"disabled": {
			setup: func(_ *simulator.Account, ours *model.Account) { ours.Enabled = false },
			check: "account", verdict: doctor.Note, words: []string{"is disabled"},
		},
		"another master key": {
			spoil: func(w *world) { w.renew(wechat.Stable); w.ring = newRing(w.T) },
			check: "sealed", verdict: doctor.Fail, words: []string{"3 of 3", "security.master_key"},
		},
		"a held AppSecret, moved": {
			spoil: func(w *world) {
				w.renew(wechat.Stable)
				w.hold(model.SecretPrevious, heldPlace(appID, model.SecretPrevious))
				w.hold(model.SecretNext, heldPlace(appID, model.SecretPrevious))
			},
			check: "sealed", verdict: doctor.Fail, words: []string{"1 of 5", "the next AppSecret of " + appID},
		},
		"key check": {
			options: func(o *doctor.Options) {
				o.ProveKey = func(context.Context, *model.Store, *secret.Keyring) error {
					return errors.New("not the key of this database")
				}
			},
			check: "sealed", verdict: doctor.Fail, words: []string{"not the key of this database", "copy"},
		},
		"no master key, new place": {
			options: func(o *doctor.Options) {
				o.Keyring = func() (*secret.Keyring, error) { return nil, fmt.Errorf("stat: %w", fs.ErrNotExist) }
			},
			check: "master_key", verdict: doctor.Warn, words: []string{"first `wxsign serve` makes it"},
		},
		"no master key": {
			options: func(o *doctor.Options) {
				o.Keyring = func() (*secret.Keyring, error) { return nil, errors.New("everybody can read it") }
			},
			check: "master_key", verdict: doctor.Fail, words: []string{"everybody can read it"},
		},
		"no database file": {
			spoil: func(w *world) { remove(w.T, w.config.Database.DSN.Reveal()) },
			check: "database", verdict: doctor.Fail, words: []string{"there is no file", "database.dsn"},
		},
		"database away": {
			options: func(o *doctor.Options) {
				o.Config.Database.Driver = config.DriverMySQL
				o.OpenStore = func() (*model.Store, error) {
					return model.Open(model.Options{Driver: model.MySQL, DSN: "wxsign:password-of-redis@tcp(127.0.0.1:1)/wxsign"})
				}
			},
			check: "database", verdict: doctor.Fail, words: []string{"host and port"},
		},
		"schema of an older version": {
			spoil: func(w *world) { w.undoLastMigration() },
			check: "schema", verdict: doctor.Fail, words: []string{"start the new version", "wxsign migrate up"},
		},
		"empty database": {
			options: openEmpty,
			check:   "schema", verdict: doctor.Note, words: []string{"first `wxsign serve` makes the tables"},
		},
		"empty database, and its clock": {
			options: openEmpty,
			check:   "clock", verdict: doctor.OK,
		},
		"empty database that the start may not migrate": {
			options: func(o *doctor.Options) {
				openEmpty(o)
				o.Config.Database.AutoMigrate = false
			},
			check: "schema", verdict: doctor.Fail, words: []string{"auto_migrate = true run `wxsign migrate up`; "},
		},
		"WeChat cannot be reached": {
			options: func(o *doctor.Options) { o.Config.WeChat.BaseURL = "http://127.0.0.1:1" },
			check:   "wechat", verdict: doctor.Fail, words: []string{"wechat.base_url http://127.0.0.1:1", "address of this machine"},
		},
		"unknown account": {
			options: func(o *doctor.Options) { o.Accounts = []string{"wxnobody"} },
			check:   "account", verdict: doctor.Fail, words: []string{"no account wxnobody"},
		},
		"redis away": {
			options: func(o *doctor.Options) {
				o.Config.Publish.Redis.Address, o.Config.Publish.Redis.Password = "127.0.0.1:1", secret.New("password-of-redis")
			},
			check: "output", verdict: doctor.Fail, words: []string{"publish.redis"},
		},
		"robot away": {
			options: func(o *doctor.Options) {
				o.Config.Alert.WeComRobot.URL = secret.New("http://127.0.0.1:1/send?key=key-of-the-robot")
			},
			check: "output", verdict: doctor.Warn, words: []string{"alert.wecom_robot", "127.0.0.1:1"},
		},
		"mail away": {
			options: func(o *doctor.Options) { o.Config.Alert.SMTP.Host, o.Config.Alert.SMTP.Port = "127.0.0.1", 1 },
			check:   "output", verdict: doctor.Warn, words: []string{"alert.smtp"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.setup)
			if tt.spoil != nil {
				tt.spoil(w)
			}
			w.examine(tt.options).want(t, tt.check, tt.verdict, tt.words...)
		})
	}
}

// A doctor must not kill the patient: a classic token is never fetched, and the
// stored one lives on.
func TestClassicTokenIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *simulator.Account, ours *model.Account) { ours.TokenMode = "classic" })
	w.renew(wechat.Classic)
	var before, after struct {
		Totals map[string]struct{ Calls int }
	}
	w.sim.Control(t, http.MethodGet, "/_sim/ledger", nil, &before)
	all := w.examine(nil)
	w.sim.Control(t, http.MethodGet, "/_sim/ledger", nil, &after)
	for path, n := range after.Totals {
		if strings.HasSuffix(path, "token") && n.Calls != before.Totals[path].Calls {
			t.Errorf("%s was called: %d times before, %d after", path, before.Totals[path].Calls, n.Calls)
		}
	}
	all.want(t, "account", doctor.OK, "alive")
	all.want(t, "account", doctor.Note, "classic call would end the current token")
	if err := w.client.Probe(t.Context(), w.token); err != nil {
		t.Errorf("the stored token: %v", err)
	}
}

// The stable token is the same before and after.
func TestStableTokenIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.renew(wechat.Stable)
	w.examine(nil)
	grant, err := w.client.Token(t.Context(), wechat.TokenRequest{AppID: appID, Secret: secret.New(appSecret), Mode: wechat.Stable})
	if err != nil || !grant.Value.Equal(w.token) {
		t.Errorf("the token is another one: %v", err)
	}
}

func TestOfflineAsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.renew(wechat.Stable)
	var before, after struct {
		Totals map[string]struct{ Calls int }
	}
	w.sim.Control(t, http.MethodGet, "/_sim/ledger", nil, &before)
	all := w.examine(func(o *doctor.Options) { o.Offline = true; o.Config.Server.PublicURL = w.sim.URL })
	w.sim.Control(t, http.MethodGet, "/_sim/ledger", nil, &after)
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("WeChat was asked: %v, then %v", before, after)
	}
	all.want(t, "wechat", doctor.Note, "--offline")
	all.want(t, "public_url", doctor.Note, "--offline")
}

func TestListeners(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body    string
		verdict doctor.Verdict
		words   string
	}{
		"a wxsign":          {`{"status":"ok","codes":[],"accounts":1}`, doctor.OK, "a wxsign answers, ok"},
		"a degraded wxsign": {`{"status":"degraded","codes":["database_down"],"accounts":1}`, doctor.Warn, "database_down"},
		"another program":   {`<html>`, doctor.Fail, "not by a wxsign"},
		"other JSON":        {`{"status":"ok"}`, doctor.Fail, "not by a wxsign"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := serveHTTP(t, tt.body)
			w := newWorld(t, nil)
			all := w.examine(func(o *doctor.Options) {
				o.Config.Server.Listen, o.Config.Server.PublicURL = address, "http://"+address
			})
			all.want(t, "listen", tt.verdict, tt.words)
			verdict := doctor.Warn
			if strings.Contains(tt.body, `"status":"ok"`) {
				verdict = doctor.OK
			}
			all.want(t, "public_url", verdict, "http://"+address)
		})
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		user, password string
		verdict        doctor.Verdict
		words          string
	}{
		"right password":   {"", "password-of-redis", doctor.OK, "answers"},
		"right user":       {"wxsign", "password-of-redis", doctor.OK, "answers"},
		"wrong password":   {"", "another", doctor.Fail, "WRONGPASS"},
		"password missing": {"", "", doctor.Fail, "NOAUTH"},
		"it is repeated":   {"old", "password-of-redis", doctor.Fail, "unknown command `AUTH`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			redis := &w.config.Publish.Redis
			redis.Address, redis.Username, redis.Password = serveRedis(t, nil), tt.user, secret.New(tt.password)
			w.examine(nil).want(t, "output", tt.verdict, tt.words)
		})
	}
}

// Where TLS is set, no password goes out without it.
func TestRedisByTLS(t *testing.T) {
	t.Parallel()
	pretend := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(pretend.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(pretend.Certificate())
	for name, tt := range map[string]struct {
		server  *tls.Config
		roots   *x509.CertPool
		verdict doctor.Verdict
		words   string
	}{
		"TLS":                     {pretend.TLS, trusted, doctor.OK, "answers"},
		"an authority of nobody":  {pretend.TLS, x509.NewCertPool(), doctor.Fail, "certificate"},
		"a Redis that speaks not": {nil, trusted, doctor.Fail, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			redis := &w.config.Publish.Redis
			redis.Address, redis.Password = serveRedis(t, tt.server), secret.New("password-of-redis")
			w.examine(func(o *doctor.Options) {
				o.RedisTLS = func() (*tls.Config, error) {
					return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "127.0.0.1", RootCAs: tt.roots}, nil
				}
			}).want(t, "output", tt.verdict, tt.words)
		})
	}
}

func TestFilesOfThisMachine(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // has no such modes
	}
	w := newWorld(t, nil)
	path := w.config.Database.DSN.Reveal()
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	file := path + ".toml"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o666); err != nil {
		t.Fatal(err)
	}
	all := w.examine(func(o *doctor.Options) {
		o.ConfigPath, o.SecretFiles = file, []string{file, filepath.Join(t.TempDir(), "not there")}
		o.Config.Server.TLSCert = file
		o.Config.Server.TLSKey = file
	})
	all.want(t, "files", doctor.Note, "0644", "chmod o-rw "+path)
	all.want(t, "files", doctor.Warn, "0666", "chmod o-rw "+file)
	all.want(t, "files", doctor.Warn, "can read the secrets in it", "chmod o-rw "+file)
	all.want(t, "files", doctor.Warn, "pretend to be this server", "chmod o-rw "+file)
	all.want(t, "certificate", doctor.Fail, "server.tls_cert")
}

// Clocks are judged by the threshold that alerts have.
func TestClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ahead := func(by string) func(*doctor.Options) {
		return func(o *doctor.Options) {
			o.OpenStore = func() (*model.Store, error) {
				return model.Open(model.Options{
					Driver: model.SQLite, DSN: w.config.Database.DSN.Reveal(), NowMS: "(CAST(unixepoch('subsec')*1000 AS INTEGER) + " + by + ")",
				})
			}
		}
	}
	w.examine(ahead("60000")).want(t, "clock", doctor.Fail, "behind the database's", "NTP")
	w.examine(ahead("-60000")).want(t, "clock", doctor.Fail, "ahead of the database's")
	w.config.Alert.ClockDifference = config.Duration(time.Hour + 40*time.Minute)
	w.examine(ahead("3600000")).want(t, "clock", doctor.Warn, "behind the database's")
}
