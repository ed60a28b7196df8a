// Command silenceper is a business server with github.com/silenceper/wechat.
package main

import (
	"context"
	"strings"

	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/credential"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"

	"github.com/wxsign/wxsign/compat/client"
)

func main() { client.Main(newSDK) }

func newSDK(s client.Settings) (client.SDK, error) {
	util.SetURIModifier(func(uri string) string { return strings.Replace(uri, client.Official, s.Base, 1) })
	var store cache.Cache = cache.NewMemory()
	if s.Redis != "" {
		store = cache.NewRedis(context.Background(), &cache.RedisOpts{Host: s.Redis})
	}
	account := wechat.NewWechat().GetOfficialAccount(&config.Config{AppID: s.AppID, AppSecret: s.Key, Cache: store})
	return sdk{
		account: account,
		// What account.GetJs() signs with.
		tickets: credential.NewDefaultJsTicket(s.AppID, credential.CacheKeyOfficialAccountPrefix, store),
	}, nil
}

type sdk struct {
	account *officialaccount.OfficialAccount
	tickets credential.JsTicketHandle
}

// Token implements client.SDK.
func (s sdk) Token(context.Context) (string, error) { return s.account.GetAccessToken() }

// Ticket implements client.SDK.
func (s sdk) Ticket(context.Context) (string, error) {
	token, err := s.account.GetAccessToken()
	if err != nil {
		return "", err
	}
	return s.tickets.GetTicket(token)
}

// Call implements client.SDK.
func (s sdk) Call(context.Context) error {
	return s.account.GetCustomerMessageManager().Send(message.NewCustomerTextMessage(client.OpenID, client.Content))
}
