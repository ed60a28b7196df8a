package wechat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/wxsign/wxsign/service/secret"
)

// Kinds of ticket that Ticket fetches.
const (
	KindJSAPI  = "jsapi"   // signs pages for wx.config
	KindWxCard = "wx_card" // signs cards
)

// Ticket fetches a ticket of a kind with a live access_token. WeChat gives the
// same ticket again while it lives and calls that 7200 s each time (observed),
// so the caller must not move a known expiry. Errors are *Error; TokenDead
// says that the token, not the ticket, is the trouble.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html (appendix 1)
func (c *Client) Ticket(ctx context.Context, token secret.Secret, kind string) (Grant, error) {
	call := call{
		op: opTicket, method: http.MethodGet, path: "/cgi-bin/ticket/getticket",
		query:  url.Values{"access_token": {token.Reveal()}, "type": {kind}},
		secret: token,
	}
	if kind != KindJSAPI && kind != KindWxCard {
		return Grant{}, call.fail(0, fmt.Errorf("%w: unknown ticket kind %q", ErrRequest, kind))
	}
	if token.IsZero() {
		return Grant{}, call.fail(0, fmt.Errorf("%w: the access_token is empty", ErrRequest))
	}
	return c.grant(ctx, call, "ticket")
}

// Probe asks WeChat whether an access_token is alive, by the cheap call
// getcallbackip. nil is proof of life, an *Error of class TokenDead proof of
// death; any other error proves neither.
// https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_the_WeChat_server_IP_address.html
func (c *Client) Probe(ctx context.Context, token secret.Secret) error {
	return c.probe(ctx, call{
		op: opProbe, method: http.MethodGet, path: "/cgi-bin/getcallbackip",
		query: url.Values{"access_token": {token.Reveal()}}, secret: token,
	})
}

// probe wants the list that the call gives to a live token.
func (c *Client) probe(ctx context.Context, k call) error {
	if k.secret.IsZero() {
		return k.fail(0, fmt.Errorf("%w: the access_token is empty", ErrRequest))
	}
	answer, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	if err := answer.checkIPList(); err != nil {
		return k.fail(http.StatusOK, err)
	}
	return nil
}
