// Command nethttp answers a constant in bare net/http.
package main

import (
	"net/http"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jssdk/config", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(peer.Constant)
	})
	peer.Serve(o, mux)
}
