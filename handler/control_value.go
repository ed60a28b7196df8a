package handler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/signature"
)

// valueAnswer is a live value as callers get it.
type valueAnswer struct {
	AccessToken string `json:"access_token,omitempty"`
	Ticket      string `json:"ticket,omitempty"`
	ExpiresIn   int64  `json:"expires_in"` // seconds that are left, not those WeChat gave
	ExpiresAt   string `json:"expires_at"` // RFC 3339
	Version     int64  `json:"version"`
	Result      string `json:"result,omitempty"` // of a report
}

// newValueAnswer shows the value itself only where show says so.
func newValueAnswer(kind string, v keeper.Current, show bool) valueAnswer {
	answer := valueAnswer{ExpiresIn: v.ExpiresIn(), ExpiresAt: v.ExpiresAt.Format(time.RFC3339), Version: v.Version}
	switch {
	case !show:
	case kind == keeper.KindAccessToken:
		answer.AccessToken = v.Value.Reveal()
	default:
		answer.Ticket = v.Value.Reveal()
	}
	return answer
}

// appendJSON appends what encoding/json makes of the answer: it is asked for before
// each of their own calls by servers that keep no token.
func (a valueAnswer) appendJSON(b []byte) []byte {
	b = append(b, '{')
	if a.AccessToken != "" {
		b = append(signature.AppendText(append(b, `"access_token":`...), a.AccessToken), ',')
	}
	if a.Ticket != "" {
		b = append(signature.AppendText(append(b, `"ticket":`...), a.Ticket), ',')
	}
	b = strconv.AppendInt(append(b, `"expires_in":`...), a.ExpiresIn, 10)
	b = signature.AppendText(append(b, `,"expires_at":`...), a.ExpiresAt)
	b = strconv.AppendInt(append(b, `,"version":`...), a.Version, 10)
	if a.Result != "" {
		b = signature.AppendText(append(b, `,"result":`...), a.Result)
	}
	return append(b, '}')
}

// Token answers GET /v1/accounts/{app_id}/access_token.
func (h *Control) Token(c *gin.Context) error { return h.value(c, keeper.KindAccessToken) }

// Ticket answers GET /v1/accounts/{app_id}/tickets/{kind}.
func (h *Control) Ticket(c *gin.Context) error {
	kind, err := ticketKind(c)
	if err != nil {
		// A stranger is not told which kinds there are.
		if _, refused := h.guard.Caller(c, apikey.ScopeTicket, c.Param("app_id")); refused != nil {
			return refused
		}
		return err
	}
	return h.value(c, kind)
}

// ticketKind is the kind in the path. The access_token is no ticket: whoever may
// read tickets must not get it by this way.
func ticketKind(c *gin.Context) (string, error) {
	switch kind := c.Param("kind"); kind {
	case keeper.KindJSAPI, keeper.KindWXCard, keeper.KindAgentConfig:
		return kind, nil
	default:
		return "", fmt.Errorf("%w: it is no kind of ticket", keeper.ErrKindUnknown)
	}
}

// readScope is the scope that one needs to read a kind.
func readScope(kind string) string {
	if kind == keeper.KindAccessToken {
		return apikey.ScopeToken
	}
	return apikey.ScopeTicket
}

func (h *Control) value(c *gin.Context, kind string) error {
	appID := c.Param("app_id")
	caller, err := h.guard.Caller(c, readScope(kind), appID)
	if err != nil {
		return err
	}
	known, err := parseKnown(c)
	if err != nil {
		return err
	}
	v, err := h.credentials.Current(appID, kind)
	if waits := err == nil && !known.outdated(v) || errors.Is(err, keeper.ErrNotReady); known.wait > 0 && waits {
		if h.park(c, kind, known, v) {
			return nil
		}
		v, err = h.await(c, caller.ID, kind, known)
	}
	if err != nil && !errors.Is(err, keeper.ErrUnchanged) {
		return withRetry(err)
	}
	header := c.Writer.Header()
	header["Cache-Control"], header["Vary"] = noStore, varyByKey
	header["Etag"] = []string{etag(v)}
	if !known.differs(v) {
		c.Status(http.StatusNotModified)
		return nil
	}
	h.answers.write(c, newValueAnswer(kind, v, true).appendJSON)
	return nil
}

// retryStanding is when to ask again for one of their places.
const retryStanding = 5 * time.Second

// await gets the value as soon as it is another one. The key may have been
// revoked while its holder waited.
func (h *Control) await(c *gin.Context, keyID, kind string, known known) (keeper.Current, error) {
	if !h.standing.enter(keyID) {
		return keeper.Current{}, &RetryLater{Err: errTooManyWaits, After: retryStanding}
	}
	defer h.standing.leave(keyID)
	appID := c.Param("app_id")
	allowTime(c, known.wait)
	ctx, cancel := context.WithTimeout(c.Request.Context(), known.wait)
	defer cancel()
	defer context.AfterFunc(h.waits, cancel)()
	v, err := h.credentials.Await(ctx, appID, kind, known.outdated)
	if _, refused := h.guard.Caller(c, readScope(kind), appID); refused != nil {
		return keeper.Current{}, refused
	}
	return v, err
}

// known is what a caller has already, and how long it wants to wait for another.
type known struct {
	wait  time.Duration
	tags  []string // of If-None-Match
	after int64    // version; -1 = not given
}

// maxWait is the longest long poll.
const maxWait = time.Minute

// varyByKey is a value of Vary; nobody writes into it.
var varyByKey = []string{"Authorization"}

func parseKnown(c *gin.Context) (known, error) {
	k := known{tags: entityTags(c.Request.Header["If-None-Match"]), after: -1}
	if c.Request.URL.RawQuery == "" {
		return k, nil // a map less
	}
	query := c.Request.URL.Query()
	if text := query.Get("after"); text != "" {
		after, err := strconv.ParseInt(text, 10, 64)
		if err != nil || after < 0 {
			return k, fmt.Errorf("%w: after", errQueryInvalid)
		}
		k.after = after
	}
	if text := query.Get("wait"); text != "" {
		wait, err := parseWait(text)
		if err != nil {
			return k, err
		}
		k.wait = wait
	}
	if k.wait > 0 && k.after < 0 && len(k.tags) == 0 {
		return k, errWaitNeedsVersion
	}
	return k, nil
}

// parseWait reads "30s", and "30" as seconds. More than the most is the most: the
// answer only comes earlier.
func parseWait(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxWait), nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0, fmt.Errorf("%w: wait", errQueryInvalid)
	}
	return min(wait, maxWait), nil
}

// differs reports whether the caller should be given v.
func (k known) differs(v keeper.Current) bool {
	if k.after >= 0 {
		return v.Version != k.after
	}
	for _, tag := range k.tags {
		if tag == "*" || isTagOf(tag, v) {
			return false
		}
	}
	return true
}

// outdated reports whether v is worth ending a wait for. Behind a balancer, the
// next replica may be a moment behind the last one: an older version than the
// caller's is no news yet. If it stays, the end of the wait tells it.
func (k known) outdated(v keeper.Current) bool {
	return k.differs(v) && v.Version > k.after
}

func etag(v keeper.Current) string { return `"` + v.PublishID + `"` }

// isTagOf is tag == etag(v).
func isTagOf(tag string, v keeper.Current) bool {
	id, quoted := strings.CutPrefix(tag, `"`)
	id, ended := strings.CutSuffix(id, `"`)
	return quoted && ended && id == v.PublishID
}

// entityTags are the tags of If-None-Match, compared weakly (RFC 9110, 13.1.2).
// Publish ids have no commas.
func entityTags(headers []string) []string {
	var tags []string
	for _, header := range headers {
		for tag := range strings.SplitSeq(header, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag != "" {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}
