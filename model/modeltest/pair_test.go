package modeltest_test

import (
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/wxsign/wxsign/model/modeltest"
)

func TestPair(t *testing.T) {
	t.Parallel()
	pair := modeltest.MariaDBPair(t)
	proxy, dsn := modeltest.NewProxyFor(t, pair.DSN())
	db, second := open(t, dsn), open(t, pair.SecondDSN())
	exec1(t, db, "CREATE TABLE seen (id INT PRIMARY KEY)")
	exec1(t, db, "INSERT INTO seen VALUES (1)")
	pair.CatchUp()
	if n := count(t, second, "SELECT COUNT(*) FROM seen"); n != 1 {
		t.Errorf("the second has %d rows, want 1", n)
	}
	holdReadOnly := func(err error) {
		t.Helper()
		if refusal := (&mysql.MySQLError{}); !errors.As(err, &refusal) || refusal.Number != 1290 {
			t.Errorf("a write where nothing may be written: %v, want error 1290", err)
		}
	}
	_, err := second.ExecContext(t.Context(), "INSERT INTO seen VALUES (9)")
	holdReadOnly(err)
	pair.ReadOnly(true)
	_, err = db.ExecContext(t.Context(), "INSERT INTO seen VALUES (9)")
	holdReadOnly(err)
	pair.ReadOnly(false)
	pair.CutReplication()
	exec1(t, db, "INSERT INTO seen VALUES (2)") // is lost
	pair.Promote()
	if !down(t, db) {
		t.Error("the crashed primary answers")
	}
	proxy.Retarget(pair.SecondAddr())
	exec1(t, db, "INSERT INTO seen VALUES (3)")
	if n := count(t, db, "SELECT COUNT(*) FROM seen WHERE id IN (1, 3)"); n != 2 {
		t.Errorf("%d of the two rows that it should have", n)
	}
	if n := count(t, db, "SELECT COUNT(*) FROM seen"); n != 2 {
		t.Errorf("%d rows, want 2: the primary's last was never copied", n)
	}
}
