package handler

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/signature"
)

// maxCheck is the longest form of the checker, in bytes: a pasted text, percent-
// encoded, and two long URLs.
const maxCheck = 64 << 10

// checkerData is what checker.html shows.
type checkerData struct {
	Case    signature.Case
	Paste   string
	Finding *signature.Finding // nil = nothing was checked yet
	Problem string             // key of a text below checker.problem., "" = none
}

// CheckerPage answers GET /admin/checker.
func (p *Panel) CheckerPage(c *gin.Context) error {
	return p.render(c, http.StatusOK, "checker", checkerData{Case: signature.Case{AppID: c.Query("account")}})
}

// Check answers POST /admin/checker. It changes nothing; the form is posted
// because the URLs of pages may hold what is nobody else's business.
func (p *Panel) Check(c *gin.Context) error {
	if err := readLongForm(c, maxCheck); err != nil {
		return err
	}
	data := readCheck(c)
	status := http.StatusOK
	if data.Problem == "" {
		finding, err := p.options.Checker.Check(data.Case)
		data.Problem = checkProblem(err)
		if data.Problem == "no_ticket" && data.Case.Kind == agentTicket {
			data.Problem = "no_agent_ticket"
		}
		if err != nil && data.Problem == "" {
			return err
		}
		if err == nil {
			data.Finding = &finding
		}
	}
	if data.Problem != "" {
		status = http.StatusUnprocessableEntity
	}
	data.Case.Ticket = "" // is looked at, and never shown
	data.Paste = withoutTicket(data.Paste)
	return p.render(c, status, "checker", data)
}

// readCheck reads the form: the fields, and what a pasted text says where a field
// is empty.
func readCheck(c *gin.Context) checkerData {
	field := func(name string) string { return strings.TrimSpace(c.Request.PostFormValue(name)) }
	data := checkerData{
		Paste: c.Request.PostFormValue("paste"),
		Case: signature.Case{AppID: field("account"), Kind: field("kind"), Signed: field("signed"), Used: signature.Used{
			URL: field("url"), NonceStr: field("nonce"), Timestamp: field("timestamp"), Signature: field("signature"),
		}},
	}
	if strings.TrimSpace(data.Paste) != "" {
		read, err := signature.ReadPaste(data.Paste)
		if err != nil {
			data.Problem = "nothing"
			return data
		}
		data.Case = data.Case.Over(read)
	}
	if data.Case.URL == "" {
		data.Case.URL = data.Case.Signed
	}
	if data.Case.URL == "" || data.Case.NonceStr == "" || data.Case.Timestamp == "" || data.Case.Signature == "" {
		data.Problem = "incomplete"
	}
	return data
}

// agentTicket signs wx.agentConfig.
const agentTicket = "agent_config"

// checkProblem is why nothing could be checked, "" for an error that is not about
// the case.
func checkProblem(err error) string {
	var bad *pageurl.Error
	switch {
	case errors.Is(err, signature.ErrAccountUnknown):
		return "account_unknown"
	case errors.Is(err, signature.ErrAccountAmbiguous):
		return "account_ambiguous"
	case errors.Is(err, signature.ErrDomainNotAllowed):
		return "domain"
	case errors.Is(err, signature.ErrAccountDisabled):
		return "disabled"
	case errors.Is(err, signature.ErrTicketNotConfigured):
		return "no_ticket"
	case errors.Is(err, signature.ErrTicketNotReady):
		return "not_ready"
	case errors.As(err, &bad):
		return "url"
	}
	return ""
}

// withoutTicket masks the ticket in a pasted string to sign, so that the page does
// not show it again.
func withoutTicket(text string) string {
	return ticketInText.ReplaceAllString(text, "${1}***")
}
