package handler

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/account"
	"github.com/wxsign/wxsign/service/account/rules"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/history"
	"github.com/wxsign/wxsign/service/keeper"
)

// Budgets tell what is left of an account's force refreshes; *keeper.Keeper
// has them.
type Budgets interface {
	Budget(ctx context.Context, appID string) (keeper.Budget, error)
}

// accountData is what account.html shows.
type accountData struct {
	View     account.View
	State    history.Account
	Now      time.Time
	Span     history.Span
	Timeline history.Timeline
	Rows     []history.Row
	Files    []account.VerifyFile
	Budget   *keeper.Budget // nil where the account has no force refreshes
	Say      accountSay
}

// accountSay is what a page says of what was just done. The words are keys of
// texts below "account.done." and "account.not.".
type accountSay struct {
	Done   string
	Not    string
	Kind   string           // of the credential that was meant
	Failed *history.Trouble // what a refresh failed at; nil = it was not tried
	Reason string           // that was typed, to be typed no second time
	File   string           // as Reason
}

// mostRecent is how many rows of the history stand on an account's page.
const mostRecent = 10

// Account answers GET /admin/accounts/{app_id}.
func (p *Panel) Account(c *gin.Context) error {
	return p.account(c, http.StatusOK, accountSay{Done: c.Query("done"), Not: c.Query("not"), Kind: c.Query("kind")})
}

// account renders the page of an account, whatever was asked of it.
func (p *Panel) account(c *gin.Context, status int, say accountSay) error {
	ctx, appID := c.Request.Context(), c.Param("app_id")
	d := accountData{Span: history.SpanNamed(c.Query("span")), Say: say}
	var err error
	if d.View, err = p.options.Accounts.View(ctx, appID); err != nil {
		return err
	}
	var found bool
	if d.State, d.Now, found, err = p.options.History.AccountOf(ctx, appID); err != nil || !found {
		return errors.Join(err, notThere(found))
	}
	if !isRefresh(c) {
		if err := p.accountMore(ctx, appID, &d); err != nil {
			return err
		}
	}
	setHere(c, accountPath(appID), "span", c.Query("span"))
	return p.render(c, status, "account", d)
}

func notThere(found bool) error {
	if found {
		return nil
	}
	return account.ErrUnknown
}

// accountMore reads what the part that refreshes itself does not show.
func (p *Panel) accountMore(ctx context.Context, appID string, d *accountData) (err error) {
	if d.Timeline, err = p.options.History.Timeline(ctx, appID, d.kinds(), d.Span, p.options.Location); err != nil {
		return err
	}
	page, err := p.options.History.Page(ctx, history.Filter{Account: appID}, "")
	if err != nil {
		return err
	}
	d.Rows = page.Rows[:min(len(page.Rows), mostRecent)]
	if d.Files, err = p.options.VerifyFiles.VerifyFiles(ctx, appID); err != nil {
		return err
	}
	if d.View.Platform != rules.PlatformOfficialAccount || d.View.TokenMode != rules.TokenModeStable {
		return nil
	}
	budget, err := p.options.Budgets.Budget(ctx, appID)
	switch {
	case errors.Is(err, keeper.ErrAccountUnknown):
	case err != nil:
		return err
	default:
		d.Budget = &budget
	}
	return nil
}

// kinds are the credentials that the account keeps.
func (d accountData) kinds() []string {
	var kinds []string
	for _, c := range d.State.Credentials {
		kinds = append(kinds, c.Kind)
	}
	return kinds
}

// accountPath is the address of an account, or of something below it.
func accountPath(appID string, below ...string) string {
	return strings.Join(append([]string{panelPath, "accounts", url.PathEscape(appID)}, below...), "/")
}

// AccountPath is the address of an account's page.
func (v panelView) AccountPath(appID string) string { return accountPath(appID) }

// panelHere is where a handler puts the address of the page that it answers
// with, where that is not the one that was asked.
const panelHere = "panel_here"

// setHere makes address, with one parameter unless that is empty, the address of
// the page that is about to be rendered.
func setHere(c *gin.Context, address, name, value string) {
	if value != "" {
		address = withQuery(address, name, value)
	}
	c.Set(panelHere, address)
}

// by is who acts, for the audit log.
func (p *Panel) by(c *gin.Context) audit.Entry {
	session, _ := sessionOf(c)
	return audit.Entry{Actor: session.Person.Name, Address: AddressText(c), RequestID: RequestID(c)}
}

// done sends the browser to the account's page, which says what was done.
func done(c *gin.Context, appID, what string) error {
	return seeOther(c, withQuery(accountPath(appID), "done", what))
}

// IsAdmin reports whether the person may change things.
func (v panelView) IsAdmin() bool { return v.Person != nil && v.Person.May(RoleAdmin) }

// Age is how old something is, in the form of Span.
func (v panelView) Age(since, now time.Time) time.Duration { return max(0, now.Sub(since)) }

// Spans are the spans of a timeline.
func (v panelView) Spans() []history.Span { return history.Spans() }

// SpanPath is the address of an account's page with another span.
func (v panelView) SpanPath(appID, span string) string {
	return withQuery(accountPath(appID), "span", span) + "#timeline"
}

// TimelinePath is where the chart of an account gets its data.
func (v panelView) TimelinePath(appID, span string) string {
	return withQuery(accountPath(appID, "timeline"), "span", span)
}

// Done is the text of what was done, "" for a word that is none.
func (v panelView) Done(say accountSay) string {
	words := v.optional("account.done."+say.Done, "")
	return strings.ReplaceAll(words, "{kind}", v.KindText(say.Kind))
}

// Not is the text of why something was not done.
func (v panelView) Not(say accountSay) string {
	words := v.optional("account.not."+say.Not, "")
	return strings.ReplaceAll(words, "{kind}", v.KindText(say.Kind))
}

// Word is a text for a word of the database, the word itself where a later
// version wrote it.
func (v panelView) Word(prefix, word string) string { return v.optional(prefix+word, word) }
