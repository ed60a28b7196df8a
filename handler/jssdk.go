package handler

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
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
	signer Signer
	limit  AccountLimiter
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
	c.Header("Cache-Control", "no-store")
	c.PureJSON(http.StatusOK, config.Answer())
	return nil
}

// queryRequest reads the query. It decodes each value once and leaves '+' as
// it is, because encodeURIComponent writes a blank as %20 and a plus in a page
// URL is a plus. A parameter that nobody knows is most likely the rest of a
// page URL that was not encoded, and signing its first part would only move
// the error to the phone.
func queryRequest(rawQuery string) (signature.Request, error) {
	var r signature.Request
	fields := map[string]*string{"url": &r.URL, "app_id": &r.AppID, "profile": &r.Profile, "kind": &r.Kind, "exact": new(string)}
	seen := make(map[string]bool, len(fields))
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		field, known := fields[name]
		if !known || seen[name] {
			return r, &pageurl.Error{
				Reason: pageurl.ErrInvalid,
				Detail: "the query has a parameter that does not belong here; the page URL was probably not passed through encodeURIComponent",
			}
		}
		seen[name] = true
		decoded, err := url.PathUnescape(value)
		if err != nil {
			return r, &pageurl.Error{Reason: pageurl.ErrInvalid, Detail: "the query holds a % that is no escape; the page URL was probably not passed through encodeURIComponent"}
		}
		*field = decoded
	}
	r.Exact = *fields["exact"] == "1" || *fields["exact"] == "true"
	return r, nil
}
