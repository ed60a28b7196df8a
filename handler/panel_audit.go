package handler

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/audit"
)

const auditPath = "/audit"

var auditFields = []string{"actor", "action", "target", "from", "to"}

// auditData is what audit.html shows.
type auditData struct {
	filterForm
	pager
	Page     audit.Page
	Filtered bool
	Actions  []string       // those on the page, as suggestions for the filter
	Chain    *audit.Verdict // nil = nobody asked
	Further  string         // where the look along the chain goes on, "" = at its end
}

// Audit answers GET /admin/audit.
func (p *Panel) Audit(c *gin.Context) error {
	data, status, err := p.readAudit(c)
	if err != nil {
		return err
	}
	return p.render(c, status, "audit", data)
}

func (p *Panel) readAudit(c *gin.Context) (data auditData, status int, err error) {
	form := readFilter(c.Request.URL.Query(), auditFields)
	filter := audit.Filter{
		Actor: form.Query["actor"], Action: form.Query["action"], Target: form.Query["target"],
		From: form.time("from", p.options.Location), To: form.time("to", p.options.Location),
	}
	data = auditData{filterForm: form, Filtered: filter.Any()}
	if len(form.Wrong) > 0 {
		return data, http.StatusUnprocessableEntity, nil
	}
	place := c.Query("before")
	if data.Page, err = p.options.Audit.Page(c.Request.Context(), filter, place); err != nil {
		return data, 0, err
	}
	data.pager = form.pager(auditPath, place, data.Page.Next)
	seen := map[string]bool{}
	for _, line := range data.Page.Lines {
		if !seen[line.Action] {
			seen[line.Action] = true
			data.Actions = append(data.Actions, line.Action)
		}
	}
	return data, http.StatusOK, nil
}

// AuditChain answers GET /admin/audit/chain: is every entry as it was written? A
// long log is looked through in several steps; ?from= and ?hash= are where the one
// before ended.
func (p *Panel) AuditChain(c *gin.Context) error {
	from, err := strconv.ParseInt(c.DefaultQuery("from", "1"), 10, 64)
	if err != nil || from < 1 {
		return ErrNotFound
	}
	verdict, err := p.options.Audit.Verify(c.Request.Context(), from, c.Query("hash"))
	if err != nil {
		return err
	}
	data := auditData{filterForm: readFilter(nil, nil), Chain: &verdict}
	if data.Page, err = p.options.Audit.Page(c.Request.Context(), audit.Filter{}, ""); err != nil {
		return err
	}
	data.pager = data.filterForm.pager(auditPath, "", data.Page.Next)
	if verdict.Next > 0 {
		further := withQuery(panelPath+auditPath+"/chain", "from", strconv.FormatInt(verdict.Next, 10))
		data.Further = withQuery(further, "hash", verdict.Hash)
	}
	return p.render(c, http.StatusOK, "audit", data)
}

// ActionText is an action as people say it.
func (v panelView) ActionText(action string) string { return v.optional("action."+action, action) }

// AuditBy is the address of the audit log with one filter.
func (v panelView) AuditBy(name, value string) string {
	return withQuery(panelPath+auditPath, name, value)
}
