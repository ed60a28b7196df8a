package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/wxsign/wxsign/service/secret"
)

func (l *loader) checkDatabase() {
	d := &l.cfg.Database
	l.oneOf("database.driver", d.Driver, DriverSQLite, DriverMySQL)
	l.between("database.max_open", d.MaxOpen, 1, 10_000)
	l.between("database.max_idle", d.MaxIdle, 0, 10_000)
	l.within("database.conn_max_lifetime", d.ConnMaxLifetime, 10*time.Second, time.Hour)
	l.checkDSN(d.Driver, d.DSN.Reveal())
	l.checkSnapshotFile()
}

// checkSnapshotFile finds what would only show when the file is needed.
func (l *loader) checkSnapshotFile() {
	const path = "database.snapshot_file"
	d := &l.cfg.Database
	switch file := d.SnapshotFile; {
	case file == "":
	case !printable(file):
		l.fault(path, "is not one line of text", "remove line breaks and control characters")
	case strings.HasPrefix(file, fileReference):
		l.fault(path, "is a path, not a secret", `write it without "file:" in front`)
	case strings.HasSuffix(file, "/"):
		l.fault(path, "names a folder", "add the name of a file")
	case d.Driver == DriverSQLite && filepath.Clean(file) == filepath.Clean(d.DSN.Reveal()):
		l.fault(path, "is the database itself", "name another file")
	}
}

// checkDSN quotes nothing of the DSN: it holds a password.
func (l *loader) checkDSN(driver, dsn string) {
	const path, form = "database.dsn", "write user:password@tcp(host:3306)/name"
	switch {
	case dsn == "":
		l.fault(path, "is missing", "write a path for sqlite, user:password@tcp(host:3306)/name for mysql")
	case strings.HasPrefix(dsn, "SQLite format 3\x00"):
		l.fault(path, `read the database itself as if it held the DSN`, `write the path without "file:" in front`)
	case !printable(dsn):
		l.fault(path, "is not one line of text", "remove line breaks and control characters")
	case driver == DriverSQLite && looksLikeMySQL(dsn):
		l.fault(path, "is for MySQL, but database.driver is sqlite", `set database.driver to "mysql"`)
	case driver == DriverMySQL && !l.isSet(path):
		l.fault(path, "is not set, but database.driver is mysql", form+" or set "+environmentName(path))
	case driver == DriverMySQL:
		parsed, err := parseMySQL(dsn)
		switch {
		case err != nil && !strings.Contains(dsn, "@"):
			l.fault(path, "is no MySQL DSN, it looks like a path for SQLite", form)
		case err != nil:
			l.fault(path, "is no MySQL DSN", form)
		case parsed.DBName == "":
			l.fault(path, "names no database", form)
		default:
			l.warnDSN(parsed)
		}
	}
}

// masterKeyPath is the path of the key that holds the master keys.
const masterKeyPath = "security.master_key"

// checkMasterKey looks into a key file that exists, so that a damaged one is
// found here; serve reads it again. With SQLite, and with the simulator's
// pretend secrets, a file that is missing will be made by serve.
func (l *loader) checkMasterKey() {
	const howTo = "make a key with `wxsign master-key new`"
	mayBeMade := l.cfg.Database.Driver != DriverMySQL || l.cfg.Simulator.Enabled
	key := l.cfg.Security.MasterKey
	if key.IsZero() {
		if !mayBeMade {
			l.fault(masterKeyPath, "is missing, and database.driver is mysql: every replica needs the same key",
				howTo+" and give it to each as "+environmentName(masterKeyPath))
		}
		return
	}
	text, ok := l.masterKeyText(key, mayBeMade)
	if !ok {
		return
	}
	if _, err := secret.ParseKeys(text); err != nil { // it names a line and quotes nothing
		l.fault(masterKeyPath, "cannot be used: "+err.Error(), howTo)
	}
}

// masterKeyText reports false where there is no text to check.
func (l *loader) masterKeyText(key KeySource, mayBeMade bool) (string, bool) {
	if key.File == "" {
		return key.Inline.Reveal(), true
	}
	content, err := l.source.ReadFile(key.File)
	if errors.Is(err, fs.ErrNotExist) && mayBeMade {
		return "", false
	}
	if err != nil {
		l.faultFile(masterKeyPath, key.File, err)
		return "", false
	}
	return string(content), true
}

func (l *loader) checkSessions() {
	s := &l.cfg.Security
	l.within("security.session_idle", s.SessionIdle, time.Minute, 30*day)
	l.within("security.session_absolute", s.SessionAbsolute, time.Minute, 90*day)
	if s.SessionIdle > s.SessionAbsolute {
		l.fault("security.session_idle", "is longer than security.session_absolute", "shorten it")
	}
}
