package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/simulator"
)

// newSimulator makes the pretend WeChat of section [simulator].
func newSimulator(c config.Simulator) (*simulator.Simulator, error) {
	o := simulator.Options{
		CredentialLife: c.CredentialLife.Std(), Overlap: c.Overlap.Std(),
		AnyPort: c.AnyPort, FreshTickets: c.FreshTickets,
	}
	for _, a := range c.Accounts {
		o.Accounts = append(o.Accounts, simulator.Account{
			AppID: a.AppID, Secret: a.Secret.Reveal(), Domains: a.Domains, AllowedIPs: a.AllowedIPs,
		})
	}
	return simulator.New(o)
}

// openSimulator makes the pretend WeChat and answers on its address.
func openSimulator(ctx context.Context, c config.Simulator, log *slog.Logger) (*simulator.Simulator, *listener, error) {
	sim, err := newSimulator(c)
	if err != nil {
		return nil, nil, err
	}
	l, err := listen(ctx, "simulator", c.Listen, tlsFiles{})
	if err != nil {
		return nil, nil, err
	}
	l.patient = true
	l.serve(sim, log)
	return sim, l, nil
}

func simulatorCommand(ctx context.Context, env Env, args []string) error {
	flags := newFlags(env, "wxsign simulator", "[--listen host:port]", "runs only the pretend WeChat of section [simulator], for the tests of other\nprograms. Point their API host at the address it prints; script faults and read\nthe ledger under /_sim/ (see docs/simulator.md).\n")
	address := flags.String("listen", "", "the `address` instead of simulator.listen")
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
	if len(c.Simulator.Accounts) == 0 {
		return fmt.Errorf("the simulator would know nobody: add a [[simulator.account]] with app_id, secret and domains to %s", env.ConfigPath)
	}
	if *address != "" {
		c.Simulator.Listen = *address
	}
	log := newLogger(c.Log, env.Stderr)
	_, l, err := openSimulator(ctx, c.Simulator, log)
	if err != nil {
		return err
	}
	log.Info("the simulated WeChat is ready", "simulator", l.origin(), "accounts", len(c.Simulator.Accounts))
	select {
	case err = <-l.failed:
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Server.ShutdownTimeout.Std())
	defer cancel()
	return errors.Join(err, wrapStop(l.close(stop)))
}

func wrapStop(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("stop: %w", err)
}
