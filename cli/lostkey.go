package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/secret"
)

// actionLoseMasterKey is for the audit log: a key is given up.
const actionLoseMasterKey audit.Action = "lose_master_key"

// lostMasterKey gives keys up that nobody has any more, so that a server with
// another key may start on their database. What they sealed stays sealed for
// ever: tokens and tickets are fetched anew by the next start, AppSecrets come
// from the configuration or from people.
func lostMasterKey(ctx context.Context, env Env, ids []string) error {
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	ring, err := loadKeyring(c)
	if errors.Is(err, fs.ErrNotExist) { // nearly always: the file is what was lost
		return fmt.Errorf("%w If it is, first make the key that is to follow: (umask 077; wxsign master-key new >%s)", err, c.MasterKeyFile())
	}
	if err != nil {
		return err
	}
	store, err := openStore(c.Database, newLogger(c.Log, env.Stderr))
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // the command's own error matters more
	if err := store.CheckSchema(ctx); err != nil {
		return err
	}
	checks, err := store.KeyChecks(ctx)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return listMasterKeys(env, checks, ring)
	}
	return giveUpKeys(ctx, env, store, lostKeys{ids: ids, checks: checks, ring: ring})
}

// listMasterKeys says which keys the database knows, and which are at hand.
func listMasterKeys(env Env, checks []model.KeyCheck, ring *secret.Keyring) error {
	var text strings.Builder
	missing := 0
	for _, check := range checks {
		state := "here"
		if !opens(ring, check) {
			state = "not in security.master_key"
			missing++
		}
		fmt.Fprintf(&text, "%s  %s\n", check.KeyID, state)
	}
	switch {
	case len(checks) == 0:
		text.WriteString("The database knows no master key yet.\n")
	case missing > 0:
		text.WriteString("Look for a copy first: in backups, on other replicas, in the memory of one that still runs.\n" +
			"If there is none, `wxsign master-key lost KEY-ID …` gives such a key up for good.\n")
	}
	_, err := fmt.Fprint(env.Stdout, text.String())
	return err
}

// lostKeys are keys to be given up, and what is known of them.
type lostKeys struct {
	ids    []string
	checks []model.KeyCheck
	ring   *secret.Keyring
}

// refuse says why a key cannot be given up; nil if it can.
func (l lostKeys) refuse(id string) error {
	i := slices.IndexFunc(l.checks, func(check model.KeyCheck) bool { return check.KeyID == id })
	switch {
	case i < 0:
		return fmt.Errorf("the database knows no master key with the id %s; `wxsign master-key lost` lists them", id)
	case opens(l.ring, l.checks[i]):
		return fmt.Errorf("the master key %s is not lost: it stands in security.master_key. `wxsign master-key rotate` replaces a key", id)
	}
	return nil
}

func giveUpKeys(ctx context.Context, env Env, store *model.Store, lost lostKeys) error {
	for _, id := range lost.ids {
		if err := lost.refuse(id); err != nil {
			return err
		}
	}
	entries, err := audit.New(store)
	if err != nil {
		return err
	}
	for _, id := range lost.ids {
		err := entries.Record(ctx, audit.Entry{Actor: audit.ActorCommandLine, Action: actionLoseMasterKey, Target: id})
		if err == nil {
			err = store.GiveUpKey(ctx, id)
		}
		if err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(env.Stdout, `Given up: %s. Start every replica with the same security.master_key now; the first start notes it.
Tokens and tickets are fetched anew. AppSecrets of accounts in config.toml are read from there; those of
accounts made in the panel must be entered anew (panel → account → AppSecret; the alert "sealed" names them).
People, API keys, history and the audit log are not sealed and stay.
`, strings.Join(lost.ids, ", "))
	return err
}

// opens tells whether the ring has the key of a check.
func opens(ring *secret.Keyring, check model.KeyCheck) bool {
	_, err := ring.Open(check.CheckEnc, keyCheckPlace(check.KeyID))
	return !errors.Is(err, secret.ErrNoKey)
}
