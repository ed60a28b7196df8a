package model

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/glebarez/go-sqlite" // the database/sql driver "sqlite", without cgo
	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
)

const sqliteNowMS = "CAST(unixepoch('subsec')*1000 AS INTEGER)"

// sqliteReaders bounds the readers beside the one writer.
const sqliteReaders = 4

// openSQLite opens two pools on the file: one connection that writes, so that
// writers queue in Go instead of meeting SQLITE_BUSY, and a few that read.
func openSQLite(o Options) (*Store, error) {
	dsn, err := sqliteDSN(o.DSN)
	if err != nil {
		return nil, err
	}
	if err := makePrivate(o.DSN); err != nil {
		return nil, err
	}
	write, err := openSQLitePool(dsn, o, 1)
	if err != nil {
		return nil, err
	}
	read, err := openSQLitePool(dsn, o, sqliteReaders)
	if err != nil {
		return nil, errors.Join(err, closePool(write))
	}
	s := &Store{driver: SQLite, read: read, write: write, nowMS: sqliteNowMS, opts: o}
	if err := s.checkPragmas(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// makePrivate makes a missing file for its owner alone: password hashes and
// addresses of people stand in it unsealed. SQLite gives the files beside it
// the same mode. A file that is there keeps its mode.
func makePrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case err == nil:
		return file.Close()
	case errors.Is(err, fs.ErrExist):
		return nil
	}
	return fmt.Errorf("open %s: %w (is the folder there and writable?)", path, err)
}

// sqliteDSN adds what makes concurrent use right: _txlock=immediate (else a
// transaction that reads first fails at once when it writes), a busy timeout
// for other processes (the commands), and the write-ahead log.
func sqliteDSN(path string) (string, error) {
	if path == "" || strings.ContainsAny(path, "?#%") || strings.HasPrefix(path, "file:") || path == ":memory:" {
		return "", fmt.Errorf("database.dsn: with SQLite it is a plain file name such as wxsign.db; its settings are wxsign's own")
	}
	q := url.Values{}
	q.Add("_txlock", "immediate")
	q.Add("_pragma", "busy_timeout(5000)")
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	return "file:" + filepath.Clean(path) + "?" + q.Encode(), nil // of "//x" SQLite would read x as a host
}

func openSQLitePool(dsn string, o Options, size int) (*gorm.DB, error) {
	pool, err := sql.Open(sqlite.DriverName, dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", o.DSN, err)
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	db, err := gorm.Open(&sqlite.Dialector{Conn: pool}, gormConfig(o.Logger))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w (is the folder there and writable?)", o.DSN, err), pool.Close())
	}
	return db, nil
}

// checkPragmas reads the settings back: a DSN in another driver's style is
// passed over in silence, and then the database locks up under load.
func (s *Store) checkPragmas() error {
	for _, db := range []*gorm.DB{s.write, s.read} {
		var mode string
		var busy int
		err := errors.Join(
			db.Raw("PRAGMA journal_mode").Scan(&mode).Error,
			db.Raw("PRAGMA busy_timeout").Scan(&busy).Error)
		if err != nil {
			return fmt.Errorf("open %s: %w", s.opts.DSN, err)
		}
		if mode != "wal" || busy != 5000 {
			return fmt.Errorf("open %s: journal_mode is %q and busy_timeout %d: the file system does not support SQLite's write-ahead log; use a local disk", s.opts.DSN, mode, busy)
		}
	}
	return nil
}

// sqlOpen makes a pool with the operator's limits.
func sqlOpen(connector driver.Connector, o Options) *sql.DB {
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(o.MaxOpen)
	pool.SetMaxIdleConns(o.MaxIdle)
	pool.SetConnMaxLifetime(o.ConnMaxLifetime)
	pool.SetConnMaxIdleTime(o.ConnMaxLifetime)
	return pool
}
