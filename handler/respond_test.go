package handler_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

// Every error that a caller is meant to see, also wrapped, and the others,
// which are nobody's business.
func TestFail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err    error
		status int
		code   string
	}{
		{pageurl.ErrMissing, 400, "url_missing"},
		{pageurl.ErrInvalid, 400, "url_invalid"},
		{&pageurl.Error{Reason: pageurl.ErrInvalid, Detail: "its port"}, 400, "url_invalid"},
		{pageurl.ErrTooLong, 400, "url_too_long"},
		{pageurl.ErrEscapedHTML, 400, "url_escaped_html"},
		{pageurl.ErrDoubleEncoded, 400, "url_double_encoded"},
		{signature.ErrAccountAmbiguous, 400, "account_ambiguous"},
		{signature.ErrDomainNotAllowed, 403, "domain_not_allowed"},
		{signature.ErrAccountDisabled, 403, "account_disabled"},
		{signature.ErrAccountUnknown, 404, "account_unknown"},
		{signature.ErrProfileUnknown, 404, "profile_unknown"},
		{signature.ErrTicketNotConfigured, 404, "ticket_not_configured"},
		{signature.ErrTicketNotReady, 503, "ticket_not_ready"},
		{&signature.NotReady{}, 503, "ticket_not_ready"},
		{qa.ErrNonceInvalid, 403, "report_nonce_invalid"},
		{qa.ErrReportInvalid, 400, "report_invalid"},
		{handler.ErrNotFound, 404, "not_found"},
		{handler.ErrMethodNotAllowed, 405, "method_not_allowed"},
		{handler.ErrTooManyRequests, 429, "too_many_requests"},
		{&handler.RetryLater{Err: handler.ErrTooManyRequests}, 429, "too_many_requests"},
		{errors.New("of the house"), 500, "internal"},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, fmt.Errorf("around it: %w", tt.err), errors.Join(errors.New("beside it"), tt.err)} {
			w := serveFunc(t, func(*gin.Context) error { return err })
			var body struct{ Code, Message string }
			if decodeErr := json.Unmarshal(w.Body.Bytes(), &body); decodeErr != nil {
				t.Fatalf("%v in %s", decodeErr, w.Body)
			}
			if w.Code != tt.status || body.Code != tt.code || body.Message == "" {
				t.Errorf("%v: status %d, body %s; want %d %s", err, w.Code, w.Body, tt.status, tt.code)
			}
		}
	}
}

// Retry-After is in whole seconds, never too early and never 0, which clients
// take for "at once".
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{
		-time.Second: "1", 0: "1", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", 90 * time.Second: "90",
	} {
		for _, err := range []error{
			&signature.NotReady{RetryAfter: after},
			fmt.Errorf("around it: %w", &handler.RetryLater{Err: handler.ErrTooManyRequests, After: after}),
		} {
			w := serveFunc(t, func(*gin.Context) error { return err })
			if got := w.Header().Get("Retry-After"); got != want {
				t.Errorf("%s as %T: Retry-After %q, want %q", after, err, got, want)
			}
		}
	}
	w := serveFunc(t, func(*gin.Context) error { return handler.ErrNotFound })
	if _, there := w.Header()[http.CanonicalHeaderKey("Retry-After")]; there {
		t.Error("not_found says Retry-After")
	}
}
