package handler

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
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
	packed      func() []byte // the body with gzip; nil where that saves nothing
	contentType string
	version     string // of the body: hex of its hash, short
}

// newAsset gives body its version. It is packed, once, when somebody asks for that:
// most replicas never show the panel, and none shall start later for it.
func newAsset(name string, body []byte) asset {
	sum := sha256.Sum256(body)
	a := asset{body: body, contentType: contentTypes[path.Ext(name)], version: hex.EncodeToString(sum[:8])}
	if path.Ext(name) != ".png" {
		a.packed = sync.OnceValue(func() []byte { return pack(body) })
	}
	return a
}

func pack(body []byte) []byte {
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the error is for levels that there are not
	_, _ = w.Write(body)                                       // a buffer takes everything
	_ = w.Close()
	return packed.Bytes()
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
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // of what a script or a style loads
	body, tag := a.body, a.version
	if a.packed != nil {
		h.Add("Vary", "Accept-Encoding")
		if wantsPacked(c.Request.Header) {
			body, tag = a.packed(), tag+"-gzip" // other bytes, so another strong ETag
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", strconv.Itoa(len(body))) // ServeContent leaves it out
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(body))
}

// wantsPacked reports whether a request is answered with gzip. One for a part of the
// file means the file as it is, and one with If-Match may have to be refused, for
// which the length would be wrong.
func wantsPacked(h http.Header) bool {
	return h.Get("Range") == "" && h.Get("If-Match") == "" && acceptsGzip(h["Accept-Encoding"])
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3). Who does not name gzip, but
// says "*", gets the file as it is, too.
func acceptsGzip(lines []string) bool {
	for coding := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, weight, weighed := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		if !weighed {
			return true
		}
		q, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(weight)), "q=")
		value, err := strconv.ParseFloat(q, 64)
		return found && err == nil && value > 0
	}
	return false
}
