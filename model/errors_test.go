package model_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// is holds that an error is of one class and of no other.
func is(t *testing.T, what string, err, class error) {
	t.Helper()
	for _, c := range []error{model.ErrNotApplied, model.ErrUnreachable, model.ErrAccess, model.ErrDuplicate, model.ErrNotFound} {
		if errors.Is(err, c) != (c == class) { //nolint:errorlint // which of the sentinels it is
			t.Errorf("%s: %v; want %q", what, err, class)
			return
		}
	}
}

func TestLockWaitIsNotApplied(t *testing.T) {
	t.Parallel()
	dsn := modeltest.MariaDB(t)
	store := modeltest.Connect(t, model.MySQL, dsn+"?innodb_lock_wait_timeout=1")
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := grantOf(t, store, insert(t, store), "me")
	tx := begin(t, raw(t, model.MySQL, dsn))
	exec(t, tx, "UPDATE credential SET force_ms = 1 WHERE app_id = ? AND kind = ?", g.AppID, g.Kind)
	_, err := store.Claim(t.Context(), g, lease)
	is(t, "1205", err, model.ErrNotApplied)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	held, err := store.Claim(t.Context(), g, lease)
	want(t, "claim after the lock", true, held, err)
}

// A store's statements lock one row each, except for a few that belong to no
// claim; one of these meets a transaction that locks its rows from the other end.
func TestDeadlockIsNotApplied(t *testing.T) {
	t.Parallel()
	dsn := modeltest.MariaDB(t)
	store := modeltest.Connect(t, model.MySQL, dsn)
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	appID := insert(t, store)
	db := raw(t, model.MySQL, dsn)
	tx := begin(t, db)
	for range 50 { // the lighter one is the victim
		exec(t, tx, "INSERT INTO qa_report (app_id, profile, page_url, user_agent, client, verdict, detail, created_ms) VALUES ('', '', '', '', '', '', '', 0)")
	}
	exec(t, tx, "UPDATE credential SET force_ms = 1 WHERE app_id = ? AND kind = 'jsapi'", appID)
	result := make(chan error, 1)
	go func() { result <- store.ForgetValues(t.Context(), []string{appID}, 1<<62) }()
	waitForLockWait(t, db, appID)
	exec(t, tx, "UPDATE credential SET force_ms = 1 WHERE app_id = ? AND kind = ?", appID, token)
	is(t, "1213", <-result, model.ErrNotApplied)
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
}

func begin(t *testing.T, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func waitForLockWait(t *testing.T, db *sql.DB, in string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(150 * time.Millisecond) {
		var n int
		err := db.QueryRow("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE ?", "%"+in+"%").Scan(&n)
		switch {
		case err != nil:
			t.Fatal(err)
		case n > 0:
			return
		case time.Now().After(deadline):
			t.Fatal("the statement does not wait for the lock")
		}
	}
}

// running waits for a statement of another connection and returns the connection.
func running(t *testing.T, db *sql.DB, like string) (connection int64) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := db.QueryRow("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE ?", "%"+like+"%").Scan(&connection)
		switch {
		case err == nil:
			return connection
		case !errors.Is(err, sql.ErrNoRows) || time.Now().After(deadline):
			t.Fatalf("the statement does not run: %v", err)
		}
	}
}

// withUsers is a server that knows these users: app may do everything in its
// database, reader may only read, outsider has no right in it.
func withUsers(t *testing.T) (server *modeltest.Server, root *sql.DB, as func(user, password string) *model.Store) {
	t.Helper()
	server = modeltest.MariaDBServer(t)
	root = raw(t, model.MySQL, server.DSN())
	root.SetMaxOpenConns(1) // opened while the server asked for no rights
	for _, statement := range []string{
		"FLUSH PRIVILEGES",
		"CREATE USER app@'%' IDENTIFIED BY 'right'", "GRANT ALL ON wxsign.* TO app@'%'",
		"CREATE USER reader@'%' IDENTIFIED BY 'right'", "GRANT SELECT ON wxsign.* TO reader@'%'",
		"CREATE USER outsider@'%' IDENTIFIED BY 'right'",
	} {
		exec(t, root, statement)
	}
	return server, root, func(user, password string) *model.Store {
		config, err := mysql.ParseDSN(server.DSN())
		if err != nil {
			t.Fatal(err)
		}
		config.User, config.Passwd = user, password
		return modeltest.Connect(t, model.MySQL, config.FormatDSN())
	}
}

func TestRightsOnMySQL(t *testing.T) {
	t.Parallel()
	server, root, as := withUsers(t)
	app := as("app", "right")
	if _, err := app.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := grantOf(t, app, insert(t, app), "me")
	for name, store := range map[string]*model.Store{
		"wrong password":           as("app", "wrong-secret"),
		"unknown user":             as("nobody", "right"),
		"no right in the database": as("outsider", "right"),
	} {
		_, err := store.Now(t.Context())
		is(t, name, err, model.ErrAccess)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
	reader := as("reader", "right")
	_, err := reader.Claim(t.Context(), g, lease)
	is(t, "no right to write", err, model.ErrAccess)
	if err := reader.CheckSchema(t.Context()); err != nil {
		t.Errorf("the schema cannot be checked by reading alone: %v", err)
	}

	// A cluster that fails over leaves a node that only reads.
	exec(t, root, "SET GLOBAL read_only = 1")
	_, err = app.Claim(t.Context(), g, lease)
	is(t, "read-only", err, model.ErrUnreachable)
	if _, err := app.Tended(t.Context(), g.AppID); err != nil {
		t.Errorf("reading from a read-only server: %v", err)
	}
	exec(t, root, "SET GLOBAL read_only = 0")
	held, err := app.Claim(t.Context(), g, lease)
	want(t, "claim, writable again", true, held, err)

	server.Stop()
	_, err = app.Now(t.Context())
	is(t, "server down", err, model.ErrUnreachable)
	_, err = app.MigrateUp(t.Context())
	is(t, "server down, migrating", err, model.ErrUnreachable)
	server.Start()
	if _, err := app.Now(t.Context()); err != nil {
		t.Errorf("the server is back, the store is not: %v", err)
	}
}

func TestUnknownDatabaseIsAccess(t *testing.T) {
	t.Parallel()
	store := modeltest.Connect(t, model.MySQL, modeltest.MariaDB(t)+"_not")
	_, err := store.Now(t.Context())
	is(t, "unknown database", err, model.ErrAccess)
}

func TestKilledConnectionIsOpenOutcome(t *testing.T) {
	t.Parallel()
	dsn := modeltest.MariaDB(t)
	store := modeltest.Connect(t, model.MySQL, dsn)
	if _, err := store.MigrateUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	g := grantOf(t, store, insert(t, store), "me")
	for _, kill := range []string{"KILL ", "KILL QUERY "} {
		db := raw(t, model.MySQL, dsn)
		tx := begin(t, db)
		exec(t, tx, "UPDATE credential SET force_ms = force_ms + 1 WHERE app_id = ?", g.AppID)
		result := make(chan error, 1)
		go func() {
			_, err := store.Claim(t.Context(), g, lease)
			result <- err
		}()
		exec(t, db, kill+"?", running(t, db, "SET fence=fence+1%"+g.AppID))
		is(t, kill, <-result, model.ErrUnreachable)
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeadlineOnHangingServer(t *testing.T) {
	t.Parallel()
	proxy, through, direct := behindProxy(t)
	g := grantOf(t, direct, insert(t, direct), "me")
	if _, err := through.Now(t.Context()); err != nil { // a connection in the pool
		t.Fatal(err)
	}
	proxy.Hang()
	for name, cancelled := range map[string]bool{"deadline": false, "cancel": true} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if cancelled {
			cancel()
		}
		begin := time.Now()
		_, err := through.Claim(ctx, g, lease)
		is(t, name, err, model.ErrUnreachable)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		cancel()
	}
	started := time.Now()
	_, err := through.Now(t.Context()) // whoever forgets the deadline
	is(t, "no deadline", err, model.ErrUnreachable)
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("without a deadline it took %s, the read timeout is 5 s", took)
	}
	proxy.Cut()
	_, err = through.Now(t.Context())
	is(t, "refused", err, model.ErrUnreachable)
	proxy.Restore()
	if _, err := through.Now(t.Context()); err != nil {
		t.Errorf("restored: %v", err)
	}
}

// Nobody may hold SQLite's write lock for long; if somebody does, the claim
// surely did not happen. SQLite waits for a lock as long as busy_timeout says,
// whatever the context: a deadline cannot end that wait, nor make it longer.
func TestSQLiteBusyIsNotApplied(t *testing.T) {
	t.Parallel()
	store, path := migrated(t, modeltest.Engines()[0])
	g := grantOf(t, store, insert(t, store), "me")
	conn, err := raw(t, model.SQLite, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err = store.Claim(ctx, g, lease)
	is(t, "busy", err, model.ErrNotApplied)
	if waited := time.Since(started); waited > 8*time.Second {
		t.Errorf("it waited %s for the lock, busy_timeout is 5 s", waited)
	}
	if _, err := store.Tended(t.Context(), g.AppID); err != nil {
		t.Errorf("reading beside a writer: %v", err)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	held, err := store.Claim(t.Context(), g, lease)
	want(t, "claim after the lock", true, held, err)
}
