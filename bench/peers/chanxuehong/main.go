// Command chanxuehong signs with github.com/chanxuehong/wechat in Gin.
package main

import (
	"crypto/rand"

	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/jssdk"
	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	tokens := core.NewDefaultAccessTokenServer(o.AppID, o.Secret, nil)
	tickets := jssdk.NewDefaultTicketServer(core.NewClient(tokens, nil))
	peer.Gin(o, func(_ *gin.Context, pageURL string) (any, error) {
		ticket, err := tickets.Ticket()
		if err != nil {
			return nil, err
		}
		now, text := peer.Now()
		nonce := rand.Text()
		signature := jssdk.WXConfigSign(ticket, nonce, text, pageURL)
		return peer.Lists(peer.Config{AppID: o.AppID, Timestamp: now, NonceStr: nonce, Signature: signature, URL: pageURL}), nil
	})
}
