package keeper_test

import (
	"database/sql"
)

// rawSQL changes rows behind wxsign's back, as a restore or an intruder does.
func (w *world) rawSQL(statement string, args ...any) {
	w.t.Helper()
	if w.ddl(statement, args...) == 0 {
		w.t.Fatalf("%s: changed no row", statement)
	}
}

// ddl is rawSQL for statements that need not change a row.
func (w *world) ddl(statement string, args ...any) int64 {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.path+"?_pragma=busy_timeout(5000)")
	must(w.t, err)
	defer db.Close()
	result, err := db.ExecContext(w.t.Context(), statement, args...)
	must(w.t, err)
	n, err := result.RowsAffected()
	must(w.t, err)
	return n
}

// makeDue makes a credential due now.
func (w *world) makeDue(id, kind string) {
	w.t.Helper()
	w.rawSQL("UPDATE credential SET next_refresh_ms=0 WHERE app_id=? AND kind=?", id, kind)
}
