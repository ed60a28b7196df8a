package handler

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/web"
)

// OpenAPI answers GET /openapi.yaml: the document of all routes for pages and
// business servers. It tells nothing that is not in the source.
func OpenAPI(c *gin.Context) error {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/yaml; charset=utf-8", web.OpenAPI())
	return nil
}
