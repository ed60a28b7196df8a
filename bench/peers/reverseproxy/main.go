// Command reverseproxy forwards all with httputil.ReverseProxy: what the relay is
// compared with.
package main

import (
	"net/http/httputil"
	"net/url"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	target := peer.Must(url.Parse(o.WeChat))
	peer.Serve(o, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
}
