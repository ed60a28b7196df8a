package cli

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/auth"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/fleet"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/metrics"
	"github.com/wxsign/wxsign/service/schedule"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/snapshotfile"
)

func serveCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign serve", "", "keeps the credentials of all accounts fresh and signs pages, until SIGTERM or\nSIGINT. A second signal ends it at once.\n")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	c, report, err := loadConfig(env)
	if err != nil {
		return err
	}
	log := newLogger(c.Log, env.Stderr)
	slog.SetDefault(log)
	for _, warning := range report.Warnings {
		log.Warn("about the configuration", "text", warning.String())
	}
	return serve(ctx, c, log)
}

// program is everything that runs, in the order in which it was started.
type program struct {
	config config.Config
	log    *slog.Logger

	ring      *secret.Keyring
	madeKey   string // path of the key file that this start made, else ""
	store     *model.Store
	table     *snapshot.Table
	keeper    *keeper.Keeper
	people    *auth.Auth
	editor    *account.Editor
	fleet     *fleet.Fleet
	keys      *apikey.Keys     // of business servers
	callers   *handler.Control // the routes for them
	replica   string           // this process among the replicas
	scheduler *schedule.Scheduler
	outputs   outputs
	alerts    *alert.Alerts
	receivers []alert.Receiver // of alerts
	counters  *metrics.Metrics
	started   atomic.Bool // the stored accounts are being served
	memory    memory

	kept         *snapshotfile.File   // nil = there is to be none
	keeping      *snapshotfile.Writer // nil as above
	restored     bool                 // until the database answers, kept is served
	awaitsClock  bool                 // kept may be of use once the clock is right
	unrestorable bool                 // kept is of no use

	simulator *simulator.Simulator // nil without
	simulated *listener            // nil without
	// simulatedSince is when the simulator began: it knows nothing older.
	simulatedSince time.Time
	pages          *listener
	control        *listener // nil = the routes for business servers are on pages
	admin          *listener // nil = the panel is on pages
	ops            *listener // nil = off
}

// serve starts everything, waits for the end and stops in reverse order.
func serve(ctx context.Context, c config.Config, log *slog.Logger) (err error) {
	p := &program{config: c, log: log, table: snapshot.NewTable()}
	if p.ring, p.madeKey, err = loadOrMakeKeyring(c, log); err != nil {
		return err
	}
	if p.store, err = openStore(c, log); err != nil {
		return err
	}
	unlock, err := p.store.LockForServe()
	if err != nil {
		return errors.Join(err, p.store.Close())
	}
	err = p.run(ctx)
	return errors.Join(err, p.store.Close(), unlock())
}

// run holds all that needs the store. Listeners open first, so that an address
// in use is told before anything is changed, and so that probes are answered
// while the database is still away.
func (p *program) run(ctx context.Context) error {
	err := p.open(ctx)
	if err == nil {
		err = p.build()
	}
	if err == nil {
		p.log.Info("answering, but not ready yet", p.addresses()...)
		err = p.start(ctx)
	}
	if err == nil {
		p.announce()
		p.config.Accounts = nil // they are in the database now, and the file may have very many
		p.memory.begin()
		err = p.wait(ctx)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil // stopped before the start was over
	}
	return errors.Join(err, p.stop(ctx))
}

// open binds all addresses.
func (p *program) open(ctx context.Context) (err error) {
	c := p.config
	if c.Simulator.Enabled {
		p.simulatedSince = time.Now()
		if p.simulator, p.simulated, err = openSimulator(ctx, c.Simulator, p.log); err != nil {
			return err
		}
	}
	if p.pages, err = listen(ctx, "server", c.Server.Listen, tlsFiles{c.Server.TLSCert, c.Server.TLSKey}); err != nil {
		return err
	}
	if c.Control.Listen != "" {
		if p.control, err = listen(ctx, "control", c.Control.Listen, tlsFiles{c.Control.TLSCert, c.Control.TLSKey}); err != nil {
			return err
		}
	}
	if c.Admin.Listen != "" {
		if p.admin, err = listen(ctx, "admin", c.Admin.Listen, tlsFiles{c.Admin.TLSCert, c.Admin.TLSKey}); err != nil {
			return err
		}
	}
	if c.Ops.Listen != "" {
		p.ops, err = listen(ctx, "ops", c.Ops.Listen, tlsFiles{})
	}
	p.letRest()
	return err
}

// letRest finds the listeners on which the relay and the panel are.
func (p *program) letRest() {
	p.pages.resting = p.control == nil || p.admin == nil
	for _, l := range []*listener{p.control, p.admin} {
		if l != nil {
			l.resting = true
		}
	}
}

// start gets ready as soon as the database lets it. The HTTP side answers all
// the while and says that it is not ready, or serves from the snapshot file. A
// database that goes away in the middle of it is no reason to end: every step
// may be repeated.
func (p *program) start(ctx context.Context) error {
	for {
		if err := p.reachDatabase(ctx); err != nil {
			return err
		}
		err := p.prepare(ctx)
		if !errors.Is(err, model.ErrUnreachable) && !errors.Is(err, model.ErrNotApplied) {
			return err
		}
		p.log.Warn("the database went away while starting; beginning anew", "err", err)
		p.restore()
		select {
		case <-time.After(firstDatabasePause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// prepare brings the database up to date, loads what is stored and begins to
// renew.
func (p *program) prepare(ctx context.Context) error {
	if err := prepareSchema(ctx, p.config.Database, p.store, p.log); err != nil {
		return err
	}
	if err := checkMasterKey(ctx, p.store, p.ring); err != nil {
		return lostKeyFile(err, p.madeKey)
	}
	if err := p.registerAccounts(ctx); err != nil {
		return err
	}
	if err := p.welcome(ctx); err != nil {
		return err
	}
	if err := p.followKeys(ctx); err != nil {
		return err
	}
	p.outputs.found.Begin(ctx) // a new receiver is told of the first renewal, too
	if err := p.keeper.Start(ctx); err != nil {
		return err
	}
	p.fleet.Beat(ctx)
	p.started.Store(true)
	p.keepSnapshot()
	p.startOutputs()
	p.scheduler.Start()
	p.watchDatabase(ctx)
	return nil
}

// wait returns when the process is asked to end or a listener fails.
func (p *program) wait(ctx context.Context) error {
	failed := make(chan error, 5)
	for _, l := range []*listener{p.pages, p.control, p.admin, p.ops, p.simulated} {
		if l != nil {
			go func() {
				select {
				case err := <-l.failed:
					failed <- err
				case <-ctx.Done():
				}
			}()
		}
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		p.log.Info("stopping")
		return nil
	}
}

// stop drains the pages while renewals end: neither may cost the other its
// time, for a token that WeChat has issued must still be published. The
// simulator goes last, which renewals in flight may still need.
func (p *program) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.config.Server.ShutdownTimeout.Std())
	defer cancel()
	var drain sync.WaitGroup
	var drained error
	drain.Go(func() {
		p.endWaits(ctx)
		drained = closeAll(ctx, p.pages, p.control, p.admin)
	})
	var renewed error
	if p.scheduler != nil {
		renewed = errors.Join(p.scheduler.Stop(ctx), p.keeper.Stop(ctx))
		p.leaveSnapshot() // with what was renewed last
		renewed = errors.Join(renewed, p.keys.Stop(ctx), p.stopOutputs(ctx))
		p.leaveAlerts(ctx)
		p.leaveFleet(ctx)
	}
	drain.Wait()
	return wrapStop(errors.Join(drained, renewed, closeAll(ctx, p.ops, p.simulated)))
}

func closeAll(ctx context.Context, listeners ...*listener) error {
	var errs []error
	for _, l := range listeners {
		if l != nil {
			errs = append(errs, l.close(ctx))
		}
	}
	return errors.Join(errs...)
}

// announce tells people where to go.
func (p *program) announce() {
	where := p.addresses()
	if p.config.Demo.Enabled {
		where = append(where, "demo", p.publicURL()+"/demo/share")
	}
	p.log.Info("wxsign is ready", where...)
}

// addresses are those that are open, as the log tells them.
func (p *program) addresses() []any {
	where := []any{"listen", p.pages.origin(), "panel", p.panelURL()}
	if p.control != nil {
		where = append(where, "control", p.control.origin())
	}
	if p.simulated != nil {
		where = append(where, "simulator", p.simulated.origin())
	}
	if p.ops != nil {
		where = append(where, "ops", p.ops.origin())
	}
	return where
}

// publicURL is how browsers reach the pages.
func (p *program) publicURL() string {
	if p.config.Server.PublicURL != "" {
		return p.config.Server.PublicURL
	}
	return p.pages.origin()
}
