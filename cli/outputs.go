package cli

import (
	"context"
	"errors"
	"time"

	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/outbound"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/publish"
	"github.com/wxsign/wxsign/service/webhook"
)

// outputs is what tells other programs of the credentials. It looks at what the
// keeper has done; the keeper does not know of it, so nothing here can delay a
// renewal.
type outputs struct {
	redis *publish.Publisher // nil = off
	box   *outbox.Outbox
	hooks *webhook.Hooks
	found *webhook.Collector
}

// flushTimeout is how long the last values and messages may take at the stop.
const flushTimeout = 5 * time.Second

// buildOutputs makes them and schedules their jobs.
func (p *program) buildOutputs() (err error) {
	if p.outputs.redis, err = p.buildRedis(); err != nil {
		return err
	}
	receivers, err := p.buildWebhooks()
	if err != nil {
		return err
	}
	channels := make([]outbox.Channel, 0, len(receivers))
	for _, hook := range receivers {
		channels = append(channels, hook)
	}
	if channels, err = p.addReceivers(channels, receivers); err != nil {
		return err
	}
	p.outputs.box, err = outbox.New(outbox.Options{Store: p.store, Channels: channels, Replica: p.replica, Logger: p.log})
	if err != nil {
		return err
	}
	p.outputs.hooks = webhook.NewHooks(p.outputs.box, receivers)
	p.outputs.found, err = webhook.NewCollector(webhook.CollectorOptions{
		Store: p.store, Table: p.table, Hooks: p.outputs.hooks, Logger: p.log,
	})
	if err != nil {
		return err
	}
	return errors.Join(
		p.scheduler.Add("events", "@every 2s", p.collectEvents),
		p.scheduler.Add("deliveries", "@every 2s", p.outputs.box.Scan),
		p.scheduler.Add("old deliveries", "@every 1h", p.outputs.box.Purge),
	)
}

// collectEvents does not let what it finds wait for the next scan.
func (p *program) collectEvents(ctx context.Context) {
	if p.outputs.found.Collect(ctx) > 0 {
		p.outputs.box.Scan(ctx)
	}
}

// startOutputs begins to copy to Redis; the jobs begin with the scheduler.
func (p *program) startOutputs() {
	if p.outputs.redis != nil {
		p.outputs.redis.Start()
	}
}

// stopOutputs comes after the keeper's stop, so that the values of the last
// renewals go out too. It has time of its own: the keeper may have used up the
// rest.
func (p *program) stopOutputs(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	var errs []error
	if p.outputs.redis != nil && p.started.Load() {
		errs = append(errs, p.outputs.redis.Stop(ctx))
	}
	if p.outputs.box != nil {
		errs = append(errs, p.outputs.box.Stop(ctx))
	}
	return errors.Join(errs...)
}

func (p *program) buildRedis() (*publish.Publisher, error) {
	c := p.config.Publish.Redis
	if c.Address == "" {
		return nil, nil //nolint:nilnil // no Redis is no error
	}
	secure, err := redisTLS(p.config)
	if err != nil {
		return nil, err
	}
	return publish.New(publish.Options{
		Table: p.table, Address: c.Address, Username: c.Username, Password: c.Password, DB: c.DB, TLS: secure,
		TokenKey: c.TokenKey, TicketKey: c.TicketKey, Logger: p.log,
	})
}

func (p *program) buildWebhooks() ([]*webhook.Hook, error) { return newHooks(p.config) }

func newHooks(all config.Config) ([]*webhook.Hook, error) {
	urls := make([]string, 0, len(all.Webhooks))
	for _, hook := range all.Webhooks {
		urls = append(urls, hook.URL)
	}
	roots, err := authorities(all)
	if err != nil {
		return nil, err
	}
	client, err := outbound.New(outbound.Options{Targets: urls, Allow: all.Outbound.Allow, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	hooks := make([]*webhook.Hook, 0, len(urls))
	for _, c := range all.Webhooks {
		hook, err := webhook.NewHook(webhook.HookOptions{
			URL: c.URL, Secret: c.Secret, Events: c.Events, Client: client, UserAgent: "wxsign/" + thisBuild().Version,
		})
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, hook)
	}
	return hooks, nil
}
