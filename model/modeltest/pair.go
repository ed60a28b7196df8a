package modeltest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Pair is a primary MariaDB and a second one that copies what the primary has
// committed, a moment later: asynchronous replication, as most companies run it.
// Programs come as a user without rights over the server, so that read_only
// stops them. Its methods belong on the test's goroutine.
type Pair struct {
	t               testing.TB
	primary, second *Server
}

// users are made at every start of a server of a pair, since grant tables are
// what read_only needs: somebody who may do everything, and a program.
const users = `CREATE OR REPLACE USER root@localhost;
GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;
CREATE OR REPLACE USER root@'127.0.0.1';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
CREATE OR REPLACE USER program@'127.0.0.1';
GRANT ALL ON wxsign.* TO program@'127.0.0.1';
`

// MariaDBPair starts both, with one empty database.
func MariaDBPair(t testing.TB) *Pair {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.sql")
	if err := os.WriteFile(path, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(id string, more ...string) *Server {
		return startServer(t, mariadbd{own: append(more, "--server-id="+id, "--init-file="+path, "--log-bin=binary", "--binlog-format=ROW")})
	}
	p := &Pair{t: t, primary: start("1")}
	p.second = start("2", "--read-only")
	p.second.do("DROP DATABASE wxsign") // it gets the primary's
	p.second.do(fmt.Sprintf("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%d, MASTER_USER='root', MASTER_CONNECT_RETRY=1, "+
		"MASTER_LOG_FILE='binary.000001', MASTER_LOG_POS=4", p.primary.process.port))
	p.second.do("START SLAVE")
	return p
}

// DSN is the program's way to the primary's database, without parameters.
func (p *Pair) DSN() string { return p.primary.programDSN() }

// SecondDSN is that to the second's.
func (p *Pair) SecondDSN() string { return p.second.programDSN() }

// SecondAddr is where the second listens, "127.0.0.1:port".
func (p *Pair) SecondAddr() string { return p.second.process.addr() }

// ReadOnly has the primary refuse writes with error 1290, or ends that.
func (p *Pair) ReadOnly(on bool) {
	p.t.Helper()
	p.primary.do(fmt.Sprintf("SET GLOBAL read_only=%t", on))
}

// CutReplication ends the copying: what the primary commits from now on is lost
// where the second is promoted.
func (p *Pair) CutReplication() {
	p.t.Helper()
	p.second.do("STOP SLAVE")
}

// CatchUp waits until the second has all that the primary has committed.
func (p *Pair) CatchUp() {
	p.t.Helper()
	var file, at, skip1, skip2 string
	p.primary.ask("SHOW MASTER STATUS", &file, &at, &skip1, &skip2)
	var done sql.NullInt64
	p.second.ask(fmt.Sprintf("SELECT MASTER_POS_WAIT('%s', %s, 15)", file, at), &done)
	if !done.Valid || done.Int64 < 0 {
		p.t.Fatalf("the second MariaDB does not catch up: MASTER_POS_WAIT says %v; its log:\n%s", done, p.second.log())
	}
}

// Promote crashes the primary and has the second take writes.
func (p *Pair) Promote() {
	p.t.Helper()
	p.primary.Kill()
	p.second.do("STOP SLAVE")
	p.second.do("RESET SLAVE ALL")
	p.second.do("SET GLOBAL read_only=0")
}

// do carries a statement out over the socket, as somebody who may do everything.
func (s *Server) do(statement string) {
	s.t.Helper()
	if err := execute(s.process.local(), statement); err != nil {
		s.t.Fatalf("%s: %v; the log:\n%s", statement, err, s.log())
	}
}

// ask reads one row.
func (s *Server) ask(query string, into ...any) {
	s.t.Helper()
	db, err := sql.Open("mysql", s.process.local())
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(s.t.Context(), statementTimeout)
	defer cancel()
	if err := db.QueryRowContext(ctx, query).Scan(into...); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

func (s *Server) programDSN() string {
	config, err := mysql.ParseDSN(s.dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	config.User = "program"
	return config.FormatDSN()
}

// log is the end of what the server has said.
func (s *Server) log() string {
	text, err := os.ReadFile(s.process.logPath())
	if err != nil {
		return err.Error()
	}
	return tail(text)
}
