package model

import (
	"context"
	"errors"
)

// Facts is what the database says of itself; it is for operators.
type Facts struct {
	Version  string
	Settings map[string]string // by the engine's own names; those it does not have are missing
}

// mysqlSettings are the settings that decide whether a committed publish stays,
// and whether one can be made at all.
var mysqlSettings = []string{
	"version_comment", "transaction_isolation", "tx_isolation", "read_only", "super_read_only", "innodb_read_only",
	"innodb_flush_log_at_trx_commit", "sync_binlog", "log_bin", "max_connections", "wsrep_on", "character_set_database",
}

// Facts asks the engine for its version and settings.
func (s *Store) Facts(ctx context.Context) (Facts, error) {
	f := Facts{Settings: map[string]string{}}
	if s.driver == SQLite {
		return f, s.sqliteFacts(ctx, &f)
	}
	var rows []struct {
		Name  string `gorm:"column:Variable_name"`
		Value string `gorm:"column:Value"`
	}
	err := errors.Join(
		s.query(ctx, "SELECT VERSION()").Scan(&f.Version).Error,
		s.query(ctx, "SHOW VARIABLES WHERE Variable_name IN ?", mysqlSettings).Scan(&rows).Error)
	for _, row := range rows {
		f.Settings[row.Name] = row.Value
	}
	rows = nil
	if err == nil && f.Settings["wsrep_on"] == "ON" {
		err = s.query(ctx, "SHOW STATUS WHERE Variable_name IN ?", []string{"wsrep_cluster_status", "wsrep_ready"}).Scan(&rows).Error
	}
	for _, row := range rows {
		f.Settings[row.Name] = row.Value
	}
	return f, wrap("ask the database for its settings", err)
}

func (s *Store) sqliteFacts(ctx context.Context, f *Facts) error {
	err := s.query(ctx, "SELECT sqlite_version()").Scan(&f.Version).Error
	for _, name := range []string{"journal_mode", "synchronous", "quick_check(1)"} {
		var value string
		err = errors.Join(err, s.query(ctx, "PRAGMA "+name).Scan(&value).Error)
		f.Settings[name] = value
	}
	return wrap("ask the database for its settings", err)
}

// TryWrite proves that this user may insert, update and delete on this node. It
// changes no row.
func (s *Store) TryWrite(ctx context.Context) error {
	for _, statement := range []string{
		"UPDATE credential SET fence=fence WHERE 1=0",
		"DELETE FROM history WHERE 1=0",
		"INSERT INTO master_key (key_id, check_enc, created_ms) SELECT key_id, check_enc, created_ms FROM master_key WHERE 1=0",
	} {
		if _, err := s.exec(ctx, "try to write", statement); err != nil {
			return err
		}
	}
	return nil
}
