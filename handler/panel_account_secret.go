package handler

import (
	"context"
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/audit"
)

// secretData is what accountsecret.html shows.
type secretData struct {
	View account.View
	Done string // key of a text below "secret.done."
	Not  string // key of a text below "secret.not."
}

// SecretPage answers GET /admin/accounts/{app_id}/secret.
func (p *Panel) SecretPage(c *gin.Context) error {
	return p.secretPage(c, http.StatusOK, secretData{Done: c.Query("done")})
}

func (p *Panel) secretPage(c *gin.Context, status int, d secretData) (err error) {
	appID := c.Param("app_id")
	if d.View, err = p.options.Accounts.View(c.Request.Context(), appID); err != nil {
		return err
	}
	if d.View.FromFile {
		return account.ErrFromFile
	}
	setHere(c, accountPath(appID, "secret"), "", "")
	return p.render(c, status, "accountsecret", d)
}

// SecretDone is the text of what was done, "" for a word that is none.
func (v panelView) SecretDone(d secretData) string { return v.optional("secret.done."+d.Done, "") }

// secretSteps are what may be done with AppSecrets: the last part of the
// address of each, and what it does.
func (p *Panel) secretSteps() map[string]func(context.Context, audit.Entry, *gin.Context) error {
	accounts := p.options.Accounts
	return map[string]func(context.Context, audit.Entry, *gin.Context) error{
		"enter": func(ctx context.Context, by audit.Entry, c *gin.Context) error {
			return accounts.EnterSecret(ctx, by, c.Param("app_id"), c.Request.PostFormValue("secret"))
		},
		"test": func(ctx context.Context, by audit.Entry, c *gin.Context) error {
			return accounts.TestSecret(ctx, by, c.Param("app_id"))
		},
		"switch": func(ctx context.Context, by audit.Entry, c *gin.Context) error {
			return accounts.SwitchSecret(ctx, by, c.Param("app_id"), revision(c))
		},
		"back": func(ctx context.Context, by audit.Entry, c *gin.Context) error {
			return accounts.RollBackSecret(ctx, by, c.Param("app_id"), revision(c))
		},
		"discard": func(ctx context.Context, by audit.Entry, c *gin.Context) error {
			return accounts.DropSecret(ctx, by, c.Param("app_id"), account.NextSecret)
		},
		"forget": func(ctx context.Context, by audit.Entry, c *gin.Context) error {
			return accounts.DropSecret(ctx, by, c.Param("app_id"), account.PreviousSecret)
		},
	}
}

// Secret answers POST /admin/accounts/{app_id}/secret/{step}.
func (p *Panel) Secret(c *gin.Context) error {
	step := c.Param("step")
	act, known := p.secretSteps()[step]
	if !known {
		return ErrNotFound
	}
	if err := readForm(c); err != nil {
		return err
	}
	err := act(c.Request.Context(), p.by(c), c)
	if err == nil {
		return seeOther(c, withQuery(accountPath(c.Param("app_id"), "secret"), "done", step))
	}
	status, not, known := notRotated(err)
	if !known {
		return err
	}
	return p.secretPage(c, status, secretData{Not: not})
}

// notRotated is how a refused step is told.
func notRotated(err error) (status int, not string, known bool) {
	if invalid, is := errors.AsType[*account.InvalidError](err); is {
		return http.StatusUnprocessableEntity, invalid.Faults[0].Code, true
	}
	switch {
	case errors.Is(err, account.ErrSameSecret):
		return http.StatusUnprocessableEntity, "same", true
	case errors.Is(err, account.ErrUntested):
		return http.StatusConflict, "untested", true
	case errors.Is(err, account.ErrNoSecret):
		return http.StatusConflict, "gone", true
	case errors.Is(err, account.ErrOvertaken):
		return http.StatusConflict, "overtaken", true
	case errors.Is(err, account.ErrSealed):
		return http.StatusConflict, "sealed", true
	}
	return 0, "", false
}
