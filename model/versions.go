package model

import (
	"context"
	"database/sql"
)

// versionsTable is goose's, in the shape that goose gives it.
const versionsTable = "goose_db_version"

// seedVersions makes goose's table with the row "version 0". Goose does both in
// one transaction, which MySQL commits after the first half: a replica that
// looks between the halves fails to start, and after a crash there every replica
// does, for ever. Here each half may be repeated by anybody. It only reads where
// the table is whole, so a user without the right to create tables can start.
func seedVersions(ctx context.Context, db *sql.DB) error {
	var there int
	err := db.QueryRowContext(ctx, `
SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '`+versionsTable+`'`).Scan(&there)
	if err == nil && there == 0 {
		_, err = db.ExecContext(ctx, `
CREATE TABLE IF NOT EXISTS `+versionsTable+` (
  id         BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  version_id BIGINT          NOT NULL,
  is_applied BOOLEAN         NOT NULL,
  tstamp     DATETIME        NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id)
) ENGINE=InnoDB`)
	}
	if err != nil {
		return err
	}
	var first int
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+versionsTable+" WHERE version_id = 0").Scan(&first)
	if err == nil && first == 0 {
		_, err = db.ExecContext(ctx, "INSERT IGNORE INTO "+versionsTable+" (id, version_id, is_applied) VALUES (1, 0, TRUE)")
	}
	return err
}
