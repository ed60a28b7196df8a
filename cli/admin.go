package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/auth"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/history"
)

const aboutAdmin = `  reset-password NAME  print a new one-time password, valid for 24 hours, and end the sessions of NAME;
                       who is not there yet is made an administrator
`

func adminCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign admin", "reset-password NAME", aboutAdmin)
	if err := parseWords(flags, args); err != nil {
		return err
	}
	if flags.NArg() != 2 || flags.Arg(0) != "reset-password" {
		return usageError{"admin: say `wxsign admin reset-password NAME`"}
	}
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	log := newLogger(c.Log, env.Stderr)
	store, err := openStore(c, log)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // the command's own error matters more
	if err := prepareSchema(ctx, c.Database, store, log); err != nil {
		return err
	}
	people, err := newPeople(store, c.Security)
	if err != nil {
		return err
	}
	password, err := people.ResetPassword(ctx, flags.Arg(1))
	switch {
	case errors.Is(err, auth.ErrName):
		return usageError{fmt.Sprintf("admin reset-password: %q cannot be a name: %v", flags.Arg(1), err)}
	case err != nil:
		return err
	}
	_, err = fmt.Fprintln(env.Stdout, password.Reveal())
	return err
}

func newPeople(store *model.Store, c config.Security) (*auth.Auth, error) {
	entries, err := audit.New(store)
	if err != nil {
		return nil, err
	}
	return auth.New(auth.Options{Store: store, Audit: entries, Idle: c.SessionIdle.Std(), Absolute: c.SessionAbsolute.Std()})
}

// signInsPerSecond and signInsAtOnce limit one address, whatever the names.
const (
	signInsPerSecond = 1
	signInsAtOnce    = 20
)

// visitsPerSecond and visitsAtOnce are for cookies of one address that have opened no
// session lately: after a restart, those of all the people of a company.
const (
	visitsPerSecond = 20
	visitsAtOnce    = 200
)

func (p *program) buildAdmin() (admin http.Handler, err error) {
	if p.people, err = newPeople(p.store, p.config.Security); err != nil {
		return nil, err
	}
	past, err := history.New(p.store)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.buildEditor(), p.buildFleet()); err != nil {
		return nil, err
	}
	files, err := newVerifyFiles(p.store)
	if err != nil {
		return nil, err
	}
	desks, err := p.buildDesks()
	if err != nil {
		return nil, err
	}
	server := p.config.Server
	panel, err := handler.NewPanel(handler.PanelOptions{
		People: p.people, History: past, Status: p.keeper.Status, Troubles: p.keeper.Troubles,
		Accounts: p.editor, VerifyFiles: files, Budgets: p.keeper, Fleet: p.fleet,
		Checker: desks.checker, Reports: desks.reports, Audit: desks.audit, Alerts: p.alerts, Deliveries: desks.sent, APIKeys: p.keys,
		Replica: p.replica, Database: p.config.Database.Driver, Version: thisBuild().Version,
		PublicURL: server.PublicURL, TrustedProxies: server.TrustedProxies,
	})
	if err != nil {
		return nil, err
	}
	return router.Admin(router.AdminOptions{
		Panel: panel, SignIns: router.NewLimiter(signInsPerSecond, signInsAtOnce), Visits: router.NewLimiter(visitsPerSecond, visitsAtOnce),
		PublicURL: server.PublicURL, TrustedProxies: server.TrustedProxies, Logger: p.log,
	})
}

// purgePeople deletes sessions and sign-in counts that have ended.
func (p *program) purgePeople(ctx context.Context) {
	if err := p.people.Purge(ctx); err != nil {
		p.log.Warn("cannot purge ended sessions; the next run goes on", "err", err)
	}
	p.purgePanel(ctx)
}

// welcome makes the first administrator. The one-time password goes to the log
// only where the log is read by the person who started the program.
func (p *program) welcome(ctx context.Context) error {
	shown := p.config.Database.Driver == config.DriverSQLite && p.config.Log.Format == "text" && p.log.Enabled(ctx, slog.LevelInfo)
	first, err := p.people.FirstStart(ctx, shown)
	switch {
	case err != nil:
		return err
	case !first.Password.IsZero():
		p.log.Info("the panel has its first administrator; this one-time password is shown only now, is valid for 24 hours, and must be changed at the first sign-in",
			"name", auth.FirstName, "one_time_password", first.Password.Reveal(), "panel", p.panelURL())
	case first.Locked:
		p.log.Info("nobody can sign in to the panel yet: run `wxsign admin reset-password admin`")
	}
	return nil
}

// panelURL is how browsers reach the panel.
func (p *program) panelURL() string {
	if p.admin != nil {
		return p.admin.origin() + "/admin/"
	}
	return p.publicURL() + "/admin/"
}
