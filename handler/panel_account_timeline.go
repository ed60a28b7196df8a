package handler

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/history"
)

// timelineJSON is the chart of an account, as timeline.js reads it. Instants are
// Unix milliseconds.
type timelineJSON struct {
	From     int64        `json:"from"`
	To       int64        `json:"to"`
	Begin    int64        `json:"begin"`  // before it there is too much to be shown
	Offset   int          `json:"offset"` // of the panel's time zone, in seconds
	Outcomes []wordJSON   `json:"outcomes"`
	Triggers []wordJSON   `json:"triggers"`
	Lanes    []lanesJSON  `json:"lanes"`
	Words    timelineText `json:"words"`
}

type wordJSON struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

type timelineText struct {
	Live    string `json:"live"`
	Errcode string `json:"errcode"`
}

type lanesJSON struct {
	Kind  string     `json:"kind"`
	Text  string     `json:"text"`
	Lives [][2]int64 `json:"lives"`
	// Moments are [at, outcome, trigger, errcode, latency in ms, version, how many];
	// outcome and trigger by their place in the lists above.
	Moments [][7]int64 `json:"moments"`
}

// Timeline answers GET /admin/accounts/{app_id}/timeline?span=24h.
func (p *Panel) Timeline(c *gin.Context) error {
	ctx, appID := c.Request.Context(), c.Param("app_id")
	state, _, found, err := p.options.History.AccountOf(ctx, appID)
	if err != nil {
		return err
	}
	if !found {
		return ErrNotFound
	}
	kinds := accountData{State: state}.kinds()
	t, err := p.options.History.Timeline(ctx, appID, kinds, history.SpanNamed(c.Query("span")), p.options.Location)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, p.timelineJSON(panelView{panel: p, text: p.text(c)}, t))
	return nil
}

func (p *Panel) timelineJSON(v panelView, t history.Timeline) timelineJSON {
	_, offset := t.To.In(p.options.Location).Zone()
	j := timelineJSON{
		From: t.From.UnixMilli(), To: t.To.UnixMilli(), Begin: t.From.UnixMilli(), Offset: offset,
		Outcomes: v.words("outcome.", history.Outcomes()), Triggers: v.words("trigger.", history.Triggers()),
		Words: timelineText{Live: v.optional("timeline.live", ""), Errcode: "errcode"},
	}
	if !t.Cut.IsZero() {
		j.Begin = t.Cut.UnixMilli()
	}
	for _, lane := range t.Lanes {
		l := lanesJSON{Kind: lane.Kind, Text: v.KindText(lane.Kind), Lives: [][2]int64{}, Moments: make([][7]int64, 0, len(lane.Moments))}
		for _, life := range lane.Lives {
			l.Lives = append(l.Lives, [2]int64{life.From.UnixMilli(), life.To.UnixMilli()})
		}
		for _, m := range lane.Moments {
			l.Moments = append(l.Moments, [7]int64{
				m.At.UnixMilli(), int64(slices.Index(history.Outcomes(), m.Outcome)), int64(slices.Index(history.Triggers(), m.Trigger)),
				int64(m.Errcode), m.Latency.Milliseconds(), m.Version, int64(m.Count),
			})
		}
		j.Lanes = append(j.Lanes, l)
	}
	return j
}

// words are texts with their names.
func (v panelView) words(prefix string, names []string) []wordJSON {
	list := make([]wordJSON, len(names))
	for i, name := range names {
		list[i] = wordJSON{Name: name, Text: v.optional(prefix+name, name)}
	}
	return list
}

// Long is a time in its two largest units, at least a minute where there is any.
func (v panelView) Long(d time.Duration) (string, error) {
	minutes := int64((d + time.Minute - 1) / time.Minute)
	switch {
	case minutes < 60:
		return v.T("long.minutes", minutes)
	case minutes < 48*60:
		return v.T("long.hours", minutes/60, minutes%60)
	}
	return v.T("long.days", minutes/60/24, minutes/60%24)
}

// SlotTime is when a part of a timeline was: its hour, its day, or its days.
func (v panelView) SlotTime(s history.Slot) string {
	from, to := s.From.In(v.panel.options.Location), s.To.In(v.panel.options.Location)
	switch long := to.Sub(from); {
	case long <= time.Hour:
		return from.Format("01-02 15:04")
	case long <= 25*time.Hour:
		return from.Format("01-02")
	}
	return from.Format("01-02") + " – " + to.Add(-time.Second).Format("01-02")
}
