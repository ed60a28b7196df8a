// Command powerwechat is a business server with github.com/ArtisanCloud/PowerWeChat.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount"

	"github.com/wxsign/wxsign/compat/client"
)

func main() { client.Main(newSDK) }

func newSDK(s client.Settings) (client.SDK, error) {
	config := &officialAccount.UserConfig{
		AppID: s.AppID, Secret: s.Key,
		Http: officialAccount.Http{Timeout: 60, BaseURI: s.Base + "/"},
		Log:  officialAccount.Log{Level: "error", File: os.DevNull, Error: os.DevNull},
	}
	if s.Redis != "" {
		config.Cache = kernel.NewRedisClient(&kernel.UniversalOptions{Addrs: []string{s.Redis}})
	}
	account, err := officialAccount.NewOfficialAccount(config)
	if err != nil {
		return nil, err
	}
	return sdk{account}, nil
}

type sdk struct {
	account *officialAccount.OfficialAccount
}

// Token implements client.SDK.
func (s sdk) Token(ctx context.Context) (string, error) {
	token, err := s.account.AccessToken.GetToken(ctx, false)
	if err != nil {
		return "", err
	}
	return token.AccessToken, nil
}

// Ticket implements client.SDK.
func (s sdk) Ticket(ctx context.Context) (string, error) {
	answer, err := s.account.JSSDK.GetTicket(ctx, false, "jsapi")
	if err != nil {
		return "", err
	}
	ticket, ok := (*answer)["ticket"].(string)
	if !ok {
		return "", errors.New("no ticket in the answer")
	}
	return ticket, nil
}

// Call implements client.SDK.
func (s sdk) Call(ctx context.Context) error {
	answer, err := s.account.CustomerService.Send(ctx, map[string]any{
		"touser": client.OpenID, "msgtype": "text", "text": map[string]any{"content": client.Content},
	})
	if err == nil && answer.ErrCode != 0 {
		err = fmt.Errorf("errcode: %d, errmsg: %s", answer.ErrCode, answer.ErrMsg)
	}
	return err
}
