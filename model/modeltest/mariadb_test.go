package modeltest_test

import (
	"context"
	"database/sql"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/wxsign/wxsign/model/modeltest"
)

// open returns a pool on dsn that the test closes. It sends queries as the
// product does, with the arguments written into the text.
func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.InterpolateParams = true
	config.Timeout = time.Second
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec1(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t testing.TB, db *sql.DB, query string, args ...any) int {
	t.Helper()
	var n int
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// down reports whether the server does not answer.
func down(t testing.TB, db *sql.DB) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	return db.PingContext(ctx) != nil
}

const tablesHere = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()"

func TestMariaDBGivesEachCallAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	first, second := open(t, modeltest.MariaDB(t)), open(t, modeltest.MariaDB(t))
	exec1(t, first, "CREATE TABLE only_in_first (id INT PRIMARY KEY)")
	if n := count(t, first, tablesHere); n != 1 {
		t.Errorf("first database: %d tables, want 1", n)
	}
	if n := count(t, second, tablesHere); n != 0 {
		t.Errorf("second database: %d tables, want 0", n)
	}
}

//nolint:tparallel // the subtest must be over before the test looks again
func TestMariaDBDropsTheDatabase(t *testing.T) {
	t.Parallel()
	watch := open(t, modeltest.MariaDB(t))
	const known = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?"
	var name string
	t.Run("its test", func(t *testing.T) {
		config, err := mysql.ParseDSN(modeltest.MariaDB(t))
		if err != nil {
			t.Fatal(err)
		}
		name = config.DBName
		if count(t, watch, known, name) != 1 {
			t.Errorf("database %q is not there during its test", name)
		}
	})
	if count(t, watch, known, name) != 0 {
		t.Errorf("database %q is still there after its test", name)
	}
}

func TestServerKeepsCommittedRows(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*modeltest.Server){
		"stop": (*modeltest.Server).Stop,
		"kill": (*modeltest.Server).Kill,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := modeltest.MariaDBServer(t)
			db := open(t, server.DSN())
			exec1(t, db, "CREATE TABLE kept (id INT PRIMARY KEY)")
			exec1(t, db, "INSERT INTO kept VALUES (1)")
			open, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := open.ExecContext(t.Context(), "INSERT INTO kept VALUES (2)"); err != nil {
				t.Fatal(err)
			}
			end(server)
			if !down(t, db) {
				t.Error("the server answers after its end")
			}
			if err := open.Commit(); err == nil {
				t.Error("a transaction was committed after the end of its server")
			}
			server.Start()
			if n := count(t, db, "SELECT SUM(id) FROM kept"); n != 1 {
				t.Errorf("rows after the restart add up to %d, want 1", n)
			}
		})
	}
}

// envDie tells the child of TestMariaDBEndsWithItsTestBinary where it is.
const envDie = "WXSIGN_TEST_DIE"

// The child is this very test in a new process, which kills itself with a
// server running; the parent sees to it that nothing of it is left.
func TestMariaDBEndsWithItsTestBinary(t *testing.T) {
	t.Parallel()
	if os.Getenv(envDie) != "" {
		dieWithServer(t)
	}
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), envDie+"=yes", "TMPDIR="+dir, modeltest.EnvMySQL+"=")
	out, err := child.Output()
	if child.ProcessState.Success() {
		t.Fatalf("the child lived on: %v", err)
	}
	addr := strings.TrimSpace(string(out))
	if _, _, err := net.SplitHostPort(addr); err != nil {
		t.Fatalf("the child's server: %v in %q", err, out)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		left, globErr := filepath.Glob(filepath.Join(dir, "*"))
		if globErr != nil {
			t.Fatal(globErr)
		}
		if err != nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: server %t, files %v", err == nil, left)
		}
	}
}

func dieWithServer(t *testing.T) {
	t.Helper()
	config, err := mysql.ParseDSN(modeltest.MariaDB(t))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString(config.Addr + "\n")
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal takes a moment
}
