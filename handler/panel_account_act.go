package handler

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/history"
	"github.com/wxsign/wxsign/service/keeper"
)

// maxReason is the longest reason, in characters: with the AppID it fits the
// audit log.
const maxReason = 80

// reason reads why somebody does something.
func reason(c *gin.Context) string {
	text := []rune(strings.TrimSpace(strings.ToValidUTF8(c.Request.PostFormValue("reason"), "")))
	return string(text[:min(len(text), maxReason)])
}

// Refresh answers POST /admin/accounts/{app_id}/refresh.
func (p *Panel) Refresh(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	appID, kind := c.Param("app_id"), c.Request.PostFormValue("kind")
	say := accountSay{Kind: kind, Reason: reason(c)}
	result, err := p.options.Accounts.Refresh(c.Request.Context(), p.by(c), appID, kind, say.Reason)
	if err == nil {
		where := withQuery(withQuery(accountPath(appID), "done", "refresh."+result), "kind", kind)
		return seeOther(c, where)
	}
	status, not, known := notRefreshed(err)
	if !known {
		return err
	}
	say.Not = "refresh." + not
	if failed, is := errors.AsType[*keeper.RefreshFailed](err); is {
		setRetryAfter(c, &RetryLater{Err: err, After: failed.RetryAfter})
		say.Failed = &history.Trouble{Errcode: failed.Errcode}
		say.Failed.Text, say.Failed.Mend = history.SplitMend(failed.Reason)
	}
	return p.account(c, status, say)
}

// notRefreshed is how a refused refresh is told: the key of a text below
// "account.not.refresh.".
func notRefreshed(err error) (status int, not string, known bool) {
	switch {
	case errors.Is(err, account.ErrReason):
		return http.StatusUnprocessableEntity, "reason", true
	case errors.Is(err, keeper.ErrBudgetSpent):
		return http.StatusTooManyRequests, "budget", true
	case errors.Is(err, keeper.ErrAccountDisabled):
		return http.StatusConflict, "disabled", true
	case errors.Is(err, keeper.ErrAccountUnknown), errors.Is(err, keeper.ErrKindUnknown):
		return http.StatusConflict, "unknown", true
	case errors.Is(err, keeper.ErrNotReady):
		return http.StatusServiceUnavailable, "not_ready", true
	case errors.Is(err, keeper.ErrRefreshFailed):
		return http.StatusServiceUnavailable, "failed", true
	}
	return 0, "", false
}

// revealData is what accountvalue.html shows.
type revealData struct {
	AppID      string
	Credential history.Credential
	Value      string
}

// Reveal answers POST /admin/accounts/{app_id}/reveal with the value itself. It
// is no page that one could come back to.
func (p *Panel) Reveal(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	ctx, appID, kind := c.Request.Context(), c.Param("app_id"), c.Request.PostFormValue("kind")
	say := accountSay{Kind: kind, Reason: reason(c)}
	value, err := p.options.Accounts.Reveal(ctx, p.by(c), appID, kind, say.Reason)
	switch {
	case errors.Is(err, account.ErrReason):
		say.Not = "reveal.reason"
		return p.account(c, http.StatusUnprocessableEntity, say)
	case errors.Is(err, account.ErrNoValue):
		say.Not = "reveal.none"
		return p.account(c, http.StatusConflict, say)
	case errors.Is(err, account.ErrSealed):
		say.Not = "reveal.sealed"
		return p.account(c, http.StatusConflict, say)
	case err != nil:
		return err
	}
	d := revealData{AppID: appID, Value: value.Reveal(), Credential: history.Credential{Kind: kind}}
	state, _, _, err := p.options.History.AccountOf(ctx, appID)
	if err != nil {
		return err
	}
	for _, credential := range state.Credentials {
		if credential.Kind == kind {
			d.Credential = credential
		}
	}
	setHere(c, accountPath(appID), "", "")
	return p.render(c, http.StatusOK, "accountvalue", d)
}

// SetEnabled answers POST /admin/accounts/{app_id}/enable and …/disable.
func (p *Panel) SetEnabled(enabled bool) Func {
	word := "disabled"
	if enabled {
		word = "enabled"
	}
	return func(c *gin.Context) error {
		if err := readForm(c); err != nil {
			return err
		}
		appID := c.Param("app_id")
		err := p.options.Accounts.SetEnabled(c.Request.Context(), p.by(c), appID, revision(c), enabled)
		if errors.Is(err, account.ErrOvertaken) {
			return p.account(c, http.StatusConflict, accountSay{Not: "overtaken"})
		}
		if err != nil {
			return err
		}
		return done(c, appID, word)
	}
}

// revision is the one of the account that the form was made from.
func revision(c *gin.Context) int64 {
	rev, err := strconv.ParseInt(c.Request.PostFormValue("rev"), 10, 64)
	if err != nil {
		return -1 // that no account has
	}
	return rev
}

// deleteData is what accountdelete.html shows.
type deleteData struct {
	View    account.View
	Problem string // key of a text below "account.delete.", "" = none
}

// DeletePage answers GET /admin/accounts/{app_id}/delete.
func (p *Panel) DeletePage(c *gin.Context) error { return p.deletePage(c, http.StatusOK, "") }

func (p *Panel) deletePage(c *gin.Context, status int, problem string) error {
	view, err := p.options.Accounts.View(c.Request.Context(), c.Param("app_id"))
	switch {
	case err != nil:
		return err
	case view.FromFile:
		return account.ErrFromFile
	}
	return p.render(c, status, "accountdelete", deleteData{View: view, Problem: problem})
}

// Delete answers POST /admin/accounts/{app_id}/delete.
func (p *Panel) Delete(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	appID := c.Param("app_id")
	if strings.TrimSpace(c.Request.PostFormValue("typed")) != appID {
		return p.deletePage(c, http.StatusUnprocessableEntity, "typed")
	}
	err := p.options.Accounts.Delete(c.Request.Context(), p.by(c), appID, revision(c))
	switch {
	case errors.Is(err, account.ErrEnabled):
		return p.deletePage(c, http.StatusConflict, "enabled")
	case errors.Is(err, account.ErrOvertaken):
		return p.deletePage(c, http.StatusConflict, "overtaken")
	case err != nil:
		return err
	}
	return seeOther(c, panelPath+"/?deleted=1")
}

// AddVerifyFile answers POST /admin/accounts/{app_id}/files.
func (p *Panel) AddVerifyFile(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	appID := c.Param("app_id")
	file := account.VerifyFile{Name: c.Request.PostFormValue("name"), Body: c.Request.PostFormValue("body")}
	err := p.options.VerifyFiles.AddVerifyFile(c.Request.Context(), p.by(c), appID, file)
	switch {
	case errors.Is(err, account.ErrVerifyFileInvalid):
		return p.account(c, http.StatusUnprocessableEntity, accountSay{Not: "file.invalid", File: file.Name})
	case errors.Is(err, account.ErrVerifyFileTaken):
		return p.account(c, http.StatusConflict, accountSay{Not: "file.taken", File: file.Name})
	case err != nil:
		return err
	}
	return done(c, appID, "file.added")
}

// RemoveVerifyFile answers POST /admin/accounts/{app_id}/files/remove.
func (p *Panel) RemoveVerifyFile(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	appID := c.Param("app_id")
	if err := p.options.VerifyFiles.RemoveVerifyFile(c.Request.Context(), p.by(c), appID, c.Request.PostFormValue("name")); err != nil {
		return err
	}
	return done(c, appID, "file.removed")
}
