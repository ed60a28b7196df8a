// Package model is the database: row types, their queries and nothing else. It
// is the only package that imports gorm.
//
// Everything that decides who may refresh a credential is one statement on one
// row by primary key, in autocommit, judged by the number of rows it changed;
// instants are compared inside the statement with the database's own clock. So
// the same text is right on SQLite, MySQL, MariaDB, Galera, TiDB and Aurora.
package model

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"gorm.io/gorm"
)

// The drivers.
const (
	SQLite = "sqlite"
	MySQL  = "mysql"
)

// Options of Open. Zero fields mean: MaxOpen and MaxIdle 10, ConnMaxLifetime 3
// minutes (below every common idle cut), Logger = slog.Default().
type Options struct {
	Driver string // SQLite or MySQL
	DSN    string // file name or go-sql-driver DSN; may hold a password
	// RootCAs may sign MySQL's certificate where the DSN says tls=true; nil = the
	// system's.
	RootCAs         *x509.CertPool
	MaxOpen         int
	MaxIdle         int
	ConnMaxLifetime time.Duration
	Logger          *slog.Logger
	// NowMS replaces the SQL expression for the database's clock in Unix
	// milliseconds. It is for tests that control time.
	NowMS string
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	driver string
	read   *gorm.DB
	write  *gorm.DB // on SQLite a pool of one connection, else the same as read
	nowMS  string
	opts   Options
}

// Open prepares the connection pools. On MySQL it makes no connection yet, so
// it succeeds while the server is down; on SQLite it opens (or makes) the file.
func Open(o Options) (*Store, error) {
	if o.MaxOpen <= 0 {
		o.MaxOpen = 10
	}
	if o.MaxIdle <= 0 {
		o.MaxIdle = o.MaxOpen
	}
	if o.ConnMaxLifetime <= 0 {
		o.ConnMaxLifetime = 3 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	var s *Store
	var err error
	switch o.Driver {
	case SQLite:
		s, err = openSQLite(o)
	case MySQL:
		s, err = openMySQL(o)
	default:
		return nil, fmt.Errorf("database.driver %q: use %q or %q", o.Driver, SQLite, MySQL)
	}
	if err != nil {
		return nil, err
	}
	if o.NowMS != "" {
		s.nowMS = o.NowMS
	}
	return s, nil
}

// Driver is SQLite or MySQL.
func (s *Store) Driver() string { return s.driver }

// Close closes the pools.
func (s *Store) Close() error {
	err := closePool(s.read)
	if s.write != s.read {
		err = errors.Join(err, closePool(s.write))
	}
	return err
}

func closePool(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return pool.Close()
}

// Now is the database's clock in Unix milliseconds; it serves as a ping too.
func (s *Store) Now(ctx context.Context) (int64, error) {
	var now int64
	err := s.query(ctx, "SELECT NOWMS").Scan(&now).Error
	return now, wrap("read the database clock", err)
}

// sql puts the dialect's clock in place of NOWMS: the only difference between
// the dialects in all statements of this package.
func (s *Store) sql(statement string) string {
	return strings.ReplaceAll(statement, "NOWMS", s.nowMS)
}

func (s *Store) query(ctx context.Context, statement string, args ...any) *gorm.DB {
	return s.read.WithContext(ctx).Raw(s.sql(statement), args...)
}

// exec runs one statement in autocommit and tells how many rows it changed.
func (s *Store) exec(ctx context.Context, what, statement string, args ...any) (int64, error) {
	result := s.write.WithContext(ctx).Exec(s.sql(statement), args...)
	return result.RowsAffected, wrap(what, result.Error)
}

// gormConfig: no hidden transactions, no hidden statements, and a logger that
// never prints arguments.
func gormConfig(logger *slog.Logger) *gorm.Config {
	return &gorm.Config{
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
		TranslateError:         true,
		Logger:                 quietLogger{logger},
	}
}
