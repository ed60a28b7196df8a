package handler

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

// PageOwner tells whose a page is; *signature.Signer does.
type PageOwner interface {
	Owner(r signature.Request) (appID string, err error)
}

// PageReports takes in what wxsign.js says of failures on people's phones, where
// a page has asked it to.
type PageReports struct {
	pages PageOwner
	desk  *qa.Desk
	limit AccountLimiter
}

// NewPageReports makes the handler; limit is per account, for all addresses.
func NewPageReports(pages PageOwner, desk *qa.Desk, limit AccountLimiter) *PageReports {
	return &PageReports{pages: pages, desk: desk, limit: limit}
}

// Post answers POST /jssdk/report. The page has no nonce, because the answer of
// /jssdk/config goes into wx.config as it is. Instead it must be a page that the
// account would sign, and the browser must vouch in Origin for where it was sent
// from. That stops other people's pages; the limits are for what is no browser.
// The body is JSON under any Content-Type: navigator.sendBeacon sends text/plain
// so that no preflight is needed.
func (h *PageReports) Post(c *gin.Context) error {
	var body struct {
		AppID   string `json:"app_id"`
		Profile string `json:"profile"`
		PageURL string `json:"page_url"`
		Client  string `json:"client"`
		Verdict string `json:"verdict"`
		Detail  string `json:"detail"`
	}
	if err := readJSON(c, qa.MaxBody, &body); err != nil {
		return err
	}
	appID, err := h.pages.Owner(signature.Request{URL: body.PageURL, AppID: body.AppID, Exact: true})
	if err != nil {
		return err
	}
	if page, err := pageurl.ParseExact(body.PageURL); err != nil || page.Origin() != c.GetHeader("Origin") {
		return fmt.Errorf("%w: page_url is not of the page that sends it", qa.ErrReportInvalid)
	}
	if wait, granted := h.limit.Take(appID); !granted {
		return &RetryLater{Err: ErrTooManyRequests, After: wait}
	}
	err = h.desk.FilePage(c.Request.Context(), qa.Report{
		AppID: appID, Profile: body.Profile, PageURL: body.PageURL,
		UserAgent: c.Request.UserAgent(), Client: body.Client, Verdict: body.Verdict, Detail: body.Detail,
	})
	if err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	c.Status(http.StatusNoContent)
	return nil
}
