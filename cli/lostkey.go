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
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/fleet"
	"github.com/wxsign/wxsign/service/secret"
)

// actionLoseMasterKey is for the audit log: a key is given up.
const actionLoseMasterKey audit.Action = "lose_master_key"

const aboutLostKey = `  Without KEY-ID it lists the keys that the database knows. With key ids it gives
  those up that nobody has any more, so that wxsign starts with another key. It
  refuses while a replica lives that may have them.
`

// lostMasterKey gives keys up that nobody has any more, so that a server with
// another key may start on their database. What they sealed stays sealed for
// ever: tokens and tickets are fetched anew by the next start, AppSecrets come
// from the configuration or from people.
func lostMasterKey(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign master-key lost", "[--replicas-ended] [KEY-ID …]", aboutLostKey)
	ended := flags.Bool("replicas-ended", false, "give the keys up although the database says that a replica with another configuration or master key was there a moment ago")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	ids := flags.Args()
	if slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, "-") }) {
		return usageError{"master-key lost: write flags before the key ids"}
	}
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	ring, err := followingKeyring(c)
	if err != nil {
		return err
	}
	store, err := openStore(c, newLogger(c.Log, env.Stderr))
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // the command's own error matters more
	known := lostKeys{ids: ids, ring: ring}
	if err := store.CheckSchema(ctx); err != nil {
		return err
	}
	if known.checks, err = store.KeyChecks(ctx); err != nil {
		return err
	}
	if known.holders, err = mayHoldKeys(ctx, store, c, ring); err != nil {
		return err
	}
	if len(ids) == 0 {
		return listMasterKeys(env, known)
	}
	if *ended {
		known.holders = nil
	}
	return giveUpKeys(ctx, env, store, known)
}

// followingKeyring is the key that is to follow the lost one.
func followingKeyring(c config.Config) (*secret.Keyring, error) {
	ring, err := loadKeyring(c)
	if errors.Is(err, fs.ErrNotExist) { // nearly always: the file is what was lost
		return nil, fmt.Errorf("%w If it is, first make the key that is to follow: (umask 077; wxsign master-key new >%s)", err, c.MasterKeyFile())
	}
	return ring, err
}

// mayHoldKeys names the replicas that live and may have master keys which this
// command does not have. Nobody can ask a replica for its keys; but those with
// this configuration and these keys say so in the database.
func mayHoldKeys(ctx context.Context, store *model.Store, c config.Config, ring *secret.Keyring) ([]string, error) {
	fingerprint, err := configFingerprint(c, ring)
	if err != nil {
		return nil, err
	}
	looker, err := fleet.New(fleet.Options{Store: store, Name: "wxsign master-key lost", Config: fingerprint})
	if err != nil {
		return nil, err
	}
	replicas, err := looker.Replicas(ctx)
	var names []string
	for _, r := range replicas {
		if r.Differs && !r.Lost {
			names = append(names, r.Name)
		}
	}
	return names, err
}

// listMasterKeys says which keys the database knows, and which are at hand.
func listMasterKeys(env Env, known lostKeys) error {
	var text strings.Builder
	missing := 0
	for _, check := range known.checks {
		state := "here"
		if !opens(known.ring, check) {
			state = "not in security.master_key"
			missing++
		}
		fmt.Fprintf(&text, "%s  %s\n", check.KeyID, state)
	}
	switch {
	case len(known.checks) == 0:
		text.WriteString("The database knows no master key yet.\n")
	case missing > 0 && len(known.holders) > 0:
		fmt.Fprintf(&text, "Replicas that run now and may have such a key in memory: %s.\n"+
			"While they run nothing is urgent: take the key from their configuration, or from where their secrets are kept.\n",
			strings.Join(known.holders, ", "))
	case missing > 0:
		text.WriteString("Look for a copy first: in backups, on other replicas, in the memory of one that still runs.\n" +
			"If there is none, `wxsign master-key lost KEY-ID …` gives such a key up for good.\n")
	}
	_, err := fmt.Fprint(env.Stdout, text.String())
	return err
}

// lostKeys are keys to be given up, and what is known of them.
type lostKeys struct {
	ids     []string
	checks  []model.KeyCheck
	ring    *secret.Keyring
	holders []string // replicas that may have them
}

// refuse says why a key cannot be given up; nil if it can.
func (l lostKeys) refuse(id string) error {
	i := slices.IndexFunc(l.checks, func(check model.KeyCheck) bool { return check.KeyID == id })
	switch {
	case i < 0:
		return fmt.Errorf("the database knows no master key with the id %s; `wxsign master-key lost` lists them", id)
	case opens(l.ring, l.checks[i]):
		return fmt.Errorf("the master key %s is not lost: it stands in security.master_key. `wxsign master-key rotate` replaces a key", id)
	case len(l.holders) > 0:
		return fmt.Errorf("the master key %s may not be lost: %s lives with another configuration or master key than this command, and may have it in memory. "+
			"Take the key from where that replica got it. If it is really lost, end the replica, which would seal with it again, and run this a minute later; "+
			"--replicas-ended before the key id gives it up at once", id, strings.Join(l.holders, ", "))
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
