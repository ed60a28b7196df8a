package cli

import (
	"context"
	"slices"
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/account/rules"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/keeper"
)

// registerAccounts makes the database's accounts those of the file.
func (p *program) registerAccounts(ctx context.Context) error {
	registry, err := account.New(account.Options{Store: p.store, Sealer: p.ring, SecretPlace: keeper.AppSecretPlace, Logger: p.log})
	if err != nil {
		return err
	}
	if p.simulator != nil {
		if err := p.forgetSimulated(ctx); err != nil {
			return err
		}
	}
	return registry.RegisterFile(ctx, p.settings())
}

// forgetSimulated drops what an earlier run of the built-in simulator issued:
// it keeps nothing, so this run's would call every stored value invalid.
func (p *program) forgetSimulated(ctx context.Context) error {
	appIDs := make([]string, 0, len(p.config.Simulator.Accounts))
	for _, a := range p.config.Simulator.Accounts {
		appIDs = append(appIDs, a.AppID)
	}
	nowMs, err := p.store.Now(ctx)
	if err != nil {
		return err
	}
	// Another replica may have asked this very simulator already.
	return p.store.ForgetValues(ctx, appIDs, nowMs-time.Since(p.simulatedSince).Milliseconds())
}

// settings are the accounts of the file. With the simulator, accounts of the
// demo page also serve this server's own address, whatever port it has, where they
// may sign for pages as it serves them.
func (p *program) settings() []account.Settings {
	settings := make([]account.Settings, 0, len(p.config.Accounts))
	for _, a := range p.config.Accounts {
		domains := slices.Clone(a.Domains)
		own := p.pages.hostPort()
		mayBeSigned := a.AllowHTTP || p.pages.secure
		if p.simulator != nil && mayBeSigned && showsInDemo(p.config, a) && !slices.Contains(domains, own) {
			domains = append(domains, own)
		}
		settings = append(settings, account.Settings{
			AppID: a.AppID, Name: a.Name, Platform: a.Platform, Secret: a.Secret, TokenMode: a.TokenMode,
			Tickets: a.Tickets, Domains: domains, AllowHTTP: a.AllowHTTP, Profiles: profiles(a.Profiles),
		})
	}
	return settings
}

// profiles adds the one that every account has.
func profiles(of map[string]config.Profile) map[string]model.Profile {
	all := map[string]model.Profile{config.DefaultProfile: {
		JSAPIList: rules.DefaultAPIs(),
	}}
	for name, p := range of {
		all[name] = model.Profile{JSAPIList: p.JSAPIList, OpenTagList: p.OpenTagList, Debug: p.Debug}
	}
	return all
}

func showsInDemo(c config.Config, a config.Account) bool {
	return c.Demo.Enabled && (len(c.Demo.Accounts) == 0 || slices.Contains(c.Demo.Accounts, a.AppID))
}

// demoAccounts are the accounts and profiles that the demo page may show.
func demoAccounts(c config.Config) []handler.DemoAccount {
	var shown []handler.DemoAccount
	for _, a := range c.Accounts {
		if !showsInDemo(c, a) {
			continue
		}
		entry := handler.DemoAccount{AppID: a.AppID, Name: a.Name, Agent: slices.Contains(a.Tickets, config.TicketAgentConfig)}
		for name := range profiles(a.Profiles) {
			if len(c.Demo.Profiles) == 0 || slices.Contains(c.Demo.Profiles, name) {
				entry.Profiles = append(entry.Profiles, name)
			}
		}
		slices.Sort(entry.Profiles)
		if len(entry.Profiles) > 0 {
			shown = append(shown, entry)
		}
	}
	return shown
}
