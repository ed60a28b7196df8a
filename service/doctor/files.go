package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/wxsign/wxsign/service/config"
)

const (
	othersMayRead  = 0o004
	othersMayWrite = 0o002
)

// checkFiles looks at what lies on this machine: the configuration, the SQLite
// file, certificates.
func (d *Doctor) checkFiles() {
	if d.ConfigPath != "" {
		d.checkMode(Warn, d.ConfigPath, othersMayWrite, "somebody else on this machine could point wxsign at another database or another WeChat")
	}
	for _, path := range d.SecretFiles {
		d.checkMode(Warn, path, othersMayRead, "everybody on this machine can read the secrets in it")
	}
	if d.Config.Database.Driver == config.DriverSQLite {
		d.checkSQLiteFile(d.Config.Database.DSN.Reveal())
	}
	if path := d.Config.Database.SnapshotFile; path != "" {
		d.checkSnapshotFile(path)
	}
	c := d.Config
	for _, pair := range []struct{ section, cert, key string }{
		{"server", c.Server.TLSCert, c.Server.TLSKey},
		{"control", c.Control.TLSCert, c.Control.TLSKey},
		{"admin", c.Admin.TLSCert, c.Admin.TLSKey},
	} {
		if pair.cert != "" {
			d.checkMode(Warn, pair.key, othersMayRead, "everybody on this machine can pretend to be this server")
			d.checkCertificate(pair.section, pair.cert, pair.key)
		}
	}
}

// checkMode tells of permissions that others should not have.
func (d *Doctor) checkMode(verdict Verdict, path string, bits fs.FileMode, because string) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&bits == 0 {
		return
	}
	d.Found(Finding{
		Check: filesCheck, Verdict: verdict, Text: fmt.Sprintf("%s has the mode %04o: %s", path, info.Mode().Perm(), because),
		Mend: "run `chmod o-rw " + path + "`",
	})
}

const (
	littleRoom = 1 << 30
	tooLittle  = 100 << 20
	megabyte   = 1 << 20
	filesCheck = "files"
)

// checkSQLiteFile looks at the file and at the room around it: a full disk
// stops every renewal.
func (d *Doctor) checkSQLiteFile(path string) {
	d.checkMode(Note, path, othersMayRead, "everybody on this machine can read it; values in it are sealed, names and the history are not")
	d.checkLog(path)
	room, known := freeBytes(filepath.Dir(path))
	if !known {
		return
	}
	text := fmt.Sprintf("%s has %.1f MB, with %d MB free beside it", path, float64(size(path)+size(path+"-wal"))/megabyte, room/megabyte)
	switch {
	case room < tooLittle:
		d.fail(filesCheck, text, "make room: SQLite cannot write on a full disk, and then nothing is renewed")
	case room < littleRoom:
		d.warn(filesCheck, text, "make room before it is full, or shorten history.retention")
	default:
		d.ok(filesCheck, "%s", text)
	}
}

// longLog is a write-ahead log that has not been taken over for long: a few
// megabytes are usual.
const longLog = 256 << 20

func (d *Doctor) checkLog(path string) {
	if n := size(path + "-wal"); n > longLog {
		d.warn(filesCheck, fmt.Sprintf("%s-wal has %d MB: it is not taken over into the file", path, n/megabyte),
			"end what keeps the file open for reading, such as a copy or a sqlite3 that was left running; then restart wxsign")
	}
}

// size of a file in bytes, 0 where there is none.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// oldSnapshot is more than a serving process lets its snapshot file grow.
const oldSnapshot = 10 * time.Minute

// checkSnapshotFile looks at the file that a start without the database needs.
// What stands in it only its master key tells, and serve says that.
func (d *Doctor) checkSnapshotFile(path string) {
	const waits = "a start while the database is away would wait for it and sign nothing"
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		folder := filepath.Dir(path)
		if there, err := os.Stat(folder); err != nil || !there.IsDir() {
			d.fail(filesCheck, "database.snapshot_file is in "+folder+", which is no folder", "make it, writable for the user of the service")
			return
		}
		d.note(filesCheck, "there is no %s yet: `wxsign serve` writes it while the database answers", path)
	case err != nil:
		d.fail(filesCheck, "database.snapshot_file: "+err.Error(), "give the user of the service the right to it")
	case !info.Mode().IsRegular():
		d.fail(filesCheck, path+" is no file; "+waits, "name a file in database.snapshot_file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&(othersMayRead|othersMayWrite) != 0:
		d.fail(filesCheck, fmt.Sprintf("%s has the mode %04o and is refused; %s", path, info.Mode().Perm(), waits), "run `chmod 600 "+path+"`")
	case time.Since(info.ModTime()) > oldSnapshot:
		d.note(filesCheck, "%s is %s old: nothing has been serving here with a database since", path, time.Since(info.ModTime()).Round(time.Minute))
	default:
		d.ok(filesCheck, "%s is kept up to date", path)
	}
}

// endsSoon is how long before its end a certificate is worth a word.
const endsSoon = 14 * 24 * time.Hour

func (d *Doctor) checkCertificate(section, cert, key string) {
	const check = "certificate"
	pair, err := tls.LoadX509KeyPair(cert, key)
	var leaf *x509.Certificate
	if err == nil {
		leaf, err = x509.ParseCertificate(pair.Certificate[0])
	}
	if err != nil {
		d.fail(check, fmt.Sprintf("%s.tls_cert and tls_key: %v", section, err), "give the PEM files of one certificate, with its chain, and of its key; the user of the service must be able to read them")
		return
	}
	left := time.Until(leaf.NotAfter)
	text := fmt.Sprintf("%s.tls_cert %s is for %v and ends on %s", section, cert, leaf.DNSNames, leaf.NotAfter.UTC().Format(time.DateOnly))
	switch {
	case left <= 0:
		d.fail(check, text, "renew it: browsers refuse it already")
	case left < endsSoon:
		d.warn(check, text, "renew it now")
	default:
		d.ok(check, "%s", text)
	}
}

// checkMasterKey reads the keys. Without them nothing in the database can be
// opened, but all else can be checked.
func (d *Doctor) checkMasterKey() {
	const check = "master_key"
	ring, err := d.Keyring()
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.Config.Database.Driver == config.DriverSQLite && d.Config.Security.MasterKey.IsZero():
		d.warn(check, err.Error(), "if this is a new installation, the first `wxsign serve` makes it; else restore it from your copy")
	case err != nil:
		d.fail(check, err.Error(), "give every replica the same key; see \"The master key\" in docs/operations.md")
	default:
		d.ring = ring
		from := "written in the configuration or its variable"
		if path := d.Config.MasterKeyFile(); path != "" {
			from = path
		}
		d.ok(check, "readable (%s); seals with key %s. Is there a copy of it elsewhere?", from, ring.SealingKeyID())
	}
}
