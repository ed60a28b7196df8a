package modeltest

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/wxsign/wxsign/model"
)

// Engine is a kind of database that the product runs on.
type Engine struct {
	Name   string
	Driver string // of model.Options
	// Empty makes an empty database that ends with the test and returns a DSN
	// for each of its nodes; only a cluster has several.
	Empty func(t testing.TB) []string
}

// Engines lists every kind of database that the conformance suite runs on.
func Engines() []Engine {
	return []Engine{
		{Name: "sqlite", Driver: model.SQLite, Empty: func(t testing.TB) []string {
			t.Helper()
			return []string{filepath.Join(quickDir(t), "wxsign.db")}
		}},
		{Name: "mariadb", Driver: model.MySQL, Empty: func(t testing.TB) []string {
			t.Helper()
			return []string{MariaDB(t)}
		}},
	}
}

// quickDir is a folder in memory where the system has such: SQLite syncs at each
// commit, and tests commit by the thousand.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "wxsign-sqlite-") //nolint:usetesting // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	return dir
}

// Open gives the test an empty store with the present schema.
func Open(t testing.TB, e Engine) *model.Store {
	t.Helper()
	return Replicas(t, e, 1)[0]
}

// Replicas gives the test n stores on one database with the present schema, each
// with connections of its own, as n replicas have. They take the nodes of a
// cluster in turns.
func Replicas(t testing.TB, e Engine, n int) []*model.Store {
	t.Helper()
	nodes := e.Empty(t)
	stores := make([]*model.Store, n)
	for i := range stores {
		stores[i] = Connect(t, e.Driver, nodes[i%len(nodes)])
	}
	if _, err := stores[0].MigrateUp(t.Context()); err != nil {
		t.Fatalf("migrate %s: %v", e.Name, err)
	}
	return stores
}

// Connect opens a store that closes at the end of the test. It does not migrate.
func Connect(t testing.TB, driver, dsn string) *model.Store {
	t.Helper()
	store, err := model.Open(model.Options{Driver: driver, DSN: dsn, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("open %s: %v", driver, err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close %s: %v", driver, err)
		}
	})
	return store
}
