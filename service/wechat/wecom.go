package wechat

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// DefaultWeComURL is the API host of WeCom (企业微信: 获取access_token).
const DefaultWeComURL = "https://qyapi.weixin.qq.com"

// WeComMode is the one way to get a token of WeCom, gettoken: one token per
// agent and secret. Its page long said that repeated calls give the same token
// while it lives, and a new one after that; today's page is silent. Nothing
// makes WeCom drop a token before its time.
const WeComMode Mode = "wecom"

// KindAgentConfig is the ticket of one agent, for wx.agentConfig.
const KindAgentConfig = "agent_config"

// WeCom calls qyapi.weixin.qq.com, as Client calls api.weixin.qq.com and with
// the same care. It is safe for concurrent use.
//
// The errcodes of the two differ: 40001 is a bad secret at every call of WeCom,
// and a dead token is 40014 or 42001 (企业微信: 全局错误码).
type WeCom struct{ client *Client }

// NewWeCom checks the options and makes a client of WeCom. BaseURL is
// DefaultWeComURL if empty.
func NewWeCom(o Options) (*WeCom, error) {
	o.BaseURL = cmp.Or(o.BaseURL, DefaultWeComURL)
	client, err := New(o)
	if err != nil {
		return nil, fmt.Errorf("WeCom: %w", err)
	}
	return &WeCom{client}, nil
}

// CloseIdleConnections closes the connections that wait for a next call.
func (w *WeCom) CloseIdleConnections() { w.client.CloseIdleConnections() }

// Token fetches the access_token of an agent. AppID is <corp_id>:<agent_id>, Mode
// is WeComMode or empty, and Force is an error. Errors are *Error.
func (w *WeCom) Token(ctx context.Context, r TokenRequest) (Grant, error) {
	corpID, _, isAgent := strings.Cut(r.AppID, ":")
	k := call{
		op: opWeComToken, method: http.MethodGet, path: "/cgi-bin/gettoken", wecom: true,
		query: url.Values{"corpid": {corpID}, "corpsecret": {r.Secret.Reveal()}},
		appID: r.AppID, secret: r.Secret, repeatable: true,
	}
	switch {
	case !isAgent || corpID == "":
		return Grant{}, k.fail(0, fmt.Errorf("%w: the id of an agent is <corp_id>:<agent_id>", ErrRequest))
	case r.Secret.IsZero():
		return Grant{}, k.fail(0, fmt.Errorf("%w: the agent's secret is empty", ErrRequest))
	case r.Mode != "" && r.Mode != WeComMode:
		return Grant{}, k.fail(0, fmt.Errorf("%w: WeCom has no token mode %q", ErrRequest, string(r.Mode)))
	case r.Force:
		return Grant{}, k.fail(0, fmt.Errorf("%w: WeCom has no force", ErrRequest))
	}
	return w.client.grant(ctx, k, "access_token")
}

// Ticket fetches a ticket with the token of an agent: KindJSAPI is that of the
// corp, for wx.config, KindAgentConfig the agent's own (企业微信: JS-SDK签名算法).
// Errors are *Error.
func (w *WeCom) Ticket(ctx context.Context, token secret.Secret, kind string) (Grant, error) {
	k := call{
		op: opWeComTicket, method: http.MethodGet, path: "/cgi-bin/get_jsapi_ticket", wecom: true,
		query: url.Values{"access_token": {token.Reveal()}}, secret: token,
	}
	switch kind {
	case KindJSAPI:
	case KindAgentConfig:
		k.op, k.path = opAgentTicket, "/cgi-bin/ticket/get"
		k.query.Set("type", KindAgentConfig)
	default:
		return Grant{}, k.fail(0, fmt.Errorf("%w: unknown ticket kind %q", ErrRequest, kind))
	}
	if token.IsZero() {
		return Grant{}, k.fail(0, fmt.Errorf("%w: the access_token is empty", ErrRequest))
	}
	return w.client.grant(ctx, k, "ticket")
}

// Probe asks WeCom whether an access_token is alive, by getcallbackip
// (企业微信: 获取企业微信回调IP段), like Client.Probe.
func (w *WeCom) Probe(ctx context.Context, token secret.Secret) error {
	return w.client.probe(ctx, call{
		op: opProbe, method: http.MethodGet, path: "/cgi-bin/getcallbackip", wecom: true,
		query: url.Values{"access_token": {token.Reveal()}}, secret: token,
	})
}
