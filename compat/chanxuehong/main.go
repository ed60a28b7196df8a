// Command chanxuehong is a business server with github.com/chanxuehong/wechat.
package main

import (
	"context"
	"net/http"

	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/jssdk"
	"github.com/chanxuehong/wechat/mp/message/custom"

	"github.com/wxsign/wxsign/compat/client"
)

func main() { client.Main(newSDK) }

func newSDK(s client.Settings) (client.SDK, error) {
	transport, err := client.ToBase(s.Base)
	if err != nil {
		return nil, err
	}
	through := &http.Client{Transport: transport}
	tokens := core.NewDefaultAccessTokenServer(s.AppID, s.Key, through)
	calls := core.NewClient(tokens, through)
	return sdk{tokens: tokens, tickets: jssdk.NewDefaultTicketServer(calls), calls: calls}, nil
}

type sdk struct {
	tokens  *core.DefaultAccessTokenServer
	tickets *jssdk.DefaultTicketServer
	calls   *core.Client
}

// Token implements client.SDK.
func (s sdk) Token(context.Context) (string, error) { return s.tokens.Token() }

// Ticket implements client.SDK.
func (s sdk) Ticket(context.Context) (string, error) { return s.tickets.Ticket() }

// Call implements client.SDK.
func (s sdk) Call(context.Context) error {
	return custom.Send(s.calls, custom.NewText(client.OpenID, client.Content, ""))
}
