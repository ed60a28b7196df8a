package handler

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/apikey"
)

// Keys knows who may enter; *apikey.Keys does.
type Keys interface {
	Authenticate(ctx context.Context, raw string) (*apikey.Caller, error)
	Known(raw string) *apikey.Caller
	Knows(raw string) bool
	Admits(scope, appID string, addr netip.Addr) error
}

// NetworkLimiter grants tries per network; Take tells how long to wait where it
// does not.
type NetworkLimiter interface {
	Take(network string) (wait time.Duration, granted bool)
}

// Guard stands in front of all that gives out or uses a credential.
type Guard struct {
	keys  Keys
	tries NetworkLimiter
}

// NewGuard makes a Guard. tries limits how often one network may present what is
// not known here and must be looked up.
func NewGuard(keys Keys, tries NetworkLimiter) *Guard { return &Guard{keys: keys, tries: tries} }

var (
	errBrowser = errors.New("this address is not for browsers")
	errBearer  = errors.New("the Authorization header is not `Bearer` and an API key")
)

// retryUnchecked is when to ask again while a key cannot be looked up.
const retryUnchecked = 2 * time.Second

// FromBrowser reports whether a page or a person in a browser sent the request.
// Sec-Fetch-Mode alone does not: Node's fetch sends it.
func FromBrowser(r *http.Request) bool {
	_, origin := r.Header["Origin"]
	_, site := r.Header["Sec-Fetch-Site"]
	return origin || site
}

// RefuseBrowsers keeps tokens out of pages: a token in a browser is a token in
// everybody's hands, whatever key was used to get it.
func RefuseBrowsers(c *gin.Context) {
	if FromBrowser(c.Request) {
		Fail(c, errBrowser)
	}
}

// Caller lets in who sends `Authorization: Bearer wxs_…` with a key that may do
// what scope names with the account.
func (g *Guard) Caller(c *gin.Context, scope, appID string) (*apikey.Caller, error) {
	raw, err := bearer(c.Request)
	var caller *apikey.Caller
	if err == nil {
		caller, err = g.check(c, raw, scope, appID)
	}
	switch {
	case err == nil && appID == "": // as in /v1/accounts//access_token
		return nil, apikey.ErrAccountNotAllowed
	case err != nil && problemOf(err).status == http.StatusUnauthorized:
		c.Header("WWW-Authenticate", `Bearer realm="wxsign"`)
	}
	return caller, err
}

// check finds the holder of a key and asks whether that may be done.
func (g *Guard) check(c *gin.Context, raw, scope, appID string) (*apikey.Caller, error) {
	caller, err := g.Authenticate(c, raw)
	if err != nil {
		return nil, err
	}
	if err := caller.Check(scope, appID, AddressOf(c)); err != nil {
		return nil, err
	}
	return caller, nil
}

// Authenticate is apikey's, with a limit for those who try keys. Who has a key
// that is known does not feel it, from whatever address.
func (g *Guard) Authenticate(c *gin.Context, raw string) (*apikey.Caller, error) {
	if caller := g.keys.Known(raw); caller != nil {
		return caller, nil
	}
	if !g.keys.Knows(raw) {
		if err := g.try(c); err != nil {
			return nil, err
		}
	}
	caller, err := g.keys.Authenticate(c.Request.Context(), raw)
	if errors.Is(err, apikey.ErrUnchecked) {
		slog.DebugContext(c.Request.Context(), "an API key could not be looked up", "request_id", RequestID(c), "err", err)
		err = &RetryLater{Err: apikey.ErrUnchecked, After: retryUnchecked}
	}
	return caller, err
}

// try counts one more lookup for the client's network.
func (g *Guard) try(c *gin.Context) error {
	if wait, granted := g.tries.Take(NetworkOf(AddressOf(c))); !granted {
		return &RetryLater{Err: ErrTooManyRequests, After: wait}
	}
	return nil
}

// bearer takes the key out of the one Authorization header that there may be.
// None at all is "", which is apikey.ErrMissing later.
func bearer(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return "", nil
	}
	scheme, key, found := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !found || !strings.EqualFold(scheme, "Bearer") {
		return "", errBearer
	}
	return strings.TrimSpace(key), nil
}
