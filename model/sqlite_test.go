package model_test

import (
	"bufio"
	"database/sql"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

func TestSQLitePragmas(t *testing.T) {
	t.Parallel()
	write, read, err := modeltest.Open(t, modeltest.Engines()[0]).Pools()
	if err != nil {
		t.Fatal(err)
	}
	if n := write.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections write, want 1: they would meet SQLITE_BUSY", n)
	}
	for name, pool := range map[string]*sql.DB{"write": write, "read": read} {
		for range min(3, pool.Stats().MaxOpenConnections) { // on every connection
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for pragma, want := range map[string]string{"journal_mode": "wal", "busy_timeout": "5000", "synchronous": "2"} {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s: %s is %q, %v; want %q", name, pragma, got, err, want)
				}
			}
		}
	}
}

func TestSQLitePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, test := range map[string]struct {
		path string
		says string // "" = it is taken
	}{
		"plain":              {dir + "/a.db", ""},
		"blanks and quotes":  {dir + "/it's a \"b\".db", ""},
		"Chinese":            {dir + "/数据库.db", ""},
		"ampersand and plus": {dir + "/a&b=c+d;e.db", ""},
		"two slashes":        {"/" + dir + "/c.db", ""},
		"empty":              {"", "plain file name"},
		"in memory":          {":memory:", "plain file name"},
		"a URI":              {"file:" + dir + "/d.db", "plain file name"},
		"parameters":         {dir + "/e.db?_pragma=journal_mode(DELETE)", "plain file name"},
		"a fragment":         {dir + "/f#g.db", "plain file name"},
		"an escape":          {dir + "/h%20i.db", "plain file name"},
		"folder missing":     {dir + "/no/j.db", "is the folder there"},
		"a folder":           {dir, "is the folder there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := model.Open(model.Options{Driver: model.SQLite, DSN: test.path})
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%v; want it refused: %s", err, test.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.MigrateUp(t.Context()); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
			if info, err := os.Stat(test.path); err != nil || info.Size() == 0 {
				t.Errorf("the file of that name: %v", err)
			}
		})
	}
}

func TestUnknownDriver(t *testing.T) {
	t.Parallel()
	if _, err := model.Open(model.Options{Driver: "postgres"}); err == nil || !strings.Contains(err.Error(), "database.driver") {
		t.Errorf("%v; want it to name database.driver", err)
	}
}

// envServe tells the child of TestSecondServeIsRefused which file to serve.
const envServe = "WXSIGN_TEST_SERVE"

// The child is this test in a new process that serves until it is killed.
func TestSecondServeIsRefused(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(envServe); path != "" {
		serve(t, path)
	}
	store, path := migrated(t, modeltest.Engines()[0])
	child := osexec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), envServe+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "serving\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}

	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, second := range []*model.Store{store, modeltest.Connect(t, model.SQLite, link)} {
		if _, err := second.LockForServe(); !errors.Is(err, model.ErrInUse) {
			t.Errorf("a second serve: %v, want ErrInUse", err)
		}
	}
	insert(t, store) // a command beside it

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it says how it ended: killed
	unlock, err := store.LockForServe()
	if err != nil {
		t.Fatalf("after the first was killed: %v", err)
	}
	if _, err := modeltest.Connect(t, model.SQLite, path).LockForServe(); !errors.Is(err, model.ErrInUse) {
		t.Errorf("a second serve in one process: %v, want ErrInUse", err)
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
}

func serve(t *testing.T, path string) {
	t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: path})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.LockForServe(); err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString("serving\n")
	time.Sleep(time.Minute) // the parent kills it, or is gone
}

func TestAnyNumberServesOnMySQL(t *testing.T) {
	t.Parallel()
	for _, store := range modeltest.Replicas(t, modeltest.Engines()[1], 2) {
		if _, err := store.LockForServe(); err != nil {
			t.Error(err)
		}
	}
}
