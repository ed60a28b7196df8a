package model_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

func openDSN(dsn string) error {
	store, err := model.Open(model.Options{Driver: model.MySQL, DSN: dsn})
	if err != nil {
		return err
	}
	return store.Close()
}

func TestDSNIsRefused(t *testing.T) {
	t.Parallel()
	const base = "app:hunter2@tcp(127.0.0.1:3306)/wxsign"
	for name, test := range map[string]struct{ dsn, says string }{
		"sql_mode":                {base + "?sql_mode=ANSI", "sql_mode"},
		"time_zone":               {base + "?time_zone=%27%2B08%3A00%27", "time_zone"},
		"autocommit":              {base + "?autocommit=0", "autocommit"},
		"rows changed, not found": {base + "?clientFoundRows=false", "clientFoundRows"},
		"read-only accepted":      {base + "?rejectReadOnly=0", "rejectReadOnly"},
		"prepared statements":     {base + "?interpolateParams=False", "interpolateParams"},
		"several statements":      {base + "?parseTime=true&multiStatements=true", "multiStatements"},
		"no read timeout":         {base + "?readTimeout=0s", "readTimeout"},
		"long write timeout":      {base + "?writeTimeout=1m", "writeTimeout"},
		"dial timeout":            {base + "?timeout=30s", "timeout"},
		"charset":                 {base + "?charset=gbk", "charset"},
		"collation":               {base + "?collation=latin1_swedish_ci", "collation"},
		"the last one counts":     {base + "?timeout=3s&timeout=9s", "timeout"},
		"no database":             {"app:hunter2@tcp(127.0.0.1:3306)/", "names no database"},
		"no database, parameters": {"app:hunter2@tcp(127.0.0.1:3306)/?parseTime=true", "names no database"},
		"no slash":                {"app:hunter2@tcp(127.0.0.1:3306)", "of the form"},
		"no address":              {"app:hunter2/wxsign", "of the form"},
		"no @":                    {"app:hunter2(127.0.0.1:3306)/wxsign", "of the form"},
		"slash in the password":   {"app:hunter2/@tcp(127.0.0.1:3306)", "of the form"},
		"a URL":                   {"mysql://app:hunter2@127.0.0.1:3306/wxsign", "of the form"},
		"a bad escape":            {base + "?x=%hunter2", "of the form"},
		"a bad bool":              {base + "?parseTime=hunter2", "of the form"},
		"a bad duration":          {base + "?timeTruncate=hunter2", "of the form"},
		"what makes it panic":     {base + "?strict=true", "of the form"},
		"empty":                   {"", "database.dsn"},
		"a path":                  {"/var/lib/wxsign.db", "of the form"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := openDSN(test.dsn)
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "database.dsn") {
				t.Errorf("%v; want it refused for %q", err, test.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func TestDSNIsTaken(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"plain":                    "app:pw@tcp(127.0.0.1:3306)/wxsign",
		"GORM's usual one":         "app:pw@tcp(127.0.0.1:3306)/wxsign?charset=utf8mb4&parseTime=True&loc=Local",
		"what we would set anyway": "app:pw@tcp(db)/wxsign?timeout=3000ms&readTimeout=5s&clientFoundRows=1&time_zone=%27%2B00%3A00%27&multiStatements=false",
		"a socket":                 "app:pw@unix(/run/mysqld/mysqld.sock)/wxsign",
		"signs in the password":    "app:p@s:s/w(o)rd?&#%@tcp([::1]:3306)/wxsign",
		"TLS":                      "app:pw@tcp(db.example.com:3306)/wxsign?tls=skip-verify",
		"a collation of utf8mb4":   "app:pw@tcp(db)/wxsign?collation=utf8mb4_bin",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := openDSN(dsn); err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzDSN holds that no DSN panics and that no refusal repeats the password.
func FuzzDSN(f *testing.F) {
	f.Add("app:", "@tcp(127.0.0.1:3306)/wxsign?charset=utf8mb4")
	f.Add("app:", "/@tcp(x)/?strict=1")
	f.Add("", "(x)/y?tls=")
	f.Fuzz(func(t *testing.T, before, after string) {
		const password = "cOrrEcthorsE-9"
		if err := openDSN(before + password + after); err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("the error tells the password: %v", err)
		}
	})
}

func TestConnectionIsSafe(t *testing.T) {
	t.Parallel()
	store := modeltest.Connect(t, model.MySQL, modeltest.MariaDB(t)+"?charset=utf8mb4&parseTime=True&loc=Local")
	pool, _, err := store.Pools()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // on every connection, not only the first
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var got [5]string
		err = conn.QueryRowContext(t.Context(),
			"SELECT @@sql_mode, @@time_zone, @@autocommit, @@character_set_client, @@character_set_connection").
			Scan(&got[0], &got[1], &got[2], &got[3], &got[4])
		if want := [5]string{"STRICT_ALL_TABLES", "+00:00", "1", "utf8mb4", "utf8mb4"}; err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// Rows found count, not rows changed; and an argument that breaks out of its
// quotes cannot begin a second statement.
func TestConnectionCountsFoundRows(t *testing.T) {
	t.Parallel()
	pool, _, err := modeltest.Connect(t, model.MySQL, modeltest.MariaDB(t)).Pools()
	if err != nil {
		t.Fatal(err)
	}
	exec(t, pool, "CREATE TABLE found (a INT)")
	exec(t, pool, "INSERT INTO found VALUES (1)")
	result, err := pool.Exec("UPDATE found SET a = 1")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Errorf("%d rows affected, %v; want 1, though it changed nothing", n, err)
	}
	if _, err := pool.Exec("DELETE FROM found; DELETE FROM found"); err == nil {
		t.Error("two statements were taken as one")
	}
}

func TestMySQLOpensWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	store := modeltest.Connect(t, model.MySQL, "app:hunter2@tcp(127.0.0.1:1)/wxsign")
	_, err := store.Now(t.Context())
	is(t, "nobody listens", err, model.ErrUnreachable)
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells the password: %v", err)
	}
}
