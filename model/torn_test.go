package model_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// A restore that ended before its end leaves tables without their version where it
// had not come to the versions, and else versions without their tables.
func TestHalfARestoreIsRefused(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		for name, tt := range map[string]struct {
			cut  []string
			says string // by MigrateUp
		}{
			"no versions": {
				[]string{"DROP TABLE goose_db_version", "DROP TABLE history", "DROP TABLE master_key"}, "account",
			},
			"versions, and none in them": {[]string{"DELETE FROM goose_db_version"}, ""},
			"the last tables are missing": {
				[]string{"DROP TABLE verify_file", "DROP TABLE history"}, "without the tables history, verify_file)",
			},
		} {
			t.Run(engine.Name+", "+name, func(t *testing.T) {
				t.Parallel()
				store, dsn := migrated(t, engine)
				db := raw(t, engine.Driver, dsn)
				for _, statement := range tt.cut {
					exec(t, db, statement)
				}
				if err := store.CheckSchema(t.Context()); !errors.Is(err, model.ErrSchemaTorn) && !errors.Is(err, model.ErrSchemaOlder) {
					t.Errorf("check: %v, want ErrSchemaTorn, or ErrSchemaOlder", err)
				}
				for range 2 { // the first must not make it look whole
					_, err := store.MigrateUp(t.Context())
					if !errors.Is(err, model.ErrSchemaTorn) || !strings.Contains(err.Error(), tt.says) {
						t.Errorf("up: %v, want ErrSchemaTorn and %q", err, tt.says)
					}
				}
			})
		}
	}
}
