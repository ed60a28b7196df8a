package main_test

import (
	"bytes"
	"database/sql"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model/modeltest"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/simulator/simtest"
)

// docs/operations.md: what lives in a backup is served at once by another server,
// and WeChat is not asked. Both backups are made while wxsign serves.
func TestRestoredFileServesAtOnce(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t, simulator.Account{})
	key := "WXSIGN_SECURITY_MASTER_KEY=" + newKey(t)
	old := filepath.Join(t.TempDir(), "old.db")
	first := onSimulator(t, sim, key, "WXSIGN_DATABASE_DSN="+old).startReady(t)
	first.sign(page, sim.URL)
	copied := filepath.Join(t.TempDir(), "copy.db")
	vacuumInto(t, old, copied)
	first.end()
	restored(t, onSimulator(t, sim, key, "WXSIGN_DATABASE_DSN="+copied), sim)
}

func vacuumInto(t testing.TB, from, to string) {
	t.Helper()
	db, err := sql.Open("sqlite", from)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "VACUUM INTO ?", to); err != nil {
		t.Fatal(err)
	}
}

func TestRestoredDumpServesAtOnce(t *testing.T) {
	t.Parallel()
	sim := startSimulator(t, simulator.Account{})
	key := "WXSIGN_SECURITY_MASTER_KEY=" + newKey(t)
	at := func(dsn string) *place {
		return newPlace(t, oneAccount, append(production(dsn), "WXSIGN_WECHAT_BASE_URL="+sim.URL, key)...)
	}
	old := modeltest.MariaDBServer(t)
	user := documentedUser(t, old)
	first := at(user).startReady(t)
	first.sign(page, sim.URL)
	dump := mariadb(t, user, nil, "mariadb-dump", "--single-transaction", "--no-tablespaces", "--skip-add-locks")
	first.end()
	old.Stop()
	user = documentedUser(t, modeltest.MariaDBServer(t))
	mariadb(t, user, dump, "mariadb")
	restored(t, at(user), sim)
}

// documentedUser has the server check its users from now on, and returns the DSN of
// one with no more rights than docs/operations.md gives: what root can restore,
// that user perhaps cannot.
func documentedUser(t testing.TB, server *modeltest.Server) string {
	t.Helper()
	db, err := sql.Open("mysql", server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // root itself cannot come again once users are checked
	dsn, err := mysql.ParseDSN(server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"FLUSH PRIVILEGES",
		"CREATE USER 'wxsign'@'127.0.0.1' IDENTIFIED BY 'of-this-test'",
		"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX, DROP ON `" + dsn.DBName + "`.* TO 'wxsign'@'127.0.0.1'",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	dsn.User, dsn.Passwd = "wxsign", "of-this-test"
	return dsn.FormatDSN()
}

// mariadb runs one of MariaDB's programs on a database.
func mariadb(t testing.TB, at string, stdin []byte, program string, args ...string) []byte {
	t.Helper()
	dsn, err := mysql.ParseDSN(at)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(dsn.Addr)
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{
		"--no-defaults", "--protocol=tcp", "--host=" + host, "--port=" + port, "--user=" + dsn.User, "--password=" + dsn.Passwd,
	}, args...)
	cmd := exec.CommandContext(t.Context(), program, append(args, dsn.DBName)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v, %s (`make deps` installs it)", program, err, stderr.String())
	}
	return stdout.Bytes()
}

// restored starts a server on what was restored, with a WeChat that refuses all
// tokens and tickets, and holds that nobody notices.
func restored(t *testing.T, p *place, sim *simtest.Server) {
	t.Helper()
	fail(t, sim, "/cgi-bin/stable_token", -1)
	fail(t, sim, "/cgi-bin/ticket/getticket", -1)
	before := calls(t, sim)
	if before["/cgi-bin/stable_token"] != 1 || before["/cgi-bin/ticket/getticket"] != 1 {
		t.Fatalf("calls before the restore: %v", before)
	}
	s := p.startReady(t)
	if status, c := s.ask(page); status != http.StatusOK {
		t.Errorf("the first answer: status %d, code %s", status, c.Code)
	}
	s.sign(page, sim.URL)
	s.waitReady(http.StatusOK, "ok")
	if diff := cmp.Diff(before, calls(t, sim)); diff != "" {
		t.Errorf("calls to WeChat (-before the restore +after it):\n%s", diff)
	}
	if code, stdout, stderr := p.run(t, "sign", "--url", page); code != 0 {
		t.Errorf("sign: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}
