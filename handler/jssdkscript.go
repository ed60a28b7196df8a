package handler

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/web"
)

// scriptMaxAge is how long a browser may use the page helper without asking: a
// mended helper should reach pages soon.
const scriptMaxAge = 10 * time.Minute

// Script serves the page helper: a classic script, a module, and types.
type Script struct {
	classic, module, types asset
}

// NewScript reads the embedded files.
func NewScript() (*Script, error) {
	s := &Script{}
	for name, file := range map[string]*asset{"wxsign.min.js": &s.classic, "wxsign.mjs": &s.module, "wxsign.d.ts": &s.types} {
		body, err := fs.ReadFile(web.JSSDK(), name)
		if err != nil {
			return nil, fmt.Errorf("page helper: %w", err)
		}
		*file = newAsset(name, body)
	}
	return s, nil
}

// Classic answers GET /jssdk/wxsign.js.
func (s *Script) Classic(c *gin.Context) error { return serveScript(c, s.classic) }

// Module answers GET /jssdk/wxsign.mjs.
func (s *Script) Module(c *gin.Context) error { return serveScript(c, s.module) }

// Types answers GET /jssdk/wxsign.d.ts.
func (s *Script) Types(c *gin.Context) error { return serveScript(c, s.types) }

// serveScript opens the file to pages of every origin: without these headers a
// page elsewhere could not import the module.
func serveScript(c *gin.Context, file asset) error {
	c.Header("Access-Control-Allow-Origin", "*")
	c.Header("Cross-Origin-Resource-Policy", "cross-origin")
	file.serve(c, scriptMaxAge)
	return nil
}
