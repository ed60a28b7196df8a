package model

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/glebarez/go-sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"

	"github.com/wxsign/wxsign/migrations"
)

// ErrSchemaTorn says that the schema and its version do not belong together: there
// are tables without their version, or a version without its tables.
var ErrSchemaTorn = errors.New("the database holds a part of wxsign's schema, as a restore leaves it that ended before its end, or an upgrade that was cut off: restore the backup again, into an empty database")

// refuseTorn fails with ErrSchemaTorn where a table is missing that the schema's
// version has: each query of it would fail, much later and with other words.
func (s *Store) refuseTorn(ctx context.Context, p *goose.Provider) error {
	version, _, err := p.GetVersions(ctx) // takes no lock; before the look at the tables, which only become more
	if err != nil {
		return err
	}
	there, err := s.tables(ctx)
	if err != nil {
		return err
	}
	made, err := s.tablesOf(p, version)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(made, func(table string) bool { return slices.Contains(there, table) })
	if len(missing) > 0 {
		return fmt.Errorf("%w (schema %d without the tables %s)", ErrSchemaTorn, version, strings.Join(missing, ", "))
	}
	return nil
}

// tables lists all tables of the database.
func (s *Store) tables(ctx context.Context) (names []string, err error) {
	list := "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	if s.driver == SQLite {
		list = "SELECT name FROM sqlite_master WHERE type = 'table'"
	}
	return names, s.query(ctx, list).Scan(&names).Error
}

// tableMade finds the table that a migration makes. None is ever dropped or renamed:
// migrations only add.
var tableMade = regexp.MustCompile(`(?m)^CREATE TABLE (?:IF NOT EXISTS )?(\w+)`)

// tablesOf lists the tables that a schema of this version has.
func (s *Store) tablesOf(p *goose.Provider, version int64) ([]string, error) {
	var tables []string
	for _, source := range p.ListSources() {
		if source.Version > version {
			continue
		}
		text, err := fs.ReadFile(migrations.FS, s.driver+"/"+source.Path)
		if err != nil {
			return nil, err
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		for _, made := range tableMade.FindAllStringSubmatch(up, -1) {
			tables = append(tables, made[1])
		}
	}
	return tables, nil
}

// MySQL's errors for what is there already.
const (
	mysqlTableExists = 1050 // ER_TABLE_EXISTS_ERROR
	mysqlColumnTwice = 1060 // ER_DUP_FIELDNAME
	mysqlIndexTwice  = 1061 // ER_DUP_KEYNAME
)

// tornBy adds ErrSchemaTorn to the error of a migration that finds its work done:
// then the version is older than the tables.
func tornBy(err error) error {
	var my *mysqldriver.MySQLError
	var lite *sqlite.Error
	switch {
	case errors.As(err, &my):
		if my.Number != mysqlTableExists && my.Number != mysqlColumnTwice && my.Number != mysqlIndexTwice {
			return err
		}
	case !errors.As(err, &lite), !strings.Contains(lite.Error(), "already exists") && !strings.Contains(lite.Error(), "duplicate column name"):
		return err
	}
	return fmt.Errorf("%w (%w)", ErrSchemaTorn, err)
}
