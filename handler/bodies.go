package handler

import (
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"
)

// bodySize is what most answers fit in, in bytes; a page URL of full length does
// not.
const bodySize = 1 << 10

// bodies are buffers for the answers that are asked for most. Their JSON is
// appended by hand.
type bodies struct{ free sync.Pool } // of *[]byte

// jsonText is a value of Content-Type, made once for all answers. Nobody writes
// into it.
var jsonText = []string{"application/json; charset=utf-8"}

// write answers with what text appends, as gin's PureJSON would, without its
// reflection and its copies.
func (b *bodies) write(c *gin.Context, text func([]byte) []byte) {
	body, _ := b.free.Get().(*[]byte)
	if body == nil {
		body = new(make([]byte, 0, bodySize))
	}
	*body = append(text((*body)[:0]), '\n')
	header := c.Writer.Header()
	header["Content-Type"] = jsonText
	if len(*body) > bodySize { // too long for net/http to count before it must send the header
		header["Content-Length"] = []string{strconv.Itoa(len(*body))}
	}
	_, _ = c.Writer.Write(*body) // fails where the caller has gone
	b.free.Put(body)
}
