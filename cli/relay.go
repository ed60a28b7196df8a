package cli

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/outbound"
	"github.com/wxsign/wxsign/service/relay"
	"github.com/wxsign/wxsign/service/secret"
)

// relayedConns are idle connections to WeChat that are kept for the next calls.
const relayedConns = 64

// buildRelay makes what forwards business servers' calls to WeChat.
func (p *program) buildRelay(guard *handler.Guard) (handler.Func, error) {
	c := p.config.WeChat
	base, corp := p.baseURL(), p.weComBaseURL()
	targets := []string{base, corp}
	if c.FallbackURL != "" {
		targets = append(targets, c.FallbackURL)
	}
	roots, err := authorities(p.config)
	if err != nil {
		return nil, err
	}
	client, err := outbound.New(outbound.Options{
		Targets: targets, RootCAs: roots, ConnectTimeout: c.ConnectTimeout.Std(), IdleConns: relayedConns,
		Timeout: -1, MaxAnswer: -1, // the relay ends what does not move, and streams what does
	})
	if err != nil {
		return nil, err
	}
	entries, err := audit.New(p.store)
	if err != nil {
		return nil, err
	}
	forward, err := relay.New(relay.Options{
		Keys: relayKeys{p.keys}, Tokens: relayTokens{p.keeper}, Accounts: &relayAccounts{program: p}, Audit: auditReset(entries),
		Transport: client.Transport,
		BaseURL:   base, FallbackURL: c.FallbackURL, WeComBaseURL: corp, Logger: p.log,
	})
	if err != nil {
		return nil, err
	}
	// /sns/userinfo and /sns/auth carry a user's token, which is not known here:
	// anybody may call them, but no faster than pages are signed.
	strangers := router.NewLimiter(p.config.Server.RatePerAddress, p.config.Server.BurstPerAddress)
	return handler.NewRelay(forward, guard, strangers), nil
}

// actionResetQuota is a call of the relay that resets quotas at WeChat.
const actionResetQuota audit.Action = "reset_quota"

// auditReset writes resets of quotas to the audit log.
func auditReset(entries *audit.Log) func(context.Context, relay.Reset) error {
	return func(ctx context.Context, r relay.Reset) error {
		return entries.Record(ctx, audit.Entry{
			Actor: "API key " + r.Actor, Address: r.From.Addr.Unmap().String(), Action: actionResetQuota,
			Target: r.AppID + " " + r.Path, RequestID: r.From.RequestID,
		})
	}
}

// relayKeys shows the API keys to the relay.
type relayKeys struct{ *apikey.Keys }

// Authenticate implements relay.Keys.
func (k relayKeys) Authenticate(ctx context.Context, key string) (relay.Caller, error) {
	caller, err := k.Keys.Authenticate(ctx, key)
	if err != nil {
		return nil, inRelaysWords(err)
	}
	return relayCaller{caller}, nil
}

// relayCaller shows the holder of a key to the relay.
type relayCaller struct{ caller *apikey.Caller }

// Name implements relay.Caller.
func (c relayCaller) Name() string { return c.caller.Name }

// OnlyAccount implements relay.Caller.
func (c relayCaller) OnlyAccount() (appID string, only bool) {
	appIDs, all := c.caller.Accounts()
	if all || len(appIDs) != 1 {
		return "", false
	}
	return appIDs[0], true
}

// Check implements relay.Caller.
func (c relayCaller) Check(scope, appID string, from netip.Addr) error {
	return inRelaysWords(c.caller.Check(scope, appID, from))
}

// inRelaysWords gives an error the sentinel that the relay knows it by.
func inRelaysWords(err error) error {
	for _, same := range []struct{ theirs, ours error }{
		{apikey.ErrMissing, relay.ErrKey},
		{apikey.ErrInvalid, relay.ErrKey},
		{apikey.ErrScopeMissing, relay.ErrScope},
		{apikey.ErrAddressNotAllowed, relay.ErrAddress},
		{apikey.ErrAccountNotAllowed, relay.ErrAccount},
	} {
		if errors.Is(err, same.theirs) {
			return fmt.Errorf("%w: %w", same.ours, err)
		}
	}
	return err
}

// relayTokens shows the access_tokens to the relay.
type relayTokens struct{ *keeper.Keeper }

// Current implements relay.Tokens.
func (t relayTokens) Current(appID string) (relay.Token, error) {
	c, err := t.Keeper.Current(appID, keeper.KindAccessToken)
	return relay.Token{Value: c.Value, SHA256: c.SHA256()}, err
}

// Report implements relay.Tokens.
func (t relayTokens) Report(ctx context.Context, d relay.Death) error {
	_, err := t.Keeper.Report(ctx, keeper.Report{
		AppID: d.AppID, Kind: keeper.KindAccessToken, SHA256: d.SHA256, Errcode: d.Errcode, Actor: d.Actor, SeenAt: d.Path,
	})
	return err
}

// relayAccounts shows the accounts to the relay.
type relayAccounts struct {
	program *program
	sealed  sync.Map // app_id → sealedSecret
}

// sealedSecret is an AppSecret as it is stored, so that web login goes on while
// the database is away.
type sealedSecret struct {
	rev      int64
	envelope []byte
}

var errStarting = errors.New("the stored accounts are not loaded yet")

// IsWeCom implements relay.Accounts.
func (a *relayAccounts) IsWeCom(appID string) (bool, error) {
	view, found := a.program.table.Lookup(appID)
	switch {
	case !found && !a.program.started.Load():
		return false, errStarting
	case !found || !view.Account.Enabled:
		return false, relay.ErrAccount
	}
	return view.Account.Platform == config.PlatformWeCom, nil
}

// Secret implements relay.Accounts. It is opened for each call and nowhere kept
// in the clear.
func (a *relayAccounts) Secret(ctx context.Context, appID string) (secret.Secret, error) {
	view, found := a.program.table.Lookup(appID)
	if !found {
		return secret.Secret{}, relay.ErrAccount
	}
	known, _ := a.sealed.Load(appID)
	held, _ := known.(sealedSecret)
	if held.rev != view.Account.Rev || held.envelope == nil {
		row, err := a.program.store.Account(ctx, appID)
		if err != nil {
			return secret.Secret{}, fmt.Errorf("read the AppSecret: %w", err)
		}
		held = sealedSecret{row.ConfigRev, row.SecretEnc}
		a.sealed.Store(appID, held)
	}
	return a.program.ring.Open(held.envelope, keeper.AppSecretPlace(appID))
}
