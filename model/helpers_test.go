package model_test

import (
	"crypto/rand"
	"database/sql"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

const (
	lease = 600_000 // milliseconds, longer than any test
	token = "access_token"
)

// migrated makes a store of an engine and tells its DSN.
func migrated(t testing.TB, e modeltest.Engine) (*model.Store, string) {
	t.Helper()
	dsn := e.Empty(t)[0]
	store := modeltest.Connect(t, e.Driver, dsn)
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store, dsn
}

// raw opens a database past the store, for what the store would never do.
func raw(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	if driver == model.SQLite {
		dsn = "file:" + dsn + "?_pragma=busy_timeout(5000)"
	} else {
		dsn += "?interpolateParams=true&clientFoundRows=true"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec(t testing.TB, db interface {
	Exec(query string, args ...any) (sql.Result, error)
}, statement string, args ...any,
) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%.60s: %v", statement, err)
	}
}

// insert adds an account with a token and a ticket, both due.
func insert(t testing.TB, s *model.Store) (appID string) {
	t.Helper()
	appID = "wx" + strings.ToLower(rand.Text())
	a := model.Account{
		AppID: appID, Name: "n", Platform: "official_account", Origin: model.OriginFile, Enabled: true,
		SecretEnc: []byte{1}, KeyID: "0badcafe", TokenMode: "stable",
	}
	if err := s.InsertAccount(t.Context(), a, []string{token, "jsapi"}); err != nil {
		t.Fatal(err)
	}
	return appID
}

// grantOf is what a contender for the token would claim with now.
func grantOf(t testing.TB, s *model.Store, appID, owner string) model.Grant {
	t.Helper()
	row := tokenOf(t, s, appID)
	return model.Grant{AppID: appID, Kind: token, Owner: owner, Version: row.Version, Fence: row.Fence, ConfigRev: row.ConfigRev}
}

func tokenOf(t testing.TB, s *model.Store, appID string) *model.Credential {
	t.Helper()
	tended, err := s.Tended(t.Context(), appID)
	if err != nil {
		t.Fatal(err)
	}
	return tended.Credential(token)
}
