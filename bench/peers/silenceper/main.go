// Command silenceper signs with github.com/silenceper/wechat in Gin.
package main

import (
	"context"

	"github.com/gin-gonic/gin"
	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount/config"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	var store cache.Cache = cache.NewMemory()
	if o.Redis != "" {
		store = cache.NewRedis(context.Background(), &cache.RedisOpts{Host: o.Redis})
	}
	account := wechat.NewWechat().GetOfficialAccount(&config.Config{AppID: o.AppID, AppSecret: o.Secret, Cache: store})
	js := account.GetJs()
	peer.Gin(o, func(_ *gin.Context, pageURL string) (any, error) {
		signed, err := js.GetConfig(pageURL)
		if err != nil {
			return nil, err
		}
		return peer.Lists(peer.Config{
			AppID: signed.AppID, Timestamp: signed.Timestamp, NonceStr: signed.NonceStr, Signature: signed.Signature, URL: pageURL,
		}), nil
	})
}
