// Command idealhttp signs in net/http with nothing else on.
package main

import (
	"encoding/json"
	"net/http"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	ideal := peer.Must(peer.NewIdeal(o))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /jssdk/config", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(ideal.Sign(r.URL.Query().Get("url")))
	})
	peer.Serve(o, mux)
}
