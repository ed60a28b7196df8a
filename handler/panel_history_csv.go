package handler

import (
	"encoding/csv"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/history"
)

// exportIdle is how long an export may stand still; it moves on at each chunk.
const exportIdle = 30 * time.Second

// byteOrderMark tells Excel that the file is UTF-8.
const byteOrderMark = "\uFEFF"

// exportColumns are fixed: programs read them.
var exportColumns = []string{
	"id", "time", "account", "kind", "version", "trigger", "actor", "outcome", "errcode",
	"errmsg", "mend", "rid", "latency_ms", "expires_at", "fingerprint",
}

// HistoryCSV answers GET /admin/history.csv with all rows of the filter, as a
// stream.
func (p *Panel) HistoryCSV(c *gin.Context) error {
	filter, form := p.historyFilter(c.Request.URL.Query())
	if len(form.Wrong) > 0 {
		return errForm
	}
	out := export{panel: p, c: c}
	if err := out.move(); err != nil {
		return err
	}
	err := p.options.History.Each(c.Request.Context(), filter, out.write)
	if err != nil && out.begun {
		slog.WarnContext(c.Request.Context(), "an export of the history broke off", "request_id", RequestID(c), "err", err)
		panic(http.ErrAbortHandler) // cuts the connection: half a file must not look like a whole one
	}
	return err
}

// export is a CSV file on its way.
type export struct {
	panel *Panel
	c     *gin.Context
	begun bool
}

// write sends a chunk of rows; the first one sends the head before it.
func (e *export) write(rows []history.Row) error {
	if err := e.move(); err != nil {
		return err
	}
	if !e.begun {
		e.begun = true
		if err := e.head(); err != nil {
			return err
		}
	}
	lines := csv.NewWriter(e.c.Writer)
	lines.UseCRLF = true // RFC 4180
	for _, row := range rows {
		if err := lines.Write(e.panel.exportLine(row)); err != nil {
			return err
		}
	}
	lines.Flush()
	if err := lines.Error(); err != nil {
		return err
	}
	return http.NewResponseController(e.c.Writer).Flush()
}

// move gives the connection more time. The deadline for reading counts too: when
// it passes, the server takes the browser for gone.
func (e *export) move() error {
	until := time.Now().Add(exportIdle)
	control := http.NewResponseController(e.c.Writer)
	return errors.Join(control.SetReadDeadline(until), control.SetWriteDeadline(until))
}

func (e *export) head() error {
	name := "wxsign-history-" + time.Now().In(e.panel.options.Location).Format("20060102-150405") + ".csv"
	e.c.Header("Content-Type", "text/csv; charset=utf-8")
	e.c.Header("Content-Disposition", `attachment; filename="`+name+`"`)
	e.c.Status(http.StatusOK)
	_, err := io.WriteString(e.c.Writer, byteOrderMark+strings.Join(exportColumns, ",")+"\r\n")
	return err
}

// exportLine is a row as the columns say, instants by the panel's time zone.
func (p *Panel) exportLine(r history.Row) []string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(p.options.Location).Format("2006-01-02T15:04:05.000Z07:00")
	}
	return []string{
		strconv.FormatInt(r.ID, 10), at(r.At), plainCell(r.Account), plainCell(r.Kind), strconv.FormatInt(r.Version, 10), plainCell(r.Trigger),
		plainCell(r.Actor), plainCell(r.Outcome), strconv.Itoa(r.Errcode), plainCell(r.Errmsg), plainCell(r.Mend), plainCell(r.RID),
		strconv.FormatInt(r.Latency.Milliseconds(), 10), at(r.Expires), plainCell(r.Fingerprint),
	}
}

// plainCell keeps spreadsheets from reading a text as a formula: what begins like
// one gets an apostrophe, which they do not show (OWASP, CSV Injection).
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}
