package cli

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/fleet"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

// buildEditor makes what people do with accounts in the panel.
func (p *program) buildEditor() (err error) {
	entries, err := audit.New(p.store)
	if err != nil {
		return err
	}
	client, err := newWeChat(p.config, p.baseURL())
	if err != nil {
		return err
	}
	corp, err := newWeCom(p.config, p.weComBaseURL())
	if err != nil {
		return err
	}
	p.editor, err = account.NewEditor(account.EditorOptions{
		Store: p.store, Sealer: p.ring, Audit: entries, Tester: tester{client, corp}, Refresher: refresher{p.keeper},
		SecretPlace: keeper.AppSecretPlace, ValuePlace: keeper.ValuePlace,
	})
	return err
}

// tester asks WeChat, or WeCom, about an AppSecret.
type tester struct {
	client *wechat.Client
	corp   *wechat.WeCom
}

// TestSecret asks for a stable token: as long as one lives, WeChat answers the
// same again, and the chain of the classic token is another one. So no program
// that uses the account notices. At WeCom gettoken is such a call.
func (t tester) TestSecret(ctx context.Context, platform, appID string, appSecret secret.Secret) account.Verdict {
	var err error
	if platform == config.PlatformWeCom {
		_, err = t.corp.Token(ctx, wechat.TokenRequest{AppID: appID, Secret: appSecret})
	} else {
		_, err = t.client.Token(ctx, wechat.TokenRequest{AppID: appID, Secret: appSecret, Mode: wechat.Stable})
	}
	if err == nil {
		return account.Verdict{Accepted: true}
	}
	v := account.Verdict{Text: err.Error()}
	if e, is := errors.AsType[*wechat.Error](err); is {
		v.Errcode, v.Text = e.Errcode, e.Error()+" — "+e.Mend()
	}
	return v
}

// refresher lets the keeper renew for a person.
type refresher struct{ keeper *keeper.Keeper }

// RefreshNow implements account.Refresher.
func (r refresher) RefreshNow(ctx context.Context, appID, kind, person, reason string) (string, error) {
	return r.keeper.Refresh(ctx, keeper.RefreshRequest{AppID: appID, Kind: kind, Actor: person, Reason: reason})
}

// buildFleet makes the list of replicas, and the job that keeps this one in it.
func (p *program) buildFleet() error {
	fingerprint, err := configFingerprint(p.config, p.ring)
	if err != nil {
		return err
	}
	p.fleet, err = fleet.New(fleet.Options{
		Store: p.store, Name: p.replica, Version: thisBuild().Version, Config: fingerprint, Logger: p.log,
	})
	if err != nil {
		return err
	}
	return p.scheduler.Add("fleet", "@every "+fleet.Interval.String(), p.fleet.Beat)
}

// configFingerprint tells apart what must be the same on all replicas: all master
// keys, the sealing one first, and all of the configuration but what each process
// has for itself. It is keyed, so that nobody can try secrets against it.
func configFingerprint(c config.Config, ring *secret.Keyring) (string, error) {
	key, err := ring.Derive("configuration fingerprint")
	if err != nil {
		return "", err
	}
	secrets := make([]string, 0, len(c.Accounts))
	for _, a := range c.Accounts {
		secrets = append(secrets, a.AppID+" "+a.Secret.Hash())
	}
	mac := hmac.New(sha256.New, key)
	err = json.NewEncoder(mac).Encode([]any{
		ring.KeyIDs(), c.WeChat, c.Refresh, c.History, c.Publish, c.Demo, c.Alert, c.Webhooks, c.Accounts, secrets,
	})
	if err != nil {
		return "", fmt.Errorf("fingerprint of the configuration: %w", err)
	}
	return hex.EncodeToString(mac.Sum(nil)[:8]), nil
}

// purgePanel drops what has ended by itself: AppSecrets that are held no longer,
// and replicas that nobody has seen for a while.
func (p *program) purgePanel(ctx context.Context) {
	if err := errors.Join(p.editor.Purge(ctx), p.fleet.Purge(ctx)); err != nil {
		p.log.Warn("cannot purge held AppSecrets and lost replicas; the next run goes on", "err", err)
	}
}

// leaveTimeout bounds what the others' list of replicas may cost a process that
// stops: without this they see it as lost, and forget it.
const leaveTimeout = time.Second

// leaveFleet tells the other replicas that this one ends on purpose.
func (p *program) leaveFleet(ctx context.Context) {
	if !p.started.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if err := p.fleet.Leave(ctx); err != nil {
		p.log.Warn("cannot tell the other replicas that this one ends; they show it as lost for a while", "err", err)
	}
}
