package model

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// errDSN quotes nothing of the DSN, and neither may what wraps it: in a garbled
// one the password can stand anywhere, and the driver's own errors repeat it.
var errDSN = errors.New("database.dsn is not of the form user:password@tcp(host:3306)/name")

const (
	dialTimeout  = 3 * time.Second
	readTimeout  = 5 * time.Second
	writeTimeout = 5 * time.Second
)

// setting is a parameter of a DSN that wxsign sets itself.
type setting struct {
	name, value string
	variable    bool // of the server, set on each new connection
}

// safety is what the protocol of claims needs of a connection. A DSN that says
// otherwise is refused rather than overruled, so that nobody is surprised.
func safety() []setting {
	return []setting{
		{"time_zone", "'+00:00'", true},
		{"sql_mode", "'STRICT_ALL_TABLES'", true},
		{"autocommit", "1", true},
		{"timeout", dialTimeout.String(), false},
		{"readTimeout", readTimeout.String(), false},
		{"writeTimeout", writeTimeout.String(), false},
		{"clientFoundRows", "true", false},
		{"rejectReadOnly", "true", false},
		{"interpolateParams", "true", false},
		{"multiStatements", "false", false},
		{"charset", "utf8mb4", false},
	}
}

// mysqlConfig completes the operator's DSN with what safety needs. roots may sign
// the server's certificate where the DSN says tls=true; nil = the system's.
func mysqlConfig(dsn string, roots *x509.CertPool) (*driver.Config, error) {
	given, err := dsnParams(dsn)
	if err != nil {
		return nil, err
	}
	for _, s := range safety() {
		if value, found := given[s.name]; found && !sameValue(value, s.value) {
			return nil, fmt.Errorf("database.dsn sets %s, which wxsign sets itself to %s: take it out of the DSN", s.name, s.value)
		}
	}
	config, err := driver.ParseDSN(dsn)
	switch {
	case err != nil, !slices.Contains([]string{"tcp", "unix"}, config.Net):
		return nil, errDSN
	case config.DBName == "":
		return nil, errors.New("database.dsn names no database: write it behind the slash, user:password@tcp(host:3306)/name")
	case config.Collation != "" && !strings.HasPrefix(config.Collation, "utf8mb4_"):
		return nil, errors.New("database.dsn sets a collation that is not of utf8mb4: take it out of the DSN")
	}
	makeSafe(config)
	if config.TLS != nil && !config.TLS.InsecureSkipVerify {
		config.TLS.RootCAs = roots
	}
	return config, nil
}

func makeSafe(config *driver.Config) {
	config.ParseTime, config.Loc = true, time.UTC
	config.RejectReadOnly = true
	config.InterpolateParams = true
	config.ClientFoundRows = true
	config.MultiStatements = false
	config.Timeout, config.ReadTimeout, config.WriteTimeout = dialTimeout, readTimeout, writeTimeout
	if config.Params == nil {
		config.Params = map[string]string{}
	}
	for _, s := range safety() {
		if s.variable {
			config.Params[s.name] = s.value
		}
	}
}

// dsnParams are the parameters as written: the driver's Config does not tell
// false from absent.
func dsnParams(dsn string) (map[string]string, error) {
	_, query, _ := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?")
	params := map[string]string{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, found := strings.Cut(pair, "=")
		if !found {
			continue
		}
		value, err := url.QueryUnescape(value)
		if err != nil || name == "strict" { // at which the driver panics
			return nil, errDSN
		}
		params[name] = value
	}
	return params, nil
}

// sameValue compares as the driver reads: 1 is true, 3000ms is 3s.
func sameValue(given, want string) bool {
	if given == want {
		return true
	}
	g, err1 := strconv.ParseBool(given)
	w, err2 := strconv.ParseBool(want)
	if err1 == nil && err2 == nil {
		return g == w
	}
	span, err1 := time.ParseDuration(given)
	wanted, err2 := time.ParseDuration(want)
	return err1 == nil && err2 == nil && span == wanted
}
