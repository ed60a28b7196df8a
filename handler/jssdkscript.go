package handler

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/web"
)

// contentTypes are those of the embedded files; the system's own table differs
// from machine to machine.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".ts":   "text/plain; charset=utf-8",
	".png":  "image/png",
	".svg":  "image/svg+xml",
	".html": "text/html; charset=utf-8",
}

// asset is an embedded file, ready to be served.
type asset struct {
	body        []byte
	contentType string
	version     string // of the body: hex of its hash, short
}

// newAsset gives body its version.
func newAsset(name string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{body: body, contentType: contentTypes[path.Ext(name)], version: hex.EncodeToString(sum[:8])}
}

// serve answers with the file. An address that names the very version can be
// kept for ever, every other one is asked for again after maxAge.
func (a asset) serve(c *gin.Context, maxAge time.Duration) {
	cache := fmt.Sprintf("public, max-age=%d", int(maxAge.Seconds()))
	if c.Query("v") == a.version {
		cache = "public, max-age=31536000, immutable"
	}
	h := c.Writer.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", cache)
	h.Set("ETag", `"`+a.version+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(a.body))
}

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
