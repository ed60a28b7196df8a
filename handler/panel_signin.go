package handler

import (
	"errors"
	"fmt"
	"math"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/auth"
)

// maxForm is the longest form of the panel, in bytes.
const maxForm = 4 << 10

var errForm = errors.New("the form cannot be read")

// readForm reads the fields of a posted form.
func readForm(c *gin.Context) error { return readLongForm(c, maxForm) }

// readLongForm reads the fields of a form of at most limit bytes.
func readLongForm(c *gin.Context, limit int64) error {
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	err := c.Request.ParseForm()
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return fmt.Errorf("%w: at most %d bytes", errBodyTooLarge, tooLarge.Limit)
	case err != nil:
		return fmt.Errorf("%w: %w", errForm, err)
	}
	return nil
}

// signInData is what signin.html shows.
type signInData struct {
	Name    string
	Next    string
	Problem string // key of a text, "" = none
	Minutes int    // to wait, with the problem "throttled"
	Out     bool   // somebody has just signed out
}

// SignInPage answers GET /admin/sign-in.
func (p *Panel) SignInPage(c *gin.Context) error {
	if _, err := p.session(c, false); err == nil {
		return seeOther(c, nextPage(c.Query("next")))
	}
	_, out := c.GetQuery("out")
	return p.render(c, http.StatusOK, "signin", signInData{Next: c.Query("next"), Out: out})
}

// SignIn answers POST /admin/sign-in.
func (p *Panel) SignIn(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	field := c.Request.PostFormValue
	token, err := p.options.People.SignIn(c.Request.Context(), p.visit(c), field("name"), field("password"))
	if err == nil {
		p.setCookie(c, token)
		return seeOther(c, nextPage(field("next")))
	}
	data := signInData{Name: field("name"), Next: field("next")}
	status, problem, known := refusal(err)
	if !known {
		return err
	}
	data.Problem, data.Minutes = problem, minutes(err)
	setRetryAfter(c, retryLater(err))
	return p.render(c, status, "signin", data)
}

// refusal is how a refused password is told: the key of a text below
// "refused.".
func refusal(err error) (status int, problem string, known bool) {
	var throttled *auth.ThrottledError
	switch {
	case errors.As(err, &throttled):
		return http.StatusTooManyRequests, "throttled", true
	case errors.Is(err, auth.ErrBusy):
		return http.StatusTooManyRequests, "busy", true
	case errors.Is(err, auth.ErrWrong):
		return http.StatusForbidden, "wrong", true
	case errors.Is(err, auth.ErrExpired):
		return http.StatusForbidden, "expired", true
	case errors.Is(err, auth.ErrTooShort):
		return http.StatusUnprocessableEntity, "short", true
	case errors.Is(err, auth.ErrTooLong):
		return http.StatusUnprocessableEntity, "long", true
	case errors.Is(err, auth.ErrSame):
		return http.StatusUnprocessableEntity, "same", true
	case errors.Is(err, errRepeat):
		return http.StatusUnprocessableEntity, "repeat", true
	}
	return 0, "", false
}

// retryLater adds to a refusal when the next try may be made.
func retryLater(err error) error {
	var throttled *auth.ThrottledError
	switch {
	case errors.As(err, &throttled):
		return &RetryLater{Err: err, After: throttled.After}
	case errors.Is(err, auth.ErrBusy):
		return &RetryLater{Err: err}
	}
	return err
}

func minutes(err error) int {
	var throttled *auth.ThrottledError
	if !errors.As(err, &throttled) {
		return 0
	}
	return int(math.Ceil(throttled.After.Minutes()))
}

// SignOut answers POST /admin/sign-out.
func (p *Panel) SignOut(c *gin.Context) error {
	session, _ := sessionOf(c)
	if err := p.options.People.SignOut(c.Request.Context(), session, p.visit(c)); err != nil {
		return err
	}
	p.setCookie(c, "")
	return seeOther(c, panelPath+"/sign-in?out=1")
}

// errRepeat says that a new password was not typed twice the same.
var errRepeat = errors.New("the two passwords differ")

// passwordData is what password.html shows.
type passwordData struct {
	Forced  bool
	Problem string
	Minutes int
}

// PasswordPage answers GET /admin/password.
func (p *Panel) PasswordPage(c *gin.Context) error {
	session, _ := sessionOf(c)
	return p.render(c, http.StatusOK, "password", passwordData{Forced: session.Person.MustChange})
}

// ChangePassword answers POST /admin/password.
func (p *Panel) ChangePassword(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	session, _ := sessionOf(c)
	token, err := p.changePassword(c, session)
	if errors.Is(err, auth.ErrNoSession) {
		return seeOther(c, panelPath+"/sign-in")
	}
	if err == nil {
		p.setCookie(c, token)
		return seeOther(c, panelPath+"/")
	}
	status, problem, known := refusal(err)
	if !known {
		return err
	}
	setRetryAfter(c, retryLater(err))
	return p.render(c, status, "password", passwordData{Forced: session.Person.MustChange, Problem: problem, Minutes: minutes(err)})
}

func (p *Panel) changePassword(c *gin.Context, session auth.Session) (string, error) {
	field := c.Request.PostFormValue
	if field("chosen") != field("repeated") {
		return "", errRepeat
	}
	return p.options.People.ChangePassword(c.Request.Context(), session, p.visit(c), field("current"), field("chosen"))
}
