// Command idealgin signs in Gin with nothing else on.
package main

import (
	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	ideal := peer.Must(peer.NewIdeal(o))
	peer.Gin(o, func(_ *gin.Context, pageURL string) (any, error) { return ideal.Sign(pageURL), nil })
}
