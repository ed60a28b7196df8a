package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/config"
)

const aboutKey = `API keys for business servers. They work beside a serving wxsign, at once.

  create --name N --scope S,… --account A,…
                  print a new key alone; it is shown only this once
  list            what keys there are; never the keys themselves
  revoke ID       end a key, everywhere within a second

A name may have two live keys, so that a program can be given the new one before
the old one is revoked.
`

func keyCommand(ctx context.Context, env Env, args []string) error {
	if len(args) == 0 {
		return usageError{"key: say `wxsign key create`, `wxsign key list` or `wxsign key revoke ID`"}
	}
	switch args[0] {
	case "create":
		return keyCreate(ctx, env, args[1:])
	case "list":
		return keyList(ctx, env, args[1:])
	case "revoke":
		return keyRevoke(ctx, env, args[1:])
	}
	flags := newFlags(env, "wxsign key", "create | list | revoke ID", aboutKey)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	return usageError{fmt.Sprintf("key: there is no %q, only create, list and revoke", args[0])}
}

// withKeys lends the keys of the configured database.
func withKeys(ctx context.Context, env Env, use func(*apikey.Keys, *model.Store) error) (err error) {
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	log := newLogger(c.Log, env.Stderr)
	store, err := openStore(c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := prepareSchema(ctx, c.Database, store, log); err != nil {
		return err
	}
	keys, err := newKeys(store)
	if err != nil {
		return err
	}
	return use(keys, store)
}

func keyCreate(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign key create", "--name N --scope S,… --account A,…",
		"prints a new key alone; it is shown only this once.\n")
	name := flags.String("name", "", "the `program` that will hold the key")
	scopes := flags.String("scope", "", "what it may do, with commas: "+strings.Join(apikey.Scopes(), ", "))
	accounts := flags.String("account", "", "the `app_ids` it is for, with commas; \"*\" = all, later ones too")
	cidrs := flags.String("cidr", "", "the `networks` it may be used from, with commas; none = every address")
	expires := flags.String("expires", "", "how long it lives, as in 90d; none = until it is revoked")
	if err := parseRequired(flags, args, "name", "scope", "account"); err != nil {
		return err
	}
	life, err := config.ParseDuration(*expires)
	if err != nil {
		return usageError{"key create: --expires: " + err.Error()}
	}
	d := apikey.Draft{Name: *name, Scopes: words(*scopes), Accounts: words(*accounts), CIDRs: words(*cidrs), Life: life.Std()}
	return withKeys(ctx, env, func(keys *apikey.Keys, store *model.Store) error {
		id, key, err := keys.Create(ctx, d, apikey.Actor{Name: audit.ActorCommandLine})
		if errors.Is(err, apikey.ErrDraft) {
			return usageError{err.Error()}
		}
		if err != nil {
			return err
		}
		noteStrangers(ctx, env, store, d.Accounts)
		if slices.Contains(d.Scopes, apikey.ScopeRelay) && len(d.CIDRs) == 0 {
			say(env.Stderr, "note: without --cidr an SDK that keeps an issued access_token gets 40164 from the relay; only the key itself opens it\n")
		}
		say(env.Stderr, "made key %s of %s; keep what follows, it is not shown again\n", id, d.Name)
		_, err = fmt.Fprintln(env.Stdout, key.Reveal())
		return err
	})
}

// noteStrangers tells of accounts that are not there. They may come: a key is no
// worse for being early.
func noteStrangers(ctx context.Context, env Env, store *model.Store, accounts []string) {
	for _, appID := range accounts {
		if _, err := store.Account(ctx, appID); appID != apikey.AllAccounts && errors.Is(err, model.ErrNotFound) {
			say(env.Stderr, "note: there is no account %q in the database yet; a serving wxsign puts those of the file there\n", appID)
		}
	}
}

// words are the parts of a list with commas.
func words(list string) []string {
	all := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	return slices.Clip(all)
}

func keyList(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign key list", "", "lists the keys that may be used, by name.\n")
	all := flags.Bool("all", false, "expired and revoked ones, too")
	asJSON := flags.Bool("json", false, "for programs")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	return withKeys(ctx, env, func(keys *apikey.Keys, _ *model.Store) error {
		list, err := keys.List(ctx)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(k apikey.Key) bool { return !*all && k.State != apikey.StateLive })
		if *asJSON {
			encoder := json.NewEncoder(env.Stdout)
			encoder.SetIndent("", "  ")
			return encoder.Encode(list)
		}
		return printKeys(env, list)
	})
}

func printKeys(env Env, list []apikey.Key) error {
	if len(list) == 0 {
		say(env.Stderr, "no keys; `wxsign key create --help` says how to make one\n")
		return nil
	}
	table := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0) //nolint:mnd // columns two blanks apart
	say(table, "ID\tNAME\tSTATE\tSCOPES\tACCOUNTS\tFROM\tEXPIRES\tLAST USED\n")
	for _, k := range list {
		say(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.State, strings.Join(k.Scopes, ","), strings.Join(k.Accounts, ","),
			cmp.Or(strings.Join(k.CIDRs, ","), "everywhere"), moment(k.Expires), strings.TrimSpace(moment(k.Used)+" "+k.UsedAddress))
	}
	return table.Flush()
}

// moment is a time for people, "never" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format(time.DateTime) //nolint:gosmopolitan // who reads it sits at this machine
}

func keyRevoke(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign key revoke", "ID", "ends the key with this ID of `wxsign key list`; everywhere within a second.\n")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usageError{"key revoke: say `wxsign key revoke ID`"}
	}
	return withKeys(ctx, env, func(keys *apikey.Keys, _ *model.Store) error {
		return keys.Revoke(ctx, flags.Arg(0), apikey.Actor{Name: audit.ActorCommandLine})
	})
}
