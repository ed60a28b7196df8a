package model

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	driver "github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/wxsign/wxsign/migrations"
)

var (
	// ErrSchemaNewer says that a newer wxsign has migrated this database.
	ErrSchemaNewer = errors.New("the database schema is newer than this wxsign knows: run the newer version, or restore the backup from before the upgrade")
	// ErrSchemaOlder says that migrations wait and nobody may apply them here.
	ErrSchemaOlder = errors.New("the database schema is older than this wxsign needs: run `wxsign migrate up`, or set database.auto_migrate = true")
)

// How long one replica waits for another that is migrating.
const (
	migrationLockPoll  = time.Second
	migrationLockTries = 300
)

// Migration is one step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied time.Time // zero = pending
}

// MigrateUp brings the schema to the version this program knows and returns
// the steps it applied. Several replicas may call it at once: on MySQL they
// take turns by a lock row. It fails with ErrSchemaNewer on a newer schema, and
// with ErrSchemaTorn on a part of one.
func (s *Store) MigrateUp(ctx context.Context) ([]Migration, error) {
	var applied []Migration
	err := s.withGoose(ctx, func(p *goose.Provider) error {
		if err := s.refuseForeign(ctx, p); err != nil {
			return err
		}
		// Asked before the lock is taken: most starts have nothing to do, and
		// then a lock left behind by a killed process delays nobody.
		if pending, err := p.HasPending(ctx); err != nil || !pending {
			return err
		}
		results, err := p.Up(ctx)
		for _, r := range results {
			applied = append(applied, Migration{Version: r.Source.Version, Name: migrationName(r.Source.Path), Applied: time.Now()})
		}
		return err
	})
	return applied, wrap("migrate the database", err)
}

// MigrateStatus lists all steps this program knows, oldest first, with
// ErrSchemaNewer where the database knows more.
func (s *Store) MigrateStatus(ctx context.Context) ([]Migration, error) {
	var steps []Migration
	err := s.withGoose(ctx, func(p *goose.Provider) error {
		status, err := p.Status(ctx)
		for _, st := range status {
			steps = append(steps, Migration{Version: st.Source.Version, Name: migrationName(st.Source.Path), Applied: st.AppliedAt})
		}
		return errors.Join(err, refuseNewer(ctx, p))
	})
	return steps, wrap("read the schema version", err)
}

// CheckSchema fails with ErrSchemaNewer, ErrSchemaOlder or ErrSchemaTorn unless the
// schema is just what this program knows.
func (s *Store) CheckSchema(ctx context.Context) error {
	err := s.withGoose(ctx, func(p *goose.Provider) error {
		if err := s.refuseForeign(ctx, p); err != nil {
			return err
		}
		pending, err := p.HasPending(ctx)
		if err == nil && pending {
			return ErrSchemaOlder
		}
		return err
	})
	return wrap("check the schema version", err)
}

// refuseForeign fails on a schema that this program can do nothing with.
func (s *Store) refuseForeign(ctx context.Context, p *goose.Provider) error {
	if err := refuseNewer(ctx, p); err != nil {
		return err
	}
	return s.refuseTorn(ctx, p)
}

func refuseNewer(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	if err == nil && current > target {
		return fmt.Errorf("%w (schema %d, known %d)", ErrSchemaNewer, current, target)
	}
	return err
}

// withGoose lends a provider on a connection of its own: DDL may take longer
// than the read timeout of the serving pool.
func (s *Store) withGoose(ctx context.Context, use func(*goose.Provider) error) error {
	db, dialect, options, err := s.gooseParts()
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrations.FS, s.driver)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if s.driver == MySQL {
		if err := seedVersions(ctx, db); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	options = append(options, goose.WithDisableGlobalRegistry(true), goose.WithSlog(s.opts.Logger))
	provider, err := goose.NewProvider(dialect, db, files, options...)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	return errors.Join(tornBy(use(provider)), provider.Close())
}

func (s *Store) gooseParts() (*sql.DB, goose.Dialect, []goose.ProviderOption, error) {
	if s.driver == SQLite {
		dsn, err := sqliteDSN(s.opts.DSN)
		if err != nil {
			return nil, "", nil, err
		}
		db, err := sql.Open(sqlite.DriverName, dsn)
		if err != nil {
			return nil, "", nil, err
		}
		db.SetMaxOpenConns(1)
		return db, goose.DialectSQLite3, nil, nil
	}
	config, err := mysqlConfig(s.opts.DSN, s.opts.RootCAs)
	if err != nil {
		return nil, "", nil, err
	}
	config.ReadTimeout, config.WriteTimeout = 0, 0
	config.Logger = driverLogger{s.opts.Logger}
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, "", nil, err
	}
	locker, err := lock.NewMySQLTableLocker(
		lock.WithTableName("wxsign_migration_lock"),
		lock.WithTableLockTimeout(migrationLockPoll, migrationLockTries))
	if err != nil {
		return nil, "", nil, err
	}
	return sql.OpenDB(connector), goose.DialectMySQL, []goose.ProviderOption{goose.WithLocker(locker)}, nil
}

// migrationName is the file name without number and ending.
func migrationName(path string) string {
	name := path[strings.LastIndex(path, "/")+1:]
	_, name, _ = strings.Cut(strings.TrimSuffix(name, ".sql"), "_")
	return name
}
