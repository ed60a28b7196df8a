package config

import (
	"path/filepath"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// fileReference starts a value that is read from a file.
const fileReference = "file:"

// KeySource says where the master keys are: written inline, or in a file that
// the program may still have to make. It is zero where nobody says anything.
type KeySource struct {
	// Inline is base64, one key per line.
	Inline secret.Secret
	// File is a path in which the same stands.
	File string
}

// IsZero reports whether no key was named.
func (k KeySource) IsZero() bool { return k.Inline.IsZero() && k.File == "" }

func parseKeySource(text string) KeySource {
	if path, found := strings.CutPrefix(text, fileReference); found {
		return KeySource{File: path}
	}
	return KeySource{Inline: secret.New(text)}
}

// MasterKeyFile is the path of the file with the master keys, "" where they are
// written inline. Where security.master_key is not set it is the file to make:
// beside the SQLite database, else in the working directory.
func (c Config) MasterKeyFile() string {
	switch key := c.Security.MasterKey; {
	case key.File != "":
		return key.File
	case !key.Inline.IsZero():
		return ""
	case c.Database.Driver != DriverSQLite:
		return "wxsign.key"
	}
	path, _, _ := strings.Cut(c.Database.DSN.Reveal(), "?")
	if path == "" || path == ":memory:" {
		return "wxsign.key"
	}
	return strings.TrimSuffix(path, filepath.Ext(path)) + ".key"
}
