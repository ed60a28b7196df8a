package relay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// AppIDHeader names the account where a key covers several.
const AppIDHeader = "X-Wxsign-App-Id"

// keyPrefix begins every API key.
const keyPrefix = "wxs_"

// grant is what a caller was let in for.
type grant struct {
	appID string
	wecom bool
	actor string // in history and log
}

// admission is what a request brings to be let in.
type admission struct {
	presented string // what stands in access_token or secret
	appID     string // the account that the request names, "" = none
	path      string
	from      From
}

// lookUp asks whether the database may be asked about something unknown, which
// is limited per network: it could be somebody who tries.
func (a admission) lookUp(known bool) error {
	if known || a.from.LookUp == nil || a.from.LookUp() {
		return nil
	}
	return refuse(45011, "too many keys or tokens that are not known here came from your network")
}

// admit finds out who calls and for which account: by an API key, or by a token
// that we issued and that stands for the live one.
func (y *Relay) admit(ctx context.Context, a admission) (grant, error) {
	if !strings.HasPrefix(a.presented, keyPrefix) {
		return y.admitToken(ctx, a)
	}
	key, suffix, _ := strings.Cut(a.presented, "@")
	if suffix != "" && a.appID != "" && suffix != a.appID {
		return grant{}, refuse(40013, "the request names two different accounts")
	}
	if err := a.lookUp(y.o.Keys.Knows(key)); err != nil {
		return grant{}, err
	}
	caller, err := y.o.Keys.Authenticate(ctx, key)
	if errors.Is(err, ErrKey) {
		return grant{}, refuse(40125, "this API key does not exist, was revoked or has ended")
	}
	if err != nil {
		return grant{}, trouble("the API key cannot be checked now", err)
	}
	if suffix != "" {
		a.appID = suffix
	}
	return y.admitCaller(caller, a)
}

func (y *Relay) admitCaller(caller Caller, a admission) (grant, error) {
	if a.appID == "" {
		only, one := caller.OnlyAccount()
		if !one {
			return grant{}, refuse(40013, "this API key covers several accounts: write <key>@<app_id>, or the header "+AppIDHeader)
		}
		a.appID = only
	}
	scopes := []string{ScopeRelay}
	if resetsQuota(a.path) {
		scopes = append(scopes, ScopeRefresh)
	}
	for _, scope := range scopes {
		if err := caller.Check(scope, a.appID, a.from.Addr); err != nil {
			return grant{}, refusedCheck(err, scope, a.from.Addr)
		}
	}
	return y.granted(a.appID, caller.Name())
}

func refusedCheck(err error, scope string, from netip.Addr) error {
	switch {
	case errors.Is(err, ErrScope):
		return refuse(48001, "this API key lacks the scope "+scope)
	case errors.Is(err, ErrAddress):
		return foreignAddress(from, "this API key may not be used from this address; make a key with this network in its list (--cidr)")
	case errors.Is(err, ErrAccount):
		return refuse(40013, "this API key does not cover the account")
	}
	return trouble("the API key cannot be checked now", err)
}

// admitToken lets in who has a token that we issued in the last 4 hours: the
// SDKs that keep theirs for too long.
func (y *Relay) admitToken(ctx context.Context, a admission) (grant, error) {
	if a.presented == "" {
		return grant{}, refuse(41001, "write the API key there")
	}
	hash := secret.New(a.presented).Hash()
	if err := a.lookUp(y.o.Tokens.Holds(hash)); err != nil {
		return grant{}, err
	}
	appID, found, err := y.o.Tokens.Issued(ctx, hash)
	switch {
	case err != nil:
		return grant{}, trouble("the access_token cannot be checked now", err)
	case !found:
		return grant{}, refuse(40001, "this token was not issued here in the last 4 hours; fetch one, or write an API key there")
	case a.appID != "" && a.appID != appID:
		return grant{}, refuse(40013, "the token is of another account than the header "+AppIDHeader+" names")
	case !y.o.Keys.RelayAllows(appID, a.from.Addr):
		return grant{}, foreignAddress(a.from.Addr, "an issued access_token opens the relay only from the networks (--cidr) of a live API key with the scope relay for this account; send the key itself, or give the key that network")
	case resetsQuota(a.path):
		return grant{}, refuse(48001, "this call needs an API key with the scope "+ScopeRefresh)
	}
	return y.granted(appID, "issued token from "+a.from.Addr.Unmap().String())
}

func (y *Relay) granted(appID, actor string) (grant, error) {
	wecom, err := y.o.Accounts.IsWeCom(appID)
	if errors.Is(err, ErrAccount) || err == nil && y.hosts(wecom).base == nil {
		return grant{}, refuse(40013, "this server does not serve the account")
	}
	if err != nil {
		return grant{}, trouble("the accounts are not known yet; try again in a few seconds", err)
	}
	return grant{appID: appID, wecom: wecom, actor: actor}, nil
}

// admitAPI lets in a call with our access_token in its query.
func (c *call) admitAPI() error {
	raw := c.r.URL.RawQuery
	presented := param(raw, paramToken)
	granted, err := c.relay.admit(c.ctx, admission{
		presented: presented, appID: c.r.Header.Get(AppIDHeader), path: c.r.URL.Path, from: c.from,
	})
	if err != nil {
		return err
	}
	c.grant = granted
	if err := c.keepKeyIn(setParam(raw, paramToken, ""), presented); err != nil {
		return err
	}
	return c.auditReset()
}

// auditReset writes a reset of quotas down before it is sent: no entry, no reset.
func (c *call) auditReset() error {
	if !resetsQuota(c.r.URL.Path) {
		return nil
	}
	err := c.relay.o.Audit(c.ctx, Reset{AppID: c.grant.appID, Path: fold(c.r.URL.Path), Actor: c.grant.actor, From: c.from})
	if err != nil {
		return trouble("a reset of quotas is written to the audit log first, which cannot be done now; nothing was sent", err)
	}
	return nil
}

// admitSecret lets in a call of /sns/ with our API key in its secret, and
// answers the query with the AppSecret in that place.
func (c *call) admitSecret() (query string, err error) {
	raw := c.r.URL.RawQuery
	appID, presented := param(raw, paramAppID), param(raw, paramSecret)
	switch {
	case countParam(raw, paramAppID) > 1 || countParam(raw, paramSecret) > 1:
		return "", refuse(40035, "appid or secret is there more than once")
	case appID == "":
		return "", refuse(41002, "name the account")
	case presented == "":
		return "", refuse(41004, "write the API key there")
	case !strings.HasPrefix(presented, keyPrefix):
		return "", refuse(40125, "write an API key there; the AppSecret itself is not for this server's callers")
	}
	if c.grant, err = c.relay.admit(c.ctx, admission{presented: presented, appID: appID, path: c.r.URL.Path, from: c.from}); err != nil {
		return "", err
	}
	if c.grant.wecom {
		return "", refuse(40013, "WeCom has no calls below /sns/")
	}
	if err := c.keepKeyIn(setParam(raw, paramSecret, ""), presented); err != nil {
		return "", err
	}
	appSecret, err := c.relay.o.Accounts.Secret(c.ctx, appID)
	if err != nil || appSecret.IsZero() {
		return "", trouble("the AppSecret cannot be read now", fmt.Errorf("open the AppSecret: %w", err))
	}
	c.secrets = append(c.secrets, appSecret)
	return setParam(raw, paramSecret, appSecret.Reveal()), nil
}

// keepKeyIn refuses a request that has the API key at a second place, from
// where it would go to WeChat.
func (c *call) keepKeyIn(query, presented string) error {
	key, _, _ := strings.Cut(presented, "@")
	if strings.HasPrefix(key, keyPrefix) && (holds(query, key) || holds(c.r.URL.EscapedPath(), key)) {
		return refuse(40035, "the API key stands in the request twice, and is never sent to WeChat")
	}
	return nil
}
