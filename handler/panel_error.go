package handler

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/alert"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/auth"
	"github.com/wxsign/wxsign/service/history"
	"github.com/wxsign/wxsign/service/outbox"
	"github.com/wxsign/wxsign/service/qa"
)

// panelProblem is a row of the table that maps errors to pages. Its texts are
// error.<name>.title and error.<name>.mend.
type panelProblem struct {
	err    error
	status int
	name   string
}

var panelProblems = []panelProblem{
	{ErrNotFound, http.StatusNotFound, "not_found"},
	{ErrMethodNotAllowed, http.StatusMethodNotAllowed, "method"},
	{ErrTooManyRequests, http.StatusTooManyRequests, "too_many"},
	{ErrCrossOrigin, http.StatusForbidden, "cross_origin"},
	{errForbidden, http.StatusForbidden, "forbidden"},
	{errInsecure, http.StatusForbidden, "insecure"},
	{errBodyTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{errForm, http.StatusBadRequest, "form"},
	{history.ErrPlace, http.StatusNotFound, "not_found"},
	{history.ErrNoRow, http.StatusNotFound, "gone"},
	{history.ErrBusy, http.StatusTooManyRequests, "exports"},
	{qa.ErrPlace, http.StatusNotFound, "not_found"},
	{qa.ErrNoReport, http.StatusNotFound, "gone"},
	{alert.ErrPlace, http.StatusNotFound, "not_found"},
	{audit.ErrPlace, http.StatusNotFound, "not_found"},
	{outbox.ErrPlace, http.StatusNotFound, "not_found"},
	{outbox.ErrNoDelivery, http.StatusNotFound, "gone"},
	{auth.ErrNoPerson, http.StatusNotFound, "gone"},
	{account.ErrUnknown, http.StatusNotFound, "not_found"},
	{account.ErrFromFile, http.StatusConflict, "from_file"},
	{auth.ErrUnreachable, http.StatusServiceUnavailable, "database"},
	{auth.ErrRefused, http.StatusServiceUnavailable, "database"},
}

// errorData is what error.html shows.
type errorData struct {
	Name      string
	RequestID string
	Again     bool // the same may work in a moment
	// Part is the id of the part that refreshes itself: partLive where it stands in
	// another page's place, partAway where all of the page is missing.
	Part string
}

const (
	partLive = "live"
	partAway = "away"
)

// isAway reports whether a page that could not be shown asks whether it can be now.
func isAway(c *gin.Context) bool {
	return isRefresh(c) && strings.HasSuffix(c.GetHeader("HX-Source"), "#"+partAway)
}

// statusGone is what the access log shows of a request whose sender did not wait
// for the answer: nginx's number, of which HTTP knows nothing.
const statusGone = 499

// Fail answers an error with a page and ends the request. An error that is not
// in the table is logged here, once, and its text stays inside. What a browser
// broke off, somebody who clicked on, is nobody's failure.
func (p *Panel) Fail(c *gin.Context, err error) {
	if ctx := c.Request.Context(); errors.Is(ctx.Err(), context.Canceled) {
		slog.InfoContext(ctx, "the browser did not wait for the answer", "request_id", RequestID(c), "path", c.FullPath())
		c.AbortWithStatus(statusGone)
		return
	}
	problem := panelProblem{status: http.StatusInternalServerError, name: "internal"}
	for _, row := range panelProblems {
		if errors.Is(err, row.err) {
			problem = row
			break
		}
	}
	if problem.status >= http.StatusInternalServerError {
		slog.ErrorContext(c.Request.Context(), "request failed", "request_id", RequestID(c), "path", c.FullPath(), "err", err)
	}
	setRetryAfter(c, err)
	asked := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead // a form is not sent again by a link
	data := errorData{
		Name: problem.name, RequestID: RequestID(c), Again: asked && problem.status >= http.StatusInternalServerError, Part: partLive,
	}
	if !isRefresh(c) || isAway(c) {
		data.Part = partAway
	}
	if err := p.render(c, problem.status, "error", data); err != nil {
		Fail(c, err)
	}
	c.Abort()
}

// Page makes f a page: its error is answered by Fail.
func (p *Panel) Page(f Func) Func {
	return func(c *gin.Context) error {
		if err := f(c); err != nil {
			p.Fail(c, err)
		}
		return nil
	}
}

// NotFound answers every address below /admin that is no page.
func (p *Panel) NotFound(*gin.Context) error { return ErrNotFound }

// NoMethod answers methods that a page does not know.
func (p *Panel) NoMethod(*gin.Context) error { return ErrMethodNotAllowed }
