package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
)

const aboutMasterKey = `  new     print a random master key. Give it to every replica as security.master_key
          (or WXSIGN_SECURITY_MASTER_KEY, or a file named by file:...) and keep a copy:
          without it nothing in the database can be opened
  rotate  seal everything with the first key of security.master_key, while replicas
          serve; may be run again if it was interrupted. Before: 1. add the new key as
          the LAST line on every replica and restart each, 2. move it to the first line
          and restart each. Then rotate, then remove the old key
  lost    list the keys that the database knows. With key ids: give those up that nobody
          has any more, so that wxsign starts with another key. What they sealed is gone:
          AppSecrets of accounts made in the panel must be entered anew
`

func masterKeyCommand(ctx context.Context, env Env, args []string) error {
	if len(args) > 0 && args[0] == "lost" {
		return lostMasterKey(ctx, env, args[1:])
	}
	flags := newFlags(env, "wxsign master-key", "new | rotate | lost [KEY-ID …]", aboutMasterKey)
	if err := parseWords(flags, args); err != nil {
		return err
	}
	switch {
	case flags.NArg() == 1 && flags.Arg(0) == "new":
		_, err := fmt.Fprintln(env.Stdout, secret.NewKey())
		return err
	case flags.NArg() == 1 && flags.Arg(0) == "rotate":
		return rotateMasterKey(ctx, env)
	}
	return usageError{"master-key: say `wxsign master-key new`, `wxsign master-key rotate` or `wxsign master-key lost`"}
}

// errNoMasterKey stops the start on a database that several replicas share: a
// key that one of them made by itself would lock the others out.
var errNoMasterKey = errors.New("security.master_key is missing. Make a key with `wxsign master-key new` (or `openssl rand -base64 32`), give the same one to every replica as WXSIGN_SECURITY_MASTER_KEY or as security.master_key = \"file:/path\", and keep a copy")

// loadKeyring reads the master keys for a command: it makes none, because a key
// of its own could open nothing.
func loadKeyring(c config.Config) (*secret.Keyring, error) {
	text := c.Security.MasterKey.Inline.Reveal()
	if path := c.MasterKeyFile(); path != "" {
		var err error
		if text, err = readKeyFile(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w; is this the folder and the configuration with which wxsign serves?", err)
		}
		if err != nil {
			return nil, err
		}
	}
	return parseKeyring(text)
}

// loadOrMakeKeyring reads the master keys for serve. A missing key file is made
// where only this process can need it: beside a SQLite database, and for the
// demo, whose accounts are pretended.
//
// made is the path of a file that was made, "" where none was.
func loadOrMakeKeyring(c config.Config, log *slog.Logger) (ring *secret.Keyring, made string, err error) {
	path := c.MasterKeyFile()
	if path == "" {
		ring, err = loadKeyring(c)
		return ring, "", err
	}
	mayMake := c.Database.Driver == config.DriverSQLite || c.Simulator.Enabled
	if c.Security.MasterKey.File == "" && !mayMake {
		return nil, "", errNoMasterKey
	}
	text, err := readKeyFile(path)
	switch {
	case err == nil:
		ring, err = parseKeyring(text)
		return ring, "", err
	case !errors.Is(err, fs.ErrNotExist):
		return nil, "", err
	case !mayMake:
		return nil, "", fmt.Errorf("%w (the file %s is not there)", errNoMasterKey, path)
	}
	text = secret.NewKey() + "\n"
	if err := writeKeyFile(path, text); err != nil {
		return nil, "", err
	}
	log.Warn("made a master key: keep a copy of the file, nothing in the database can be opened without it; several replicas need the same key, by WXSIGN_SECURITY_MASTER_KEY", "file", path)
	ring, err = parseKeyring(text)
	return ring, path, err
}

func parseKeyring(text string) (*secret.Keyring, error) {
	keys, err := secret.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("security.master_key: %w; make one with `wxsign master-key new`", err)
	}
	return secret.NewKeyring(keys...)
}

// worldBits are the permissions that nobody outside owner and group may have.
const worldBits = 0o007

func readKeyFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("security.master_key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&worldBits != 0 {
		return "", fmt.Errorf("security.master_key: everybody on this machine can read %s: run `chmod 600 %s`", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("security.master_key: %w", err)
	}
	return string(text), nil
}

// writeKeyFile makes the file and never replaces one.
func writeKeyFile(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make the master key file: %w", err)
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("make the master key file: %w", err)
	}
	return nil
}

// keyCheckText is sealed with every master key that was ever in use here.
const keyCheckText = "wxsign key check"

// errWrongMasterKey stops the start before anything is written with the wrong key.
var errWrongMasterKey = errors.New("security.master_key is not the key that this database was written with: give the old key too (several keys, one per line; the first seals, all open), or restore it from your copy. If no copy is left: `wxsign master-key lost`")

// checkMasterKey proves that the ring opens what the database holds, and notes
// a new sealing key. Replicas with different keys may meet on an empty
// database: the key that was noted first is the database's.
func checkMasterKey(ctx context.Context, store *model.Store, ring *secret.Keyring) error {
	checks, err := store.KeyChecks(ctx)
	if err == nil {
		err = proveMasterKey(checks, ring)
	}
	if err != nil {
		return err
	}
	id := ring.SealingKeyID()
	err = store.AddKeyCheck(ctx, model.KeyCheck{KeyID: id, CheckEnc: ring.Seal(secret.New(keyCheckText), keyCheckPlace(id))})
	if err != nil || len(checks) > 0 {
		return err
	}
	if checks, err = store.KeyChecks(ctx); err != nil {
		return err
	}
	return proveMasterKey(checks[:1], ring)
}

// lostKeyFile is what a wrong key means where this start has just made it: the
// database is older than the file. The file must not stay: somebody could take
// it for the right one.
func lostKeyFile(err error, made string) error {
	if made == "" || !errors.Is(err, errWrongMasterKey) {
		return err
	}
	lost := fmt.Errorf("the master key file %s is not there, but the database was written with one: restore the file from your copy, move the database away to begin with an empty one, or see `wxsign master-key lost`", made)
	return errors.Join(lost, os.Remove(made))
}

// proveMasterKey fails unless the ring opens one of the checks. An empty
// database is anybody's.
func proveMasterKey(checks []model.KeyCheck, ring *secret.Keyring) error {
	known := len(checks) == 0
	for _, check := range checks {
		text, err := ring.Open(check.CheckEnc, keyCheckPlace(check.KeyID))
		switch {
		case errors.Is(err, secret.ErrNoKey):
		case err != nil || text.Reveal() != keyCheckText:
			return fmt.Errorf("%w (key id %s)", errWrongMasterKey, check.KeyID)
		default:
			known = true
		}
	}
	if !known {
		return errWrongMasterKey
	}
	return nil
}

func keyCheckPlace(keyID string) string { return "master_key|" + keyID + "|check" }
