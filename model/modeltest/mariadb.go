// Package modeltest gives tests real databases, and the means to break them:
// Open a store on any of the Engines, MariaDB a database on a shared server,
// MariaDBServer a server that can be stopped and killed, MariaDBPair two with
// replication, Galera a cluster, Clock a server's own clock that can be set, Proxy
// a connection that can be cut around a single query. Conformance and Race hold
// every engine to the same rules.
package modeltest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// EnvMySQL names the environment variable that points MariaDB at a server which
// runs already, as a go-sql-driver DSN such as "root:pw@tcp(127.0.0.1:3306)/".
// Its user must be allowed to create and drop databases.
const EnvMySQL = "WXSIGN_TEST_MYSQL_DSN"

// statementTimeout bounds one CREATE or DROP DATABASE.
const statementTimeout = 20 * time.Second

// shared starts the one mariadbd that all tests of a test binary use. It is
// never stopped: mariadbd ends, and its files go, when the test binary ends.
var shared = sync.OnceValues(func() (*mariadbd, error) { return startMariadbd(mariadbd{}) })

// MariaDB gives the test an empty database on a real MariaDB and returns its
// DSN, without parameters. The database is dropped at the end of the test, so
// whatever uses it must be closed by then (Cleanup runs in reverse order).
//
// The server is that of EnvMySQL or, if unset, one mariadbd which the first call
// of a test binary starts in about a second. It cannot be used in a synctest
// bubble.
func MariaDB(t testing.TB) string {
	t.Helper()
	server := os.Getenv(EnvMySQL)
	if server == "" {
		started, err := shared()
		if err != nil {
			t.Fatalf("a real MariaDB: %v", err)
		}
		server = started.dsn()
	}
	name := "wxsign_" + strings.ToLower(rand.Text())
	dsn, err := createDatabase(server, name)
	if err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := execute(server, "DROP DATABASE "+name); err != nil {
			t.Errorf("drop database %s: %v (does a transaction outlive the test?)", name, err)
		}
	})
	return dsn
}

// createDatabase returns the DSN of the new database.
func createDatabase(server, name string) (string, error) {
	config, err := mysql.ParseDSN(server)
	if err != nil {
		return "", err
	}
	if err := execute(server, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		return "", err
	}
	config.DBName = name
	return config.FormatDSN(), nil
}

// execute runs one statement outside any database, on a connection of its own:
// a pool that lives on would show as a leaked goroutine in other people's tests.
func execute(server, statement string) error {
	config, err := mysql.ParseDSN(server)
	if err != nil {
		return err
	}
	config.DBName = ""
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), statementTimeout)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	return err
}
