package handler

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
)

// reportTime is the longest that a report may take: the keeper's own patience is
// shorter.
const reportTime = 30 * time.Second

// ReportToken answers POST /v1/accounts/{app_id}/access_token/report.
func (h *Control) ReportToken(c *gin.Context) error {
	return h.report(c, keeper.KindAccessToken, nil)
}

// ReportTicket answers POST /v1/accounts/{app_id}/tickets/{kind}/report.
func (h *Control) ReportTicket(c *gin.Context) error {
	kind, err := ticketKind(c)
	return h.report(c, kind, err)
}

// report tells the keeper that a value is dead and answers the one that is
// current then. A key with the scope refresh alone may report but not read:
// its answer leaves the value out.
func (h *Control) report(c *gin.Context, kind string, wrong error) error {
	appID := c.Param("app_id")
	caller, err := h.guard.Caller(c, apikey.ScopeRefresh, appID)
	if err != nil {
		return err
	}
	if wrong != nil {
		return wrong
	}
	r, err := readReport(c)
	if err != nil {
		return err
	}
	r.AppID, r.Kind, r.Actor = appID, kind, caller.Name
	allowTime(c, reportTime)
	result, err := h.credentials.Report(c.Request.Context(), r)
	if err != nil {
		return withRetry(err)
	}
	v, err := h.credentials.Current(appID, kind)
	if err != nil {
		return withRetry(err)
	}
	answer := newValueAnswer(kind, v, caller.Has(readScope(kind)))
	answer.Result = result
	c.Header("Cache-Control", "no-store")
	c.Header("ETag", etag(v))
	c.PureJSON(http.StatusOK, answer)
	return nil
}

func readReport(c *gin.Context) (keeper.Report, error) {
	var body struct {
		Value   string `json:"value"`
		SHA256  string `json:"sha256"`
		Errcode int    `json:"errcode"`
	}
	if err := readJSON(c, controlBodyLimit, &body); err != nil {
		return keeper.Report{}, err
	}
	hash := strings.ToLower(body.SHA256)
	switch {
	case (body.Value == "") == (body.SHA256 == ""):
		return keeper.Report{}, errReportIncomplete
	case body.Value != "":
		hash = hashOf(body.Value)
	case len(hash) != hex.EncodedLen(sha256.Size) || strings.Trim(hash, "0123456789abcdef") != "":
		return keeper.Report{}, errReportIncomplete
	}
	return keeper.Report{SHA256: hash, Errcode: body.Errcode}, nil
}

// hashOf is how the keeper knows a value: SHA-256 in lower-case hex.
func hashOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}
