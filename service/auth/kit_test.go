package auth_test

import (
	"database/sql/driver"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/glebarez/go-sqlite"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/auth"
)

// bubbleClock is an SQL function that tells the process's time: inside a
// synctest bubble that is the bubble's, so the database's clock goes with it.
var bubbleClock = sync.OnceValue(func() error {
	return sqlite.RegisterScalarFunction("bubble_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return time.Now().UnixMilli(), nil
	})
})

// bubbleStore opens SQLite inside a synctest bubble.
func bubbleStore(t *testing.T) *model.Store {
	t.Helper()
	if err := bubbleClock(); err != nil {
		t.Fatal(err)
	}
	store, err := model.Open(model.Options{
		Driver: model.SQLite, DSN: filepath.Join(t.TempDir(), "wxsign.db"), NowMS: "bubble_ms()", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func newAuth(t testing.TB, store auth.Store, entries audit.Store) *auth.Auth {
	t.Helper()
	log, err := audit.New(entries)
	if err != nil {
		t.Fatal(err)
	}
	a, err := auth.New(auth.Options{Store: store, Audit: log, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const (
	goodPassword = "correct horse battery"
	address      = "192.0.2.7"
)

// person makes a person with a password of their own and returns the cookie of
// the session that the choice began.
func person(t testing.TB, a *auth.Auth, name string) string {
	t.Helper()
	oneTime, err := a.ResetPassword(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.SignIn(t.Context(), auth.Visit{Address: address}, name, oneTime.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	token, err = a.ChangePassword(t.Context(), session(t, a, token), auth.Visit{Address: address, Token: token}, "", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func session(t testing.TB, a *auth.Auth, token string) auth.Session {
	t.Helper()
	s, err := a.Session(t.Context(), token, true)
	if err != nil {
		t.Fatalf("session: %v", err)
	}
	return s
}

func signIn(t testing.TB, a *auth.Auth, name, password, from string) (string, error) {
	t.Helper()
	return a.SignIn(t.Context(), auth.Visit{Address: from, UserAgent: "test"}, name, password)
}

// eachEngine runs a test on every engine, with n replicas on one database.
func eachEngine(t *testing.T, n int, test func(t *testing.T, replicas []*model.Store)) {
	t.Helper()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			test(t, modeltest.Replicas(t, engine, n))
		})
	}
}
