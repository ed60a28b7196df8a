package config

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// readSecretFiles replaces every secret "file:/path" by what stands there.
// security.master_key stays a reference: its file may still have to be made.
func (l *loader) readSecretFiles() {
	for _, leaf := range leavesOf("", reflect.ValueOf(&l.cfg).Elem()) {
		value, ok := reflect.TypeAssert[secret.Secret](leaf.value)
		if !ok {
			continue
		}
		if path, found := strings.CutPrefix(value.Reveal(), fileReference); found {
			leaf.value.Set(reflect.ValueOf(l.readSecret(leaf.path, path)))
			l.noteSecretFile(path)
		} else if !value.IsZero() {
			l.noteInline(leaf.path)
		}
	}
	if key := l.cfg.Security.MasterKey; !key.Inline.IsZero() {
		l.noteInline("security.master_key")
	}
}

// noteInline notes the configuration file where a secret stands in it itself. The
// DSN of SQLite is a path.
func (l *loader) noteInline(key string) {
	if key == "database.dsn" && l.cfg.Database.Driver == DriverSQLite {
		return
	}
	if origin := l.report.origins[key]; origin.Variable == "" && origin.Line > 0 {
		l.noteSecretFile(origin.Path)
	}
}

func (l *loader) noteSecretFile(path string) {
	if !slices.Contains(l.report.SecretFiles, path) {
		l.report.SecretFiles = append(l.report.SecretFiles, path)
	}
}

// readSecret reads one file, without the newline that editors put at its end.
func (l *loader) readSecret(key, path string) secret.Secret {
	origin := l.report.origins[key]
	origin.SecretFile = path
	l.report.origins[key] = origin
	content, ok := l.readFile(key, path)
	if !ok {
		return secret.Secret{}
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if text == "" {
		l.fault(key, "names an empty file: "+quote(path), "write the value into the file")
	}
	return secret.New(text)
}

// readFile reads the file that a key names, or notes why it cannot be read.
func (l *loader) readFile(key, path string) ([]byte, bool) {
	content, err := l.source.ReadFile(path)
	if err != nil {
		l.faultFile(key, path, err)
	}
	return content, err == nil
}

// faultFile tells why in its own words: an error of the system repeats the
// path, however it looks.
func (l *loader) faultFile(key, path string, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.fault(key, "names a file that does not exist: "+quote(path), `make the file or correct the path ("file:" reads a value from a file)`)
	case errors.Is(err, fs.ErrPermission):
		l.fault(key, "names a file that this user may not read: "+quote(path), "give the user of wxsign the right to read it")
	default:
		l.fault(key, "names a file that cannot be read: "+quote(path), "is it a file, and not a directory?")
	}
}
