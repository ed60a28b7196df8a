// Command fasthttp answers a constant in fasthttp.
package main

import (
	"github.com/valyala/fasthttp"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	peer.Check(fasthttp.ListenAndServe(o.Listen, func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/json; charset=utf-8")
		ctx.SetBody(peer.Constant)
	}))
}
