// Command gin answers a constant in bare Gin: 1.00 of the comparison.
package main

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/bench/peer"
)

func main() {
	o := peer.Parse()
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/jssdk/config", func(c *gin.Context) { c.Data(http.StatusOK, "application/json; charset=utf-8", peer.Constant) })
	peer.Serve(o, engine)
}
