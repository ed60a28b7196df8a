package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/wechat"
)

// tokenKind is the kind of an access_token, as rows name it.
const tokenKind = "access_token"

// ask asks WeChat about an account without disturbing it.
func (d *Doctor) ask(ctx context.Context, p *patient) {
	if d.Offline || d.ring == nil {
		return // said once, before
	}
	from := d.issuer(p)
	if from.lost() {
		from.unasked++ // told once, of all of them
		return
	}
	var row *model.Credential
	for i := range p.rows {
		if p.rows[i].Kind == tokenKind {
			row = &p.rows[i]
		}
	}
	if row != nil && row.ExpiresMs > d.nowMs {
		d.probe(ctx, p, row)
	}
	if p.TokenMode == string(wechat.Classic) && p.Platform != config.PlatformWeCom {
		d.account(p, Note, "AppSecret and IP list are not tried: a classic call would end the current token. The last renewal tells", "")
		return
	}
	d.fetchToken(ctx, p, row)
}

// issuer is one who issues tokens.
type issuer struct {
	WeChat
	name    string
	silent  int // calls in a row that it did not answer
	unasked int // accounts that it was not asked about for that
}

// silentTries is after how many calls without an answer nothing more is asked:
// one connection may break, while each account at a host that swallows what it is
// sent costs two time-outs.
const silentTries = 2

func (i *issuer) lost() bool { return i.silent >= silentTries }

// heard notes how a call ended. Who answers has an errcode for what it refuses.
func (i *issuer) heard(err error) {
	e, ok := errors.AsType[*wechat.Error](err)
	switch {
	case err == nil, ok && e.Errcode != 0:
		i.silent = 0
	case errors.Is(err, wechat.ErrRequest): // nothing was sent
	default:
		i.silent++
	}
}

// issuer is who issues the account's tokens.
func (d *Doctor) issuer(p *patient) *issuer {
	if p.Platform == config.PlatformWeCom {
		return &d.weCom
	}
	return &d.weChat
}

// tellUnasked says once what was not tried with all accounts of a host that gives
// no answer.
func (d *Doctor) tellUnasked() {
	for _, from := range []*issuer{&d.weChat, &d.weCom} {
		if from.unasked > 0 {
			d.note(accountCheck, "%s gives no answer, so it is not asked about %d accounts: whether their tokens are alive, AppSecrets and IP lists right",
				from.name, from.unasked)
		}
	}
}

// probe asks whether the stored token is alive.
func (d *Doctor) probe(ctx context.Context, p *patient, row *model.Credential) {
	token, err := d.ring.Open(row.ValueEnc, d.ValuePlace(p.AppID, row.Kind, row.PublishID))
	if err != nil {
		return // counted already
	}
	from := d.issuer(p)
	err = from.Probe(ctx, token)
	from.heard(err)
	switch {
	case err == nil:
		d.account(p, OK, from.name+" calls the stored access_token alive", "")
	case wechat.ClassOf(err) == wechat.TokenDead:
		d.account(p, Fail, from.name+" calls the stored access_token dead before its time: "+err.Error(),
			"another program refreshes this account, or somebody forced a refresh: let that program ask wxsign. The wxsign that serves renews it at its next probe")
	default:
		d.account(p, Warn, "cannot find out whether the stored access_token is alive: "+err.Error(), mendOf(err))
	}
}

// lastMinutes is the end of a stable token's life in which WeChat gives a new
// one to a normal call (the page of getStableAccessToken: 5 minutes).
const lastMinutes = 5*time.Minute + 10*time.Second

// fetchToken proves AppSecret and IP list by the call that answers the current
// token, and compares. At WeCom that is the only call for one.
func (d *Doctor) fetchToken(ctx context.Context, p *patient, row *model.Credential) {
	appSecret, err := d.ring.Open(p.SecretEnc, d.SecretPlace(p.AppID))
	if err != nil {
		return // counted already
	}
	request := wechat.TokenRequest{AppID: p.AppID, Secret: appSecret} // stable, at WeChat
	from := d.issuer(p)
	grant, err := from.Token(ctx, request)
	from.heard(err)
	if err != nil {
		d.account(p, Fail, refused(err), mendOf(err))
		return
	}
	if p.Platform == config.PlatformWeCom {
		d.account(p, OK, "WeCom accepts the agent's secret", "")
		return
	}
	d.account(p, OK, "WeChat accepts the AppSecret and this machine's address", "")
	d.compare(p, row, grant.Value)
}

func (d *Doctor) compare(p *patient, row *model.Credential, current secret.Secret) {
	if row == nil || row.ExpiresMs-d.nowMs < lastMinutes.Milliseconds() || row.ValueHash == current.Hash() {
		return
	}
	d.account(p, Warn, fmt.Sprintf("WeChat's current stable token (%s) is another one than the stored version %d", current.Fingerprint(), row.Version),
		"somebody used force_refresh. The stored one lives for a while beside it; the wxsign that serves finds out by its probe")
}

// refused says what WeChat did not like, with the address it saw.
func refused(err error) string {
	e, ok := errors.AsType[*wechat.Error](err)
	if !ok || e.IP == "" {
		return err.Error()
	}
	return fmt.Sprintf("%s. WeChat sees this machine as %s", e.Error(), e.IP)
}

func mendOf(err error) string {
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		return e.Mend()
	}
	return "see the error"
}
