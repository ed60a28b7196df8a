package handler

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/signature"
)

// Signer answers signing requests; *signature.Signer is one.
type Signer interface {
	Config(r signature.Request) (signature.Config, error)
	AwaitConfig(ctx context.Context, r signature.Request) (signature.Config, error)
}

// AccountLimiter grants signatures per account; Take tells how long to wait
// where it does not.
type AccountLimiter interface {
	Take(appID string) (wait time.Duration, granted bool)
}

// JSSDK answers /jssdk/config.
type JSSDK struct {
	signer  Signer
	limit   AccountLimiter
	answers bodies
}

// NewJSSDK makes the handler.
func NewJSSDK(signer Signer, limit AccountLimiter) *JSSDK {
	return &JSSDK{signer: signer, limit: limit}
}

const (
	// pageBodyLimit is the largest body on the routes for pages, in bytes.
	pageBodyLimit = 8 << 10
	// ticketWait is how long a page waits for a renewal in flight.
	ticketWait = 2 * time.Second
)

// Get answers GET /jssdk/config?url=…
func (h *JSSDK) Get(c *gin.Context) error {
	request, err := queryRequest(c.Request.URL.RawQuery)
	if err != nil {
		return err
	}
	return h.answer(c, request)
}

// Post answers POST /jssdk/config with a JSON body of the same names.
func (h *JSSDK) Post(c *gin.Context) error {
	var body struct {
		URL     string          `json:"url"`
		AppID   string          `json:"app_id"`
		Profile string          `json:"profile"`
		Kind    string          `json:"kind"`
		Exact   json.RawMessage `json:"exact"`
	}
	if err := readJSON(c, pageBodyLimit, &body); err != nil {
		return err
	}
	exact := strings.Trim(string(body.Exact), `"`)
	return h.answer(c, signature.Request{
		URL: body.URL, AppID: body.AppID, Profile: body.Profile, Kind: body.Kind, Exact: exact == "1" || exact == "true",
	})
}

func (h *JSSDK) answer(c *gin.Context, request signature.Request) error {
	config, err := h.signer.Config(request)
	if errors.Is(err, signature.ErrTicketNotReady) {
		ctx, cancel := context.WithTimeout(c.Request.Context(), ticketWait)
		defer cancel()
		config, err = h.signer.AwaitConfig(ctx, request)
	}
	if err != nil {
		return err
	}
	if wait, granted := h.limit.Take(config.Account); !granted {
		return &RetryLater{Err: ErrTooManyRequests, After: wait}
	}
	c.Writer.Header()["Cache-Control"] = noStore
	h.answers.write(c, config.AppendJSON)
	return nil
}

// noStore is a value of Cache-Control, made once for all answers. Nobody writes
// into it.
var noStore = []string{"no-store"}

// queryRequest reads the query. It decodes each value once and leaves '+' as
// it is, because encodeURIComponent writes a blank as %20 and a plus in a page
// URL is a plus. A parameter that nobody knows is most likely the rest of a
// page URL that was not encoded, and signing its first part would only move
// the error to the phone.
func queryRequest(rawQuery string) (signature.Request, error) {
	var values [len(configFields)]string
	var seen [len(configFields)]bool
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		i := slices.Index(configFields[:], name)
		if i < 0 || seen[i] {
			return signature.Request{}, &pageurl.Error{
				Reason: pageurl.ErrInvalid,
				Detail: "the query has a parameter that does not belong here; the page URL was probably not passed through encodeURIComponent",
			}
		}
		decoded, ok := unescape(value)
		if !ok {
			return signature.Request{}, &pageurl.Error{
				Reason: pageurl.ErrInvalid,
				Detail: "the query holds a % that is no escape; the page URL was probably not passed through encodeURIComponent",
			}
		}
		values[i], seen[i] = decoded, true
	}
	exact := values[4]
	return signature.Request{
		URL: values[0], AppID: values[1], Profile: values[2], Kind: values[3], Exact: exact == "1" || exact == "true",
	}, nil
}

// unescape is url.PathUnescape with one look at each byte; ok is false where a %
// is no escape.
func unescape(text string) (decoded string, ok bool) {
	first := strings.IndexByte(text, '%')
	if first < 0 {
		return text, true
	}
	var stack [pageurl.MaxLength / 8]byte // longer ones are decoded on the heap
	b := append(stack[:0], text[:first]...)
	for i := first; i < len(text); i++ {
		next := text[i]
		if next == '%' {
			if len(text) <= i+2 {
				return "", false
			}
			high, low := fromHex(text[i+1]), fromHex(text[i+2])
			if high|low > 0xf {
				return "", false
			}
			next = high<<4 | low
			i += 2
		}
		b = append(b, next)
	}
	return string(b), true
}

// fromHex is the value of a hex digit, more than 15 where it is none.
func fromHex(b byte) byte {
	switch {
	case '0' <= b && b <= '9':
		return b - '0'
	case 'a' <= b && b <= 'f':
		return b - 'a' + 10
	case 'A' <= b && b <= 'F':
		return b - 'A' + 10
	}
	return 0xff
}

// configFields are the names that queryRequest knows, in its order.
var configFields = [...]string{"url", "app_id", "profile", "kind", "exact"}
