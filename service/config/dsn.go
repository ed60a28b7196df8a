package config

import (
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// parseMySQL is the driver's reading of a DSN, which panics at the parameter
// "strict" that it once had.
func parseMySQL(dsn string) (parsed *mysql.Config, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a parameter that the driver does not take")
		}
	}()
	return mysql.ParseDSN(dsn)
}

func looksLikeMySQL(dsn string) bool {
	return strings.Contains(dsn, "@tcp(") || strings.Contains(dsn, "@unix(") || strings.Contains(dsn, "://")
}

// warnDSN tells of a way to the database on which others may read or change what is
// sent. tls=false says that somebody has thought about it.
func (l *loader) warnDSN(parsed *mysql.Config) {
	const mend = "write tls=true behind the name of the database, and the authority of its certificate into security.ca_file"
	if host, _, err := net.SplitHostPort(parsed.Addr); parsed.Net != "tcp" || err == nil && isLoopback(host) {
		return
	}
	switch strings.ToLower(parsed.TLSConfig) {
	case "":
		l.warn("database.dsn names another machine and no tls: whoever is on the way reads and changes what is sent", mend+"; tls=false where the way is private")
	case "skip-verify", "preferred":
		l.warn("database.dsn has tls="+parsed.TLSConfig+", which looks at no certificate: whoever is on the way reads and changes what is sent", mend)
	}
}

// harmless are the parameters of a MySQL DSN whose values hold no secret: those of
// the driver (github.com/go-sql-driver/mysql, README, "Parameters") but for
// connectionAttributes, and system variables that people set.
func harmless(parameter string) bool {
	return slices.Contains([]string{
		"allowAllFiles", "allowCleartextPasswords", "allowFallbackToPlaintext", "allowNativePasswords", "allowOldPasswords",
		"autocommit", "charset", "checkConnLiveness", "clientFoundRows", "collation", "columnsWithAlias", "compress",
		"innodb_lock_wait_timeout", "interpolateParams", "loc", "maxAllowedPacket", "multiStatements", "parseTime", "readTimeout",
		"rejectReadOnly", "sql_mode", "time_zone", "timeout", "timeTruncate", "tls", "transaction_isolation", "tx_isolation", "writeTimeout",
	}, parameter)
}

// withoutPassword is a DSN that can be checked by eye. What cannot be read is not
// shown: the password may stand anywhere in it.
func withoutPassword(driver, dsn string) string {
	if driver != DriverMySQL && !looksLikeMySQL(dsn) && !strings.ContainsAny(dsn, "@?&;=") { // a path for SQLite
		return dsn
	}
	parsed, err := parseMySQL(dsn)
	if err != nil || strings.ContainsAny(parsed.User+parsed.Net+parsed.Addr+parsed.DBName, "@?&;=()") {
		return mask
	}
	user := parsed.User
	if parsed.Passwd != "" {
		user += ":" + mask
	}
	text := user + "@" + parsed.Net + "(" + parsed.Addr + ")/" + parsed.DBName
	if _, parameters, has := strings.Cut(dsn[strings.LastIndexByte(dsn, '/'):], "?"); has {
		text += "?" + maskParameters(parameters)
	}
	return text
}

// maskParameters shows the values of harmless parameters only, and nothing of what
// is no parameter.
func maskParameters(text string) string {
	parts := strings.Split(text, "&")
	for i, part := range parts {
		name, _, is := strings.Cut(part, "=")
		switch {
		case !is:
			parts[i] = mask
		case !harmless(name):
			parts[i] = name + "=" + mask
		}
	}
	return strings.Join(parts, "&")
}
