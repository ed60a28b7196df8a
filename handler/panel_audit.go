package handler

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

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
	Actions  []wordJSON     // to choose from
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
	data = auditData{filterForm: form, Filtered: filter.Any(), Actions: p.text(c).actions(filter.Action)}
	if len(form.Wrong) > 0 {
		return data, http.StatusUnprocessableEntity, nil
	}
	place := c.Query("before")
	if data.Page, err = p.options.Audit.Page(c.Request.Context(), filter, place); err != nil {
		return data, 0, err
	}
	data.pager = form.pager(auditPath, place, data.Page.Next)
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
	data := auditData{filterForm: readFilter(nil, nil), Chain: &verdict, Actions: p.text(c).actions("")}
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

// actionPrefix begins the keys of the texts of actions.
const actionPrefix = "action."

// actions are those that the panel has words for, in the order of the words, and
// one that is asked for though it is none of them.
func (t panelText) actions(asked string) []wordJSON {
	var list []wordJSON
	for key, words := range t.words {
		if name, is := strings.CutPrefix(key, actionPrefix); is {
			list = append(list, wordJSON{Name: name, Text: words})
		}
	}
	slices.SortFunc(list, func(a, b wordJSON) int { return strings.Compare(a.Text, b.Text) })
	if asked != "" && t.words[actionPrefix+asked] == "" {
		list = append(list, wordJSON{Name: asked, Text: asked})
	}
	return list
}

// ActionText is an action as people say it.
func (v panelView) ActionText(action string) string { return v.optional(actionPrefix+action, action) }

// ActorText is who did something; the command line has a name in each language.
func (v panelView) ActorText(actor string) string { return v.optional("actor."+actor, actor) }

// AuditBy is the address of the audit log with one filter.
func (v panelView) AuditBy(name, value string) string {
	return withQuery(panelPath+auditPath, name, value)
}
