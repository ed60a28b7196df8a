package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
)

// checkDatabase finds out whether the database answers, has the right schema,
// may be written to and keeps what it is told; d.store is set if the accounts
// can be read.
func (d *Doctor) checkDatabase(ctx context.Context) {
	store := d.reach(ctx)
	if store == nil {
		return
	}
	d.store = store
	switch d.checkSchema(ctx) {
	case OK:
		d.checkEngine(ctx)
		d.checkWrite(ctx)
		d.checkClock(ctx)
		return
	case Note: // there are no tables to write to
		d.checkEngine(ctx)
		d.checkClock(ctx)
	default:
	}
	_ = store.Close() // it was only read
	d.store = nil
}

const databaseCheck = "database"

// reach opens the database without making one.
func (d *Doctor) reach(ctx context.Context) *model.Store {
	if c := d.Config.Database; c.Driver == config.DriverSQLite {
		if _, err := os.Stat(c.DSN.Reveal()); errors.Is(err, fs.ErrNotExist) {
			d.fail(databaseCheck, "there is no file "+c.DSN.Reveal(), "if this is a new installation, run `wxsign serve`, which makes it; else check database.dsn and the folder you are in")
			return nil
		}
	}
	store, err := d.OpenStore()
	if err != nil {
		d.fail(databaseCheck, err.Error(), "check database.dsn")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if _, err := store.Now(ctx); err != nil {
		d.fail(databaseCheck, err.Error(), mendDatabase(err))
		_ = store.Close()
		return nil
	}
	return store
}

func mendDatabase(err error) string {
	switch {
	case errors.Is(err, model.ErrAccess):
		return "check user, password and database name in database.dsn (WXSIGN_DATABASE_DSN), and the user's grants"
	case errors.Is(err, model.ErrUnreachable):
		return "check host and port in database.dsn, that the server runs, and the firewall between. A wxsign that serves goes on from memory meanwhile"
	}
	return "check database.dsn and the database's own log"
}

// checkSchema tells OK where every table is as this version needs it, and Note
// where the first start makes them.
func (d *Doctor) checkSchema(ctx context.Context) Verdict {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := d.store.CheckSchema(ctx)
	switch {
	case err == nil:
		d.ok(schemaCheck, "as this version needs it")
		return OK
	case errors.Is(err, model.ErrSchemaNewer):
		d.fail(schemaCheck, err.Error(), "run the wxsign that the replicas run, or a newer one")
	case errors.Is(err, model.ErrSchemaTorn):
		d.fail(schemaCheck, err.Error(), "restore the backup again, into an empty database; start nothing before it has ended")
	case !errors.Is(err, model.ErrSchemaOlder):
		d.fail(schemaCheck, err.Error(), mendDatabase(err))
	case !d.Config.Database.AutoMigrate:
		d.fail(schemaCheck, err.Error(), "run `wxsign migrate up`; `wxsign migrate status` lists the steps")
	case d.unused(ctx):
		d.note(schemaCheck, "nothing of wxsign is in this database yet: if this is a new installation, the first `wxsign serve` makes the tables; else check database.dsn")
		return Note
	default:
		d.fail(schemaCheck, err.Error(), "start the new version, or run `wxsign migrate up`; `wxsign migrate status` lists the steps")
	}
	return Fail
}

const schemaCheck = "schema"

// unused reports whether no wxsign has ever been started on this database.
func (d *Doctor) unused(ctx context.Context) bool {
	steps, err := d.store.MigrateStatus(ctx)
	return err == nil && !slices.ContainsFunc(steps, func(m model.Migration) bool { return !m.Applied.IsZero() })
}

func (d *Doctor) checkEngine(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	facts, err := d.store.Facts(ctx)
	if err != nil {
		d.warn(databaseCheck, err.Error(), "let the user ask SHOW VARIABLES; nothing else needs it")
		return
	}
	if d.store.Driver() == model.SQLite {
		d.ok(databaseCheck, "SQLite %s, write-ahead log, for one wxsign on this machine", facts.Version)
		if check := facts.Settings["quick_check(1)"]; check != "ok" {
			d.fail(databaseCheck, "SQLite finds its file damaged: "+check, "stop wxsign, keep a copy of the file, and restore the newest backup: what is old in it renews itself")
		}
		return
	}
	isolation := facts.Settings["transaction_isolation"] + facts.Settings["tx_isolation"]
	d.ok(databaseCheck, "%s (%s), %s", facts.Version, facts.Settings["version_comment"], isolation)
	d.judgeEngine(facts.Settings)
}

// judgeEngine knows the settings that cost people their tokens.
func (d *Doctor) judgeEngine(is map[string]string) {
	for _, name := range []string{"read_only", "super_read_only", "innodb_read_only"} {
		if is[name] == "ON" {
			d.fail(databaseCheck, name+" is ON: this node takes no writes", "let database.dsn lead to the primary")
			return
		}
	}
	if flush := is["innodb_flush_log_at_trx_commit"]; flush != "1" && flush != "" && is["wsrep_on"] != "ON" {
		d.warn(databaseCheck, "innodb_flush_log_at_trx_commit is "+flush+": the last second may be lost with the machine",
			"set it to 1. A replica that still holds a lost publish writes it back, but not if all of them restart")
	}
	if is["log_bin"] == "ON" && is["sync_binlog"] != "1" {
		d.warn(databaseCheck, "sync_binlog is "+is["sync_binlog"]+": a failover may lose the newest publishes",
			"set it to 1 on a primary with replicas")
	}
	if status := is["wsrep_cluster_status"]; is["wsrep_on"] == "ON" && status != "Primary" {
		d.fail(databaseCheck, "this Galera node is not in the primary component: "+status, "mend the cluster, or let database.dsn lead to a node that is")
	}
	if set := is["character_set_database"]; set != "" && !strings.HasPrefix(set, "utf8") {
		d.warn(databaseCheck, "the database's character set is "+set, "make the database with utf8mb4, as docs/operations.md shows: Chinese names do not fit otherwise")
	}
}

func (d *Doctor) checkWrite(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := d.store.TryWrite(ctx); err != nil {
		d.fail("write", err.Error(), "grant SELECT, INSERT, UPDATE and DELETE to the user of database.dsn, and connect to the primary; with SQLite, let the service's user own file and folder")
		return
	}
	d.ok("write", "this user may insert, update and delete")
}

// checkClock compares this machine's clock with the database's. Renewals go by
// the database's; signatures carry this machine's.
func (d *Doctor) checkClock(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	before := time.Now()
	nowMs, err := d.store.Now(ctx)
	if err != nil {
		d.fail("clock", err.Error(), mendDatabase(err))
		return
	}
	took := time.Since(before)
	d.nowMs = nowMs
	ahead := before.Add(took / 2).Sub(time.UnixMilli(nowMs))
	d.judgeClock("this machine's clock", "the database's", ahead, took/2)
}

// judgeClock finds on a difference between two clocks that was measured with
// some doubt.
func (d *Doctor) judgeClock(one, other string, ahead, doubt time.Duration) {
	where := "ahead of"
	if ahead < 0 {
		where = "behind"
	}
	if ahead.Abs() < time.Millisecond {
		d.ok("clock", "%s agrees with %s", one, other)
		return
	}
	text := fmt.Sprintf("%s is %s %s %s (± %s)", one, ahead.Abs().Round(time.Millisecond), where, other, doubt.Round(time.Millisecond))
	const mend = "set both clocks by NTP (`timedatectl`): a signature's timestamp is this machine's"
	switch most := d.Config.Alert.ClockDifference.Std(); {
	case ahead.Abs()-doubt > most:
		d.fail("clock", text, mend)
	case ahead.Abs()-doubt > most/2:
		d.warn("clock", text, mend)
	default:
		d.ok("clock", "%s", text)
	}
}
