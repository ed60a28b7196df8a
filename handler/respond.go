package handler

import (
	"cmp"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

// problem is a row of the table that maps errors to answers.
type problem struct {
	err    error
	status int
	code   string
	mend   string // what the caller can do; follows the error's own text
}

// The errors of routing itself; router uses them through NotFound and so on.
var (
	ErrNotFound         = errors.New("there is nothing at this address")
	ErrMethodNotAllowed = errors.New("this address does not answer this method")
	ErrTooManyRequests  = errors.New("too many requests")
)

// problems is THE table. The text of an error that is listed here reaches the
// caller; every other error is answered as "internal" and only logged.
var problems = []problem{
	{
		pageurl.ErrMissing, http.StatusBadRequest, "url_missing",
		"Send url=encodeURIComponent(location.href.split('#')[0]).",
	},
	{
		pageurl.ErrInvalid, http.StatusBadRequest, "url_invalid",
		"Send url=encodeURIComponent(location.href.split('#')[0]) and nothing else of the page's own query.",
	},
	{
		pageurl.ErrTooLong, http.StatusBadRequest, "url_too_long",
		"Shorten the page's query string; WeChat itself cuts very long links.",
	},
	{
		pageurl.ErrEscapedHTML, http.StatusBadRequest, "url_escaped_html",
		"The link was HTML-escaped: replace &amp; by & where the page builds or shares it. A page that was really opened at this URL adds exact=1.",
	},
	{
		pageurl.ErrDoubleEncoded, http.StatusBadRequest, "url_double_encoded",
		"Call encodeURIComponent once, not twice.",
	},
	{
		signature.ErrAccountAmbiguous, http.StatusBadRequest, "account_ambiguous",
		"Add app_id=… to say which one is meant.",
	},
	{
		signature.ErrDomainNotAllowed, http.StatusForbidden, "domain_not_allowed",
		"Add the host to the account's domains in wxsign, with its port where it is not the default one; http pages need allow_http. In WeChat's console it must be a JS接口安全域名 too.",
	},
	{
		signature.ErrAccountDisabled, http.StatusForbidden, "account_disabled",
		"An administrator can enable it again.",
	},
	{
		signature.ErrAccountUnknown, http.StatusNotFound, "account_unknown",
		"Check app_id: upper and lower case matter.",
	},
	{
		signature.ErrProfileUnknown, http.StatusNotFound, "profile_unknown",
		"Leave profile out for the default one, or add it to the account.",
	},
	{
		signature.ErrTicketNotConfigured, http.StatusNotFound, "ticket_not_configured",
		"Add the kind to the account's tickets.",
	},
	{
		signature.ErrTicketNotReady, http.StatusServiceUnavailable, "ticket_not_ready",
		"Ask again after the seconds in Retry-After; the reason stands in wxsign's log and panel.",
	},
	{
		qa.ErrNonceInvalid, http.StatusForbidden, "report_nonce_invalid",
		"Reload the page that sends the report.",
	},
	{
		qa.ErrReportInvalid, http.StatusBadRequest, "report_invalid",
		"Send what the demo page or wxsign.js of this version sends.",
	},
	{
		errBodyTooLarge, http.StatusRequestEntityTooLarge, "body_too_large",
		"Send less.",
	},
	{
		errJSONInvalid, http.StatusBadRequest, "json_invalid",
		"Send one JSON object with the documented fields only.",
	},
	{
		ErrNotFound, http.StatusNotFound, "not_found",
		"Check the path.",
	},
	{
		ErrMethodNotAllowed, http.StatusMethodNotAllowed, "method_not_allowed",
		"See the Allow header for the methods that it does answer.",
	},
	{
		ErrTooManyRequests, http.StatusTooManyRequests, "too_many_requests",
		"Ask again after the seconds in Retry-After; the signature of a page can be kept for as long as the page is open.",
	},
}

// answer is the body of every error of our own routes.
type answer struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// Fail answers err by the table and ends the request. An error that is not in
// the table is logged here, once, and told as "internal". The message is English
// unless the request's Accept-Language prefers Chinese.
func Fail(c *gin.Context, err error) {
	p := problemOf(err)
	message := sentence(err.Error()) + " " + p.mend
	if p.status == http.StatusInternalServerError {
		slog.ErrorContext(c.Request.Context(), "request failed", "request_id", RequestID(c), "path", c.FullPath(), "err", err)
		message = p.mend
	}
	if asksForChinese(c) {
		message = cmp.Or(p.inChinese(err), message)
	}
	setRetryAfter(c, err)
	c.Set(codeKey, p.code)
	c.Header("Cache-Control", "no-store")
	c.Abort()
	c.PureJSON(p.status, answer{Code: p.code, Message: message, RequestID: RequestID(c)}) // & stays readable
}

// sentence makes an error's text one: errors begin small, answers to people do
// not.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

func problemOf(err error) problem {
	for _, table := range [][]problem{problems, controlProblems} {
		for _, p := range table {
			if errors.Is(err, p.err) {
				return p
			}
		}
	}
	return problem{
		status: http.StatusInternalServerError, code: "internal",
		mend: "Something went wrong inside wxsign. Give the request_id to the administrator: the log has the reason.",
	}
}

// RetryLater is an error with the time after which it may be gone.
type RetryLater struct { //nolint:errname // it is a word to the caller first
	Err   error
	After time.Duration
}

// Error implements error.
func (e *RetryLater) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *RetryLater) Unwrap() error { return e.Err }

func setRetryAfter(c *gin.Context, err error) {
	var after time.Duration
	var notReady *signature.NotReady
	var later *RetryLater
	switch {
	case errors.As(err, &notReady):
		after = notReady.RetryAfter
	case errors.As(err, &later):
		after = later.After
	default:
		return
	}
	seconds := max(1, int(math.Ceil(after.Seconds())))
	c.Header("Retry-After", strconv.Itoa(seconds))
}

// codeKey is where Fail leaves the code of its answer.
const codeKey = "code"

// Code is the code that the request was answered with, "ok" without an error.
func Code(c *gin.Context) string {
	if code := c.GetString(codeKey); code != "" {
		return code
	}
	return "ok"
}

// requestIDHeader names a request through all replicas, proxies and logs. The
// answer's own header is where the id is kept meanwhile: a key of the context
// would cost a map for each request.
const requestIDHeader = "X-Request-Id"

// SetRequestID names the request for its answer and for logs.
func SetRequestID(c *gin.Context, id string) { c.Writer.Header()[requestIDHeader] = []string{id} }

// RequestID is the id of the request, as in the X-Request-Id header of its answer.
func RequestID(c *gin.Context) string {
	if ids := c.Writer.Header()[requestIDHeader]; len(ids) > 0 {
		return ids[0]
	}
	return ""
}
