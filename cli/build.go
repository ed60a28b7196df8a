package cli

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/metrics"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/schedule"
	"github.com/wxsign/wxsign/service/signature"
)

// build makes the parts, ties them together and begins to answer HTTP.
func (p *program) build() error {
	counters, err := p.buildMetrics()
	if err != nil {
		return err
	}
	if p.keys, err = newKeys(p.store); err != nil {
		return err
	}
	if err := p.buildKeeper(); err != nil {
		return err
	}
	if err := p.buildSchedule(); err != nil {
		return err
	}
	if err := p.buildOutputs(); err != nil {
		return err
	}
	if err := p.buildAlerts(); err != nil {
		return err
	}
	health, err := p.showRedis(handler.NewHealth(p.keeper.Status))
	if err != nil {
		return err
	}
	pages, err := p.buildPages(health, counters)
	if err != nil {
		return err
	}
	control, err := p.buildControl(health)
	if err != nil {
		return err
	}
	if p.control != nil {
		p.control.serve(control, p.log)
	} else {
		pages = router.BesideControl(pages, control)
	}
	admin, err := p.buildAdmin()
	if err != nil {
		return err
	}
	if p.admin != nil {
		p.admin.serve(admin, p.log)
	} else {
		pages = router.Beside(pages, admin)
	}
	p.pages.serve(pages, p.log)
	if p.ops != nil {
		p.ops.serve(router.Ops(health.Naming(p.keeper.Troubles), counters.Handler()), p.log)
	}
	return nil
}

func (p *program) buildKeeper() error {
	c := p.config
	client, err := newWeChat(c, p.baseURL())
	if err != nil {
		return err
	}
	corp, err := newWeCom(c, p.weComBaseURL())
	if err != nil {
		return err
	}
	p.replica = replicaName()
	interval, err := schedule.Interval(c.Refresh.Scan, time.Now())
	if err != nil {
		return err
	}
	p.keeper, err = keeper.New(keeper.Options{
		Store: p.store, WeChat: client, WeCom: corp, Table: p.table, Keyring: p.ring, Replica: p.replica,
		Timing: keeper.Timing{
			StableMargin: c.Refresh.StableMargin.Std(), ClassicMargin: c.Refresh.ClassicMargin.Std(), TicketMargin: c.Refresh.TicketMargin.Std(),
			Jitter: noneIfZero(c.Refresh.Jitter), MinInterval: c.Refresh.MinInterval.Std(), Lease: c.Refresh.Lease.Std(),
		},
		Concurrency: c.Refresh.Concurrency, Lookahead: interval + time.Second, ProbeInterval: c.Refresh.Probe.Std(),
		Observer: p.observer(), Logger: p.log,
	})
	if err != nil {
		return err
	}
	return p.buildSnapshotFile()
}

// noneIfZero is a duration for an option whose zero means its default.
func noneIfZero(d config.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d.Std()
}

// baseURL is where WeChat answers. The built-in simulator may have been given
// another address than the demo's: then the demo follows it.
func (p *program) baseURL() string {
	demo := "http://" + config.Default().Simulator.Listen
	if p.simulated != nil && p.config.WeChat.BaseURL == demo {
		return p.simulated.origin()
	}
	return p.config.WeChat.BaseURL
}

// replicaName tells replicas apart for people and for the database: the host,
// the process, and something that no restart repeats.
func replicaName() string {
	const mostHost = 100
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "unknown-host"
	}
	return fmt.Sprintf("%.*s/%d/%s", mostHost, host, os.Getpid(), keeper.NewID()[:8])
}

func (p *program) buildSchedule() error {
	p.scheduler = schedule.New(p.log)
	if err := p.scheduler.Add("scan", p.config.Refresh.Scan, p.keeper.Scan); err != nil {
		return err
	}
	if err := p.scheduler.Add("metrics", "@every 15s", p.watchDatabase); err != nil {
		return err
	}
	if err := p.scheduler.Add("people", "@every 1h", p.purgePeople); err != nil {
		return err
	}
	if err := p.scheduler.Add("memory", "@every 1m", func(context.Context) { p.memory.tend() }); err != nil {
		return err
	}
	if err := p.scheduler.Add("memory look", "@every 1s", func(context.Context) { p.memory.look() }); err != nil {
		return err
	}
	return p.schedulePurge()
}

// reportsPerSecond and reportsAtOnce limit the demo page's verdicts by address,
// and those of pages by address and by account.
const (
	reportsPerSecond = 1
	reportsAtOnce    = 20
)

func (p *program) buildPages(health *handler.Health, counters *metrics.Metrics) (pages http.Handler, err error) {
	c := p.config.Server
	signer, err := signature.New(signature.Options{Accounts: p.table})
	if err != nil {
		return nil, err
	}
	helper, err := handler.NewScript()
	if err != nil {
		return nil, err
	}
	desk, err := p.buildDesk()
	if err != nil {
		return nil, err
	}
	demo, err := p.buildDemo(desk)
	if err != nil {
		return nil, err
	}
	files, err := newVerifyFiles(p.store)
	if err != nil {
		return nil, err
	}
	return router.Pages(router.Options{
		JSSDK:  handler.NewJSSDK(startingSigner{signer, &p.started}, router.NewLimiter(c.RatePerAccount, c.RatePerAccount)),
		Script: helper, Demo: demo, Health: health, VerifyFiles: handler.NewVerifyFiles(files),
		PageReports:    handler.NewPageReports(signer, desk, router.NewLimiter(reportsPerSecond, reportsAtOnce)),
		AllowsOrigin:   signer.AllowsOrigin,
		Signed:         counters.Signed,
		Signing:        router.NewLimiter(c.RatePerAddress, c.BurstPerAddress),
		Reports:        router.NewLimiter(reportsPerSecond, reportsAtOnce),
		TrustedProxies: c.TrustedProxies, Logger: p.log,
	})
}

// buildDesk makes what takes in the verdicts of pages.
func (p *program) buildDesk() (*qa.Desk, error) {
	key, err := p.ring.Derive("QA report nonces")
	if err != nil {
		return nil, err
	}
	return qa.New(qa.Options{Store: p.store, Key: key})
}

func (p *program) buildDemo(desk *qa.Desk) (*handler.Demo, error) {
	if !p.config.Demo.Enabled {
		return nil, nil //nolint:nilnil // no demo page is no error
	}
	accounts := demoAccounts(p.config)
	if len(accounts) == 0 {
		p.log.Warn("the demo page is off: there is no account it could show; see [demo] and [[account]]")
		return nil, nil //nolint:nilnil // as above
	}
	o := handler.DemoOptions{Accounts: accounts, PublicURL: p.config.Server.PublicURL, Reports: desk}
	if p.simulator != nil {
		o.Simulated, o.Verify = true, p.simulator.VerifyHandler()
	}
	return handler.NewDemo(o)
}
