// Command powerwechat signs with github.com/ArtisanCloud/PowerWeChat in Gin.
package main

import (
	"github.com/ArtisanCloud/PowerWeChat/v3/src/kernel"
	"github.com/ArtisanCloud/PowerWeChat/v3/src/officialAccount"
	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	settings := &officialAccount.UserConfig{
		AppID: o.AppID, Secret: o.Secret,
		Http: officialAccount.Http{Timeout: 10, BaseURI: o.WeChat + "/"},
		Log:  officialAccount.Log{Level: "error", File: "/dev/null", Error: "/dev/null"},
	}
	if o.Redis != "" {
		settings.Cache = kernel.NewRedisClient(&kernel.UniversalOptions{Addrs: []string{o.Redis}})
	}
	account := peer.Must(officialAccount.NewOfficialAccount(settings))
	peer.Gin(o, func(c *gin.Context, pageURL string) (any, error) {
		lists := peer.Lists(peer.Config{})
		return account.JSSDK.BuildConfig(c.Request.Context(), lists.JSAPIList, false, false, lists.OpenTagList, pageURL)
	})
}
