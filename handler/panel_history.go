package handler

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/history"
)

// historyFields are the filters of the history page as they stand in its
// address, in the order of the form.
var historyFields = []string{"account", "kind", "trigger", "outcome", "errcode", "actor", "from", "to"}

const (
	historyPath = "/history"
	exportPath  = "/history.csv"
	lossPath    = "/history/overwritten"
)

// historyData is what history.html shows.
type historyData struct {
	filterForm
	pager
	Page     history.Page
	Kinds    []string
	Triggers []string
	Outcomes []string
	Filtered bool
	Export   string // address of all rows of the filter as CSV
	Losses   string // address of the page about overwritten tokens
}

// History answers GET /admin/history.
func (p *Panel) History(c *gin.Context) error {
	filter, form := p.historyFilter(c.Request.URL.Query())
	data := historyData{
		filterForm: form, Filtered: filter.Any(), Kinds: history.Kinds(), Triggers: history.Triggers(), Outcomes: history.Outcomes(),
		Export: form.address(exportPath, ""), Losses: lossAddress(filter.Account),
	}
	if len(form.Wrong) > 0 {
		return p.render(c, http.StatusUnprocessableEntity, "history", data)
	}
	place := c.Query("before")
	var err error
	if data.Page, err = p.options.History.Page(c.Request.Context(), filter, place); err != nil {
		return err
	}
	data.pager = form.pager(historyPath, place, data.Page.Next)
	return p.render(c, http.StatusOK, "history", data)
}

// historyFilter reads the filters of an address.
func (p *Panel) historyFilter(query url.Values) (history.Filter, filterForm) {
	form := readFilter(query, historyFields)
	f := history.Filter{
		Account: form.Query["account"], Actor: form.Query["actor"],
		Kind: form.oneOf("kind", history.Kinds()), Trigger: form.oneOf("trigger", history.Triggers()),
		Outcome: form.oneOf("outcome", history.Outcomes()),
		From:    form.time("from", p.options.Location), To: form.time("to", p.options.Location),
	}
	if text := form.Query["errcode"]; text != "" {
		errcode, err := strconv.ParseInt(text, 10, 32)
		number := int(errcode)
		f.Errcode = &number
		form.refuse("errcode", err != nil)
	}
	return f, form
}

// historyRowData is what history_row.html shows.
type historyRowData struct {
	history.Detail
}

// HistoryRow answers GET /admin/history/:id.
func (p *Panel) HistoryRow(c *gin.Context) error {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return ErrNotFound
	}
	detail, err := p.options.History.Row(c.Request.Context(), id)
	if err != nil {
		return err
	}
	return p.render(c, http.StatusOK, "history_row", historyRowData{detail})
}

// lossData is what history_losses.html shows.
type lossData struct {
	filterForm
	Losses []history.Loss
	More   string // address of the rows themselves, "" where all are shown
}

// Losses answers GET /admin/history/overwritten: who overwrote my token?
func (p *Panel) Losses(c *gin.Context) error {
	form := readFilter(c.Request.URL.Query(), []string{"account"})
	if len(form.Wrong) > 0 {
		return p.render(c, http.StatusUnprocessableEntity, "history_losses", lossData{filterForm: form})
	}
	losses, more, err := p.options.History.Losses(c.Request.Context(), form.Query["account"])
	if err != nil {
		return err
	}
	data := lossData{filterForm: form, Losses: losses}
	if more {
		data.More = withQuery(withQuery(form.address(historyPath, ""), "outcome", "failed"), "kind", "access_token")
	}
	return p.render(c, http.StatusOK, "history_losses", data)
}

func lossAddress(account string) string {
	if account == "" {
		return panelPath + lossPath
	}
	return withQuery(panelPath+lossPath, "account", account)
}

// RowAddress is the address of one row of the history.
func (v panelView) RowAddress(id int64) string {
	return panelPath + historyPath + "/" + strconv.FormatInt(id, 10)
}

// HistoryBy is the address of the history with one filter.
func (v panelView) HistoryBy(name, value string) string {
	return withQuery(panelPath+historyPath, name, value)
}

// RowCause explains a row's failure in a few words, "" where we do not know it.
// 40001 has a meaning of its own where a token was found dead.
func (v panelView) RowCause(r history.Row) string {
	if r.FoundDead() {
		return v.Cause(r.Account, "", r.Errcode, r.Errmsg)
	}
	return v.Cause(r.Account, r.Kind, r.Errcode, r.Errmsg)
}

// RowMend says what to do about it.
func (v panelView) RowMend(r history.Row) string {
	if r.FoundDead() {
		return v.Mend(r.Account, "", r.Errcode, r.Errmsg, v.optional("loss.mend", ""))
	}
	return v.Mend(r.Account, r.Kind, r.Errcode, r.Errmsg, r.Mend)
}

// LossesOf is the address of the overwritten tokens of an account.
func (v panelView) LossesOf(account string) string { return lossAddress(account) }
