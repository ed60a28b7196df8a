package handler

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/alert"
)

const alertsPath = "/alerts"

// Alerts is what the panel asks about alerts; *alert.Alerts is one.
type Alerts interface {
	Counts() (open, unacked int)
	Page(ctx context.Context, lang, place string) (alert.Page, error)
	Receivers() []alert.ReceiverInfo
	Acknowledge(ctx context.Context, id int64, by alert.Actor, note string) error
	SendTest(ctx context.Context, receiver string, by alert.Actor) error
}

// alertsData is what alerts.html shows.
type alertsData struct {
	Page      alert.Page
	Receivers []alert.ReceiverInfo
	Place     string
	Next      string // address of the page after this one, "" = there is none
	Done      string // key of a text below alerts.done., "" = nothing was done
	Problem   string // key of a text below alerts.problem., "" = none
	Refused   string // what a receiver said to a test message
}

// AlertList answers GET /admin/alerts.
func (p *Panel) AlertList(c *gin.Context) error {
	done := c.Query("done")
	if done != "acknowledged" && done != "sent" {
		done = ""
	}
	return p.showAlerts(c, http.StatusOK, alertsData{Place: c.Query("before"), Done: done})
}

func (p *Panel) showAlerts(c *gin.Context, status int, data alertsData) (err error) {
	if data.Page, err = p.options.Alerts.Page(c.Request.Context(), p.text(c).name, data.Place); err != nil {
		return err
	}
	if data.Page.Next != "" {
		data.Next = withQuery(panelPath+alertsPath, "before", data.Page.Next)
	}
	if c.Request.Method == http.MethodPost { // a form is answered with this page
		c.Set(panelHere, panelPath+alertsPath)
	}
	data.Receivers = p.options.Alerts.Receivers()
	return p.render(c, status, "alerts", data)
}

// AcknowledgeAlert answers POST /admin/alerts/:id.
func (p *Panel) AcknowledgeAlert(c *gin.Context) error {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return ErrNotFound
	}
	if err := readForm(c); err != nil {
		return err
	}
	err = p.options.Alerts.Acknowledge(c.Request.Context(), id, p.alertActor(c), c.Request.PostFormValue("note"))
	if errors.Is(err, alert.ErrOver) {
		return p.showAlerts(c, http.StatusConflict, alertsData{Problem: "over"})
	}
	if err != nil {
		return err
	}
	return seeOther(c, withQuery(panelPath+alertsPath, "done", "acknowledged"))
}

// TestAlert answers POST /admin/alert-test.
func (p *Panel) TestAlert(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	err := p.options.Alerts.SendTest(c.Request.Context(), c.Request.PostFormValue("receiver"), p.alertActor(c))
	refused, is := errors.AsType[*alert.RefusedError](err)
	switch {
	case errors.Is(err, alert.ErrNoReceiver):
		return p.showAlerts(c, http.StatusUnprocessableEntity, alertsData{Problem: "receiver"})
	case is:
		return p.showAlerts(c, http.StatusBadGateway, alertsData{Problem: "refused", Refused: refused.Error()})
	case err != nil:
		return err
	}
	return seeOther(c, withQuery(panelPath+alertsPath, "done", "sent"))
}

func (p *Panel) alertActor(c *gin.Context) alert.Actor {
	session, _ := sessionOf(c)
	visit := p.visit(c)
	return alert.Actor{Name: session.Person.Name, Address: visit.Address, RequestID: visit.RequestID}
}

// Badge is the number beside an entry of the bar, 0 = none.
func (v panelView) Badge(page string) int {
	if page != "alerts" {
		return 0
	}
	open, _ := v.panel.options.Alerts.Counts()
	return open
}

// AlertAddress is where an alert is acknowledged.
func (v panelView) AlertAddress(id int64) string {
	return panelPath + alertsPath + "/" + strconv.FormatInt(id, 10)
}
