package model

import (
	"fmt"
	"log/slog"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// mysqlNowMS is NOW, not SYSDATE: the instant a statement began, so a claim
// that waited for a row lock counts its lease from before the wait.
const mysqlNowMS = "CAST(UNIX_TIMESTAMP(NOW(6))*1000 AS SIGNED)"

// What safety needs of a connection. A DSN that says otherwise is refused
// rather than overruled, so that nobody is surprised.
const (
	dialTimeout  = 3 * time.Second
	readTimeout  = 5 * time.Second
	writeTimeout = 5 * time.Second
)

var mysqlParams = map[string]string{
	"time_zone": "'+00:00'",
	"sql_mode":  "'STRICT_ALL_TABLES'",
}

func openMySQL(o Options) (*Store, error) {
	config, err := mysqlConfig(o.DSN)
	if err != nil {
		return nil, err
	}
	config.Logger = driverLogger{o.Logger}
	connector, err := driver.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("database.dsn: %w", err)
	}
	// SkipInitializeWithVersion: gorm would otherwise ask the server while
	// opening, and the server may be down.
	dialector := mysql.New(mysql.Config{
		Conn:                      sqlOpen(connector, o),
		SkipInitializeWithVersion: true,
	})
	db, err := gorm.Open(dialector, gormConfig(o.Logger))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &Store{driver: MySQL, read: db, write: db, nowMS: mysqlNowMS, opts: o}, nil
}

// mysqlConfig completes the operator's DSN with what safety needs.
func mysqlConfig(dsn string) (*driver.Config, error) {
	config, err := driver.ParseDSN(dsn)
	if err != nil {
		return nil, fmt.Errorf("database.dsn is not of the form user:password@tcp(host:3306)/name: %w", err)
	}
	if config.DBName == "" {
		return nil, fmt.Errorf("database.dsn names no database: write it behind the slash, user:password@tcp(host:3306)/name")
	}
	config.ParseTime = true
	config.Loc = time.UTC
	config.RejectReadOnly = true
	config.InterpolateParams = true
	config.ClientFoundRows = true
	config.MultiStatements = false
	config.Timeout = dialTimeout
	config.ReadTimeout = readTimeout
	config.WriteTimeout = writeTimeout
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	for name, value := range mysqlParams {
		if given, found := config.Params[name]; found && given != value {
			return nil, fmt.Errorf("database.dsn sets %s, which wxsign sets itself to %s: take it out of the DSN", name, value)
		}
		config.Params[name] = value
	}
	return config, nil
}

// driverLogger turns the driver's own complaints ("unexpected EOF") into debug
// lines: every failure is returned and handled, so they would only be noise.
type driverLogger struct{ slog *slog.Logger }

func (l driverLogger) Print(v ...any) {
	l.slog.Debug("mysql driver", "text", fmt.Sprint(v...))
}
