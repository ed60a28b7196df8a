package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/outbound"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/webhook"
)

const aboutAlert = `Alerts: mail, webhooks and the WeCom robot of [alert], and every [[webhook]] with alert.raised.

  test [--channel NAME]   send a test message now, to all or to one: mail, webhook, robot
`

func alertCommand(ctx context.Context, env Env, args []string) error {
	if len(args) > 0 && args[0] == "test" {
		return alertTest(ctx, env, args[1:])
	}
	flags := newFlags(env, "wxsign alert", "test [--channel NAME]", aboutAlert)
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	return usageError{"alert: say `wxsign alert test`"}
}

// alertTest needs no database: it is for machines on which something is wrong.
func alertTest(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign alert test", "[--channel NAME]", "sends a test message now and says how each receiver took it.\n")
	channel := flags.String("channel", "", "only the receivers whose `name` begins so: mail, webhook, robot")
	if err := parseFlags(flags, args); err != nil {
		return err
	}
	if err := noArguments(flags); err != nil {
		return err
	}
	c, _, err := loadConfig(env)
	if err != nil {
		return err
	}
	hooks, err := newHooks(c)
	if err != nil {
		return err
	}
	receivers, err := buildReceivers(c, hooks)
	if err != nil {
		return err
	}
	alerts, err := alert.New(alertOptions(c, alert.Options{
		Store: (*model.Store)(nil), Box: (*outbox.Outbox)(nil), Receivers: receivers, Replica: replicaName(), // a test asks neither
	}))
	if err != nil {
		return err
	}
	return sendTests(ctx, env, alerts, *channel)
}

func sendTests(ctx context.Context, env Env, alerts *alert.Alerts, channel string) error {
	tried, failed := 0, 0
	for _, r := range alerts.Receivers() {
		if !strings.HasPrefix(r.Label, channel) && !strings.HasPrefix(r.Name, channel) {
			continue
		}
		tried++
		if err := alerts.Try(ctx, r.Name, "wxsign alert test"); err != nil {
			failed++
			say(env.Stdout, "%s: NOT SENT: %v\n", r.Label, err)
			continue
		}
		say(env.Stdout, "%s: sent\n", r.Label)
	}
	switch {
	case tried == 0:
		return errors.New("alert test: there is no such receiver: set alert.smtp, alert.webhook or alert.wecom_robot in the configuration")
	case failed > 0:
		return fmt.Errorf("alert test: %d of %d receivers did not get the message", failed, tried)
	}
	return nil
}

// buildReceivers are all who are told of alerts: those of [alert], and every
// webhook that wants to be.
func buildReceivers(c config.Config, hooks []*webhook.Hook) (receivers []alert.Receiver, err error) {
	for _, hook := range hooks {
		receivers = append(receivers, alert.Webhook(hook))
	}
	roots, err := authorities(c)
	if err != nil {
		return nil, err
	}
	s, h, r := c.Alert.SMTP, c.Alert.Webhook, c.Alert.WeComRobot
	if s.Host != "" {
		mail, err := alert.NewMail(alert.MailOptions{
			Host: s.Host, Port: s.Port, Username: s.Username, Password: s.Password, From: s.From, To: s.To, TLS: s.TLS,
			Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		})
		if err != nil {
			return nil, err
		}
		receivers = append(receivers, mail)
	}
	targets := slices.DeleteFunc([]string{h.URL, r.URL.Reveal()}, func(url string) bool { return url == "" })
	client, err := outbound.New(outbound.Options{Targets: targets, Allow: c.Outbound.Allow, RootCAs: roots})
	if err != nil {
		return nil, err
	}
	if h.URL != "" {
		hook, err := webhook.NewHook(webhook.HookOptions{
			URL: h.URL, Secret: h.Secret, Events: []string{webhook.AlertRaised, webhook.AlertCleared}, Client: client, Prefix: "alert-webhook",
			UserAgent: "wxsign/" + thisBuild().Version,
		})
		if err != nil {
			return nil, err
		}
		receivers = append(receivers, alert.Webhook(hook))
	}
	if !r.URL.IsZero() {
		robot, err := alert.NewRobot(r.URL, client)
		if err != nil {
			return nil, err
		}
		receivers = append(receivers, robot)
	}
	return receivers, nil
}

// addReceivers makes those of [alert] channels of the outbox, too; the webhooks
// are among them already.
func (p *program) addReceivers(channels []outbox.Channel, hooks []*webhook.Hook) ([]outbox.Channel, error) {
	var err error
	if p.receivers, err = buildReceivers(p.config, hooks); err != nil {
		return nil, err
	}
	for _, r := range p.receivers[len(hooks):] {
		channels = append(channels, r)
	}
	return channels, nil
}

// alertOptions adds what the configuration says.
func alertOptions(c config.Config, o alert.Options) alert.Options {
	a := c.Alert
	o.Limits = alert.Limits{
		StableMargin: c.Refresh.StableMargin.Std(), ClassicMargin: c.Refresh.ClassicMargin.Std(), TicketMargin: c.Refresh.TicketMargin.Std(),
		WindowWarning: a.WindowWarning, WindowCritical: a.WindowCritical, ForceBudgetLow: a.ForceBudgetLow,
		ClockDifference: a.ClockDifference.Std(),
	}
	return o
}

// buildAlerts makes what looks for troubles, after the outputs that carry its
// messages, and schedules it.
func (p *program) buildAlerts() error {
	fingerprint, err := configFingerprint(p.config, p.ring)
	if err != nil {
		return err
	}
	quiet, err := alert.ParseQuiet(p.config.Alert.QuietHours)
	if err != nil {
		return err
	}
	entries, err := audit.New(p.store)
	if err != nil {
		return err
	}
	p.alerts, err = alert.New(alertOptions(p.config, alert.Options{
		Store: p.store, Audit: entries, Box: p.outputs.box, Receivers: p.receivers, Replica: p.replica, Config: fingerprint,
		Quiet: quiet, Logger: p.log,
		PanelURL: p.panelURL() + "alerts",
		Own: alert.Own{
			DatabaseDown: func() time.Duration { return p.keeper.Status().DatabaseDown }, Served: p.served, Redis: p.redisTrouble,
			ReadOnly: func() bool { return slices.Contains(p.keeper.Status().Codes, keeper.CodeDatabaseReadOnly) },
		},
	}))
	if err != nil {
		return err
	}
	return errors.Join(
		p.scheduler.Add("alerts", "@every "+alert.Interval.String(), p.alerts.Look),
		p.scheduler.Add("old alerts", "@every 6h", p.alerts.Tidy),
	)
}

// served is the version of a credential that this replica serves.
func (p *program) served(appID, kind string) (version int64, kept bool) {
	view, found := p.table.Lookup(appID)
	if !found || !view.Account.Enabled || !view.Keeps(kind) {
		return 0, false
	}
	c, _ := view.Credential(kind)
	return c.Version, true
}

// redisTrouble is why the copy in Redis fails, "" where it does not.
func (p *program) redisTrouble() (text string, since time.Time) {
	if p.outputs.redis == nil {
		return "", time.Time{}
	}
	status := p.outputs.redis.Status()
	if status.Failing == 0 {
		return "", time.Time{}
	}
	return status.Error, status.FailingSince
}

// leaveAlerts lets another replica look for troubles at once.
func (p *program) leaveAlerts(ctx context.Context) {
	if p.alerts == nil || !p.started.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if err := p.alerts.Leave(ctx); err != nil {
		p.log.Warn("cannot leave the duty to look for troubles; another replica takes it when the lease ends", "err", err)
	}
}
