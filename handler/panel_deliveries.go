package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/outbox"
)

const deliveriesPath = "/deliveries"

var deliveryFields = []string{"receiver", "state"}

// Deliveries is what the panel asks about messages on their way; *outbox.Desk is
// one.
type Deliveries interface {
	Receivers() []outbox.Receiver
	Label(channel string) string
	Carried(channel string) bool
	Page(ctx context.Context, f outbox.Filter, place string) (outbox.Page, error)
	Entry(ctx context.Context, id int64) (outbox.Entry, error)
	SendAgain(ctx context.Context, id int64, by audit.Entry) error
	SendAllAgain(ctx context.Context, channel string, by audit.Entry) (count int64, more bool, err error)
}

// deliveriesData is what alerts_deliveries.html shows.
type deliveriesData struct {
	filterForm
	pager
	Page      outbox.Page
	States    []string
	Receivers []outbox.Receiver
	Filtered  bool
	Again     string // the receiver whose given-up messages can be sent again, "" = none
	Done      string // key of a text below deliveries.done., "" = nothing was done
	Problem   string // key of a text below deliveries.problem., "" = none
	Count     int64  // how many Done is about
}

// DeliveryList answers GET /admin/deliveries.
func (p *Panel) DeliveryList(c *gin.Context) error {
	form := readFilter(c.Request.URL.Query(), deliveryFields)
	return p.showDeliveries(c, http.StatusOK, deliveriesData{filterForm: form})
}

func (p *Panel) showDeliveries(c *gin.Context, status int, data deliveriesData) (err error) {
	data.States, data.Receivers = outbox.States(), p.options.Deliveries.Receivers()
	filter := outbox.Filter{Channel: data.Query["receiver"], State: data.oneOf("state", data.States)}
	data.Filtered = filter != outbox.Filter{}
	if len(data.Wrong) > 0 {
		return p.render(c, http.StatusUnprocessableEntity, "alerts_deliveries", data)
	}
	if p.options.Deliveries.Carried(filter.Channel) {
		data.Again = filter.Channel
	}
	place := c.Query("before")
	if data.Page, err = p.options.Deliveries.Page(c.Request.Context(), filter, place); err != nil {
		return err
	}
	data.pager = data.filterForm.pager(deliveriesPath, place, data.Page.Next)
	return p.render(c, status, "alerts_deliveries", data)
}

// AnyFailed reports whether the page has something that was given up.
func (d deliveriesData) AnyFailed() bool {
	return slices.ContainsFunc(d.Page.Entries, func(e outbox.Entry) bool { return e.State == outbox.Failed })
}

// deliveryData is what alerts_delivery.html shows.
type deliveryData struct {
	Entry   outbox.Entry
	Body    string // as it is sent; JSON with its lines broken
	Carried bool
	Done    bool   // it has just been put on its way again
	Problem string // key of a text below deliveries.problem., "" = none
}

// OneDelivery answers GET /admin/deliveries/:id.
func (p *Panel) OneDelivery(c *gin.Context) error {
	return p.showDelivery(c, http.StatusOK, deliveryData{Done: c.Query("done") == "again"})
}

func (p *Panel) showDelivery(c *gin.Context, status int, data deliveryData) error {
	id, err := deliveryID(c)
	if err != nil {
		return err
	}
	if data.Entry, err = p.options.Deliveries.Entry(c.Request.Context(), id); err != nil {
		return err
	}
	data.Carried = p.options.Deliveries.Carried(data.Entry.Channel)
	data.Body = data.Entry.Body
	var lines bytes.Buffer
	if json.Indent(&lines, []byte(data.Body), "", "  ") == nil {
		data.Body = lines.String()
	}
	return p.render(c, status, "alerts_delivery", data)
}

func deliveryID(c *gin.Context) (int64, error) {
	id, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, ErrNotFound
	}
	return id, nil
}

// SendAgain answers POST /admin/deliveries/:id.
func (p *Panel) SendAgain(c *gin.Context) error {
	id, err := deliveryID(c)
	if err != nil {
		return err
	}
	if err := readForm(c); err != nil {
		return err
	}
	setHere(c, deliveryAddress(id), "", "")
	err = p.options.Deliveries.SendAgain(c.Request.Context(), id, p.by(c))
	switch {
	case errors.Is(err, outbox.ErrOnItsWay):
		return p.showDelivery(c, http.StatusConflict, deliveryData{Problem: "on_its_way"})
	case errors.Is(err, outbox.ErrUnknownChannel):
		return p.showDelivery(c, http.StatusConflict, deliveryData{Problem: "receiver"})
	case err != nil:
		return err
	}
	return seeOther(c, withQuery(deliveryAddress(id), "done", "again"))
}

// SendAllAgain answers POST /admin/deliveries: what was given up for one receiver
// goes out again.
func (p *Panel) SendAllAgain(c *gin.Context) error {
	if err := readForm(c); err != nil {
		return err
	}
	receiver := c.Request.PostFormValue("receiver")
	data := deliveriesData{filterForm: readFilter(map[string][]string{"receiver": {receiver}}, deliveryFields)}
	setHere(c, data.address(deliveriesPath, ""), "", "")
	count, more, err := p.options.Deliveries.SendAllAgain(c.Request.Context(), receiver, p.by(c))
	switch {
	case errors.Is(err, outbox.ErrUnknownChannel):
		data.Problem = "receiver"
		return p.showDeliveries(c, http.StatusConflict, data)
	case err != nil:
		return err
	}
	data.Done, data.Count = "all", count
	if more {
		data.Done = "more"
	}
	return p.showDeliveries(c, http.StatusOK, data)
}

func deliveryAddress(id int64) string {
	return panelPath + deliveriesPath + "/" + strconv.FormatInt(id, 10)
}

// DeliveryAddress is the address of one delivery.
func (v panelView) DeliveryAddress(id int64) string { return deliveryAddress(id) }

// ReceiverLabel is a channel as people know it.
func (v panelView) ReceiverLabel(channel string) string {
	return v.panel.options.Deliveries.Label(channel)
}

// EventText names the type of an event.
func (v panelView) EventText(event string) string { return v.optional("event."+event, event) }

// DeliveryMark is the colour of a delivery: one that waits after a failure is a
// warning.
func (v panelView) DeliveryMark(e outbox.Entry) string {
	switch {
	case e.State == outbox.Sent:
		return "ok"
	case e.State == outbox.Failed:
		return "failed"
	case e.LastError != "":
		return "warn"
	}
	return ""
}
