package handler

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/relay"
)

// Relayer forwards calls to WeChat; *relay.Relay is one.
type Relayer interface {
	Serve(w http.ResponseWriter, r *http.Request, from relay.From) (errcode int, err error)
}

// NewRelay makes the handler of whatever else looks like a call of WeChat's API.
// The guard limits how often one network may present what is not known here;
// strangers limits the calls that need no API key.
func NewRelay(relayer Relayer, guard *Guard, strangers NetworkLimiter) Func {
	return func(c *gin.Context) error {
		// What answers may be a page, of WeChat's or of a proxy's, and the address holds a key.
		c.Header("Referrer-Policy", "no-referrer")
		errcode, err := relayer.Serve(c.Writer, c.Request, relay.From{
			Addr: AddressOf(c), RequestID: RequestID(c), LookUp: func() bool { return guard.try(c) == nil },
			Stranger: func() bool { _, granted := strangers.Take(NetworkOf(AddressOf(c))); return granted },
		})
		if err != nil {
			return ErrNotFound
		}
		if errcode != 0 {
			c.Set(codeKey, "errcode_"+strconv.Itoa(errcode))
		}
		// gin would take a 404 without a body for a path that nobody answered.
		c.Writer.WriteHeaderNow()
		return nil
	}
}
