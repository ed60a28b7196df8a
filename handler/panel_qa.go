package handler

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

const qaPath = "/qa"

var qaFields = []string{"account", "verdict", "client", "agent", "from", "to"}

// qaData is what qa.html shows.
type qaData struct {
	filterForm
	pager
	Page     qa.Page
	Verdicts []string
	Clients  []string
	Filtered bool
}

// QA answers GET /admin/qa.
func (p *Panel) QA(c *gin.Context) error {
	form := readFilter(c.Request.URL.Query(), qaFields)
	filter := qa.Filter{
		Account: form.Query["account"], UserAgent: form.Query["agent"],
		Verdict: form.oneOf("verdict", qa.Verdicts()), Client: form.oneOf("client", qa.Clients()),
		From: form.time("from", p.options.Location), To: form.time("to", p.options.Location),
	}
	data := qaData{filterForm: form, Verdicts: qa.Verdicts(), Clients: qa.Clients(), Filtered: filter.Any()}
	if len(form.Wrong) > 0 {
		return p.render(c, http.StatusUnprocessableEntity, "qa", data)
	}
	place := c.Query("before")
	var err error
	if data.Page, err = p.options.Reports.Page(c.Request.Context(), filter, place); err != nil {
		return err
	}
	data.pager = form.pager(qaPath, place, data.Page.Next)
	return p.render(c, http.StatusOK, "qa", data)
}

// qaReportData is what qa_report.html shows.
type qaReportData struct {
	Report     qa.Filed
	Facts      qaFacts
	Signed     string // the URL signed last, "" = not told
	Real       string // the URL that WeChat verified, "" = not told
	Difference *signature.Difference
}

// qaFacts are the words of a report that have a meaning; whatever else stands in it
// is shown as it came.
type qaFacts struct {
	Step   string   `json:"step"`
	ErrMsg string   `json:"errMsg"`
	Code   string   `json:"code"`
	MS     float64  `json:"ms"`
	URLs   []string `json:"urls"`
	Real   any      `json:"realAuthUrl"`
}

// QAReport answers GET /admin/qa/:id.
func (p *Panel) QAReport(c *gin.Context) error {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return ErrNotFound
	}
	report, err := p.options.Reports.Report(c.Request.Context(), id)
	if err != nil {
		return err
	}
	data := qaReportData{Report: report, Facts: readFacts(report.Detail)}
	if n := len(data.Facts.URLs); n > 0 {
		data.Signed = data.Facts.URLs[n-1]
	}
	data.Real = realURL(data.Facts.Real)
	if data.Signed != "" && data.Real != "" && data.Signed != data.Real {
		difference := signature.Compare(data.Signed, data.Real)
		data.Difference = &difference
	}
	return p.render(c, http.StatusOK, "qa_report", data)
}

// readFacts reads what a stranger's page has written; what does not fit is left
// out. Pages cut what is too long for a report, and then the text ends anywhere.
func readFacts(detail string) qaFacts {
	var f qaFacts
	whole, err := json.Marshal(wholeFields(detail))
	if err != nil || json.Unmarshal(whole, &f) != nil {
		return qaFacts{}
	}
	return f
}

// wholeFields are the fields of a JSON object that stand in a text to their end.
func wholeFields(text string) map[string]json.RawMessage {
	fields, d := map[string]json.RawMessage{}, json.NewDecoder(strings.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fields
	}
	for d.More() {
		key, err := d.Token()
		name, is := key.(string)
		var value json.RawMessage
		if err != nil || !is || d.Decode(&value) != nil {
			break
		}
		fields[name] = value
	}
	return fields
}

// realURL is the first URL of realAuthUrl: a text "[a, b]" on Android, a list or
// one URL elsewhere (observed).
func realURL(value any) string {
	switch value := value.(type) {
	case string:
		first, _, _ := strings.Cut(strings.Trim(value, "[]"), ", ")
		return first
	case []any:
		if len(value) > 0 {
			first, _ := value[0].(string)
			return first
		}
	}
	return ""
}

// ReportAddress is the address of one report.
func (v panelView) ReportAddress(id int64) string {
	return panelPath + qaPath + "/" + strconv.FormatInt(id, 10)
}

// ClientText names where a demo page was open, or the page that sent a report.
func (v panelView) ClientText(client string) string {
	for _, how := range []string{"simulated", "page"} {
		if name, is := strings.CutPrefix(client, how+" "); is {
			return strings.ReplaceAll(v.optional("client."+how, "{client}"), "{client}", v.optional("client."+name, name))
		}
	}
	return v.optional("client."+client, client)
}
