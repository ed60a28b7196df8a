// Command fasthttp answers a constant in fasthttp.
package main

import (
	"log"

	"github.com/valyala/fasthttp"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	log.Fatal(fasthttp.ListenAndServe(o.Listen, func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/json; charset=utf-8")
		ctx.SetBody(peer.Constant)
	}))
}
