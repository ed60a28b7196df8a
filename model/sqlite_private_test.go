package model_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/wxsign/wxsign/model"
)

func TestNewSQLiteFileIsItsOwners(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // has no such modes
	}
	dir := t.TempDir()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: filepath.Join(dir, "wxsign.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // a scratch file
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 2 {
		t.Fatalf("%d files, want the database and its log: %v", len(entries), err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has the mode %04o", entry.Name(), mode)
		}
	}
}
