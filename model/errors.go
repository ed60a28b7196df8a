package model

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/glebarez/go-sqlite"
	mysqldriver "github.com/go-sql-driver/mysql"
	"gorm.io/gorm"
)

var (
	// ErrNotApplied says that the database certainly did not carry out the
	// statement: a deadlock or certification conflict. It may be sent again.
	ErrNotApplied = errors.New("the database refused the statement as a conflict")
	// ErrUnreachable says that the database could not be asked, or that the
	// connection broke: a statement that was sent may or may not have happened.
	ErrUnreachable = errors.New("the database cannot be reached")
	// ErrAccess says that the database refuses this user or has no such schema:
	// waiting does not help.
	ErrAccess = errors.New("the database refuses the connection")
	// ErrCertificate says that the database was not asked: its certificate is not
	// one to be trusted. Who serves already waits for another one.
	ErrCertificate = fmt.Errorf("%w: its certificate is not trusted; name the PEM file of the authority that signed it in security.ca_file, and write the host into database.dsn as the certificate does", ErrUnreachable)
	// ErrDuplicate says that a row with this key is there already.
	ErrDuplicate = errors.New("the row is there already")
	// ErrNotFound says that there is no such row.
	ErrNotFound = errors.New("no such row")
)

// MySQL's error numbers by what they mean to us.
var (
	// deadlock, lock wait timeout, TiDB write conflicts: not applied.
	mysqlConflict = []uint16{1213, 1205, 9007, 8002}
	// access denied (user, database, host, table, privilege), unknown database.
	mysqlAccess = []uint16{1045, 1044, 1049, 1698, 1130, 1142, 1227}
	// too many connections (server, user), shutdown, killed, read-only, Galera
	// not primary.
	mysqlDown = []uint16{1040, 1203, 1226, 1053, 1317, 1927, 1290, 1792, 1836, 1047, 3159}
)

// sqliteBusy is SQLITE_BUSY: another process holds the write lock too long.
const sqliteBusy = 5

// wrap names what was being done and adds the sentinel for the class of error.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	if class := classOf(err); class != nil {
		return fmt.Errorf("%s: %w: %w", what, class, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func classOf(err error) error {
	var my *mysqldriver.MySQLError
	var lite *sqlite.Error
	var network net.Error
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return ErrDuplicate
	case errors.As(err, &my):
		return mysqlClass(my.Number)
	case errors.As(err, &untrusted):
		return ErrCertificate
	case errors.As(err, &lite) && lite.Code()&0xff == sqliteBusy:
		return ErrNotApplied
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysqldriver.ErrInvalidConn),
		errors.Is(err, mysqldriver.ErrPktSync), errors.Is(err, mysqldriver.ErrMalformPkt),
		errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ErrUnreachable
	}
	return nil
}

func mysqlClass(number uint16) error {
	switch {
	case slices.Contains(mysqlConflict, number):
		return ErrNotApplied
	case slices.Contains(mysqlAccess, number):
		return ErrAccess
	case slices.Contains(mysqlDown, number):
		return ErrUnreachable
	}
	return nil
}
