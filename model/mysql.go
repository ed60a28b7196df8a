package model

import (
	"fmt"
	"log/slog"

	driver "github.com/go-sql-driver/mysql"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// mysqlNowMS is NOW, not SYSDATE: the instant a statement began, so a claim
// that waited for a row lock counts its lease from before the wait.
const mysqlNowMS = "CAST(UNIX_TIMESTAMP(NOW(6))*1000 AS SIGNED)"

func openMySQL(o Options) (*Store, error) {
	config, err := mysqlConfig(o.DSN, o.RootCAs)
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

// driverLogger turns the driver's own complaints ("unexpected EOF") into debug
// lines: every failure is returned and handled, so they would only be noise.
type driverLogger struct{ slog *slog.Logger }

func (l driverLogger) Print(v ...any) {
	l.slog.Debug("mysql driver", "text", fmt.Sprint(v...))
}
