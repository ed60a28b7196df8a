package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
)

func openStore(all config.Config, log *slog.Logger) (*model.Store, error) {
	roots, err := authorities(all)
	if err != nil {
		return nil, err
	}
	c := all.Database
	return model.Open(model.Options{
		Driver: c.Driver, DSN: c.DSN.Reveal(), RootCAs: roots, MaxOpen: c.MaxOpen, MaxIdle: c.MaxIdle,
		ConnMaxLifetime: c.ConnMaxLifetime.Std(), Logger: log,
	})
}

// How long to wait between two tries to reach a database that is away: pages wait for
// it, or values from the snapshot file to be renewed.
const (
	firstDatabasePause = time.Second
	mostDatabasePause  = 5 * time.Second
)

// reachDatabase waits until the database answers; until then what the snapshot
// file holds is served. A database that refuses us is an error at once: waiting
// does not mend a password. Only a process that serves already waits, like one
// that was started before.
func (p *program) reachDatabase(ctx context.Context) error {
	for pause := firstDatabasePause; ; pause = min(2*pause, mostDatabasePause) {
		_, err := p.store.Now(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, model.ErrAccess) && !p.restored:
			return fmt.Errorf("%w; check user, password and database name in database.dsn (WXSIGN_DATABASE_DSN)", err)
		case errors.Is(err, model.ErrCertificate) && !p.restored:
			return err
		case !errors.Is(err, model.ErrUnreachable) && !errors.Is(err, model.ErrAccess):
			return err
		}
		p.restore()
		p.log.Warn("the database does not answer; trying again. Check database.dsn, the server and the network between", "try_again_in", pause.String(), "err", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// prepareSchema migrates where that is allowed, else it only compares.
func prepareSchema(ctx context.Context, c config.Database, store *model.Store, log *slog.Logger) error {
	if !c.AutoMigrate {
		return store.CheckSchema(ctx)
	}
	applied, err := store.MigrateUp(ctx)
	if n := len(applied); n > 0 { // `wxsign migrate status` lists them
		log.Info("migrated the database", "steps", n, "version", applied[n-1].Version)
	}
	return err
}

func migrateCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign migrate", "up | status", "up brings the database schema to what this version needs; status lists the steps.\nBoth refuse a schema that is newer than this version knows.\n")
	if err := parseWords(flags, args); err != nil {
		return err
	}
	if flags.NArg() != 1 || flags.Arg(0) != "up" && flags.Arg(0) != "status" {
		return usageError{"migrate: say `wxsign migrate up` or `wxsign migrate status`"}
	}
	store, err := storeOf(env)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // the command's own error matters more
	if flags.Arg(0) == "status" {
		return printMigrations(ctx, env, store)
	}
	applied, err := store.MigrateUp(ctx)
	for _, step := range applied {
		say(env.Stdout, "applied %04d %s\n", step.Version, step.Name)
	}
	if err == nil && len(applied) == 0 {
		say(env.Stdout, "the schema is up to date\n")
	}
	return err
}

func printMigrations(ctx context.Context, env Env, store *model.Store) error {
	steps, err := store.MigrateStatus(ctx)
	for _, step := range steps {
		state := "pending"
		if !step.Applied.IsZero() {
			state = "applied " + step.Applied.UTC().Format(time.RFC3339)
		}
		say(env.Stdout, "%04d %-18s %s\n", step.Version, step.Name, state)
	}
	return err
}

// storeOf opens the configured database for a command.
func storeOf(env Env) (*model.Store, error) {
	c, _, err := loadConfig(env)
	if err != nil {
		return nil, err
	}
	return openStore(c, newLogger(c.Log, env.Stderr))
}
