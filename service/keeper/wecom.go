package keeper

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// An account of WeCom is kept like the others, with four differences. It asks
// another host. Its token is judged like a ticket: gettoken was documented to
// answer the same token until its end, and nothing says that expires_in is then
// what is left, so a known end is never moved, and the next token is asked for
// every second at the end of the old one. And no force can replace a token that
// WeCom calls dead and still gives out. The ticket jsapi is the corp's: its agents
// get the same one, and whoever saw it first knows its end best.

// errNoForce is where a stable token of WeChat's would be forced.
var errNoForce = fmt.Errorf("%w: WeCom gave the dead token again, and has no force; if it lasts, change the application's Secret in the WeCom console", errForce)

// errNoWeCom says that Options had no WeCom.
var errNoWeCom = errors.New("this process cannot call WeCom")

// upstream is who issues the credentials of an account.
func (k *Keeper) upstream(appID string) WeChat {
	if strings.Contains(appID, ":") {
		return k.wecom
	}
	return k.wechat
}

// lifeLeft is the life of a value by WeChat's word, or less where another agent
// of the corp has held it for a while already.
func (k *Keeper) lifeLeft(row *model.Credential, got answer) time.Duration {
	left := got.grant.ExpiresIn
	corpID, _, agent := strings.Cut(row.AppID, ":")
	if !agent || row.Kind != snapshot.KindJSAPI {
		return left
	}
	for view := range k.table.All() {
		if !strings.HasPrefix(view.Account.AppID, corpID+":") {
			continue
		}
		same, found := view.Credential(row.Kind)
		if until := time.Duration(same.ExpiresAt-got.sentMs) * time.Millisecond; found && until > 0 && same.Value.Equal(got.grant.Value) {
			left = min(left, until)
		}
	}
	return left
}

// noWeCom stands where Options had none.
type noWeCom struct{}

func (noWeCom) Token(context.Context, wechat.TokenRequest) (wechat.Grant, error) {
	return wechat.Grant{}, errNoWeCom
}

func (noWeCom) Ticket(context.Context, secret.Secret, string) (wechat.Grant, error) {
	return wechat.Grant{}, errNoWeCom
}

func (noWeCom) Probe(context.Context, secret.Secret) error { return errNoWeCom }
