package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Modes of a fault.
const (
	modeSlow    = "slow"    // the true answer, after delay
	modeHang    = "hang"    // no answer until the client goes (or delay is over: cut)
	modeCut     = "cut"     // half of the answer, then the connection breaks
	modeGarbage = "garbage" // random bytes
	modeHTML    = "html"    // an HTML page with HTTP 200, as from a captive portal
	modeEmpty   = "empty"   // HTTP 200 without a body
	modeStatus  = "status"  // an HTTP status (default 502)
	modeHuge    = "huge"    // a JSON string without end: 16 MiB
	modeGzip    = "gzip"    // says Content-Encoding: gzip, is not
	modeBody    = "body"    // a body of your own
	modeErrcode = "errcode" // an errcode in WeChat's shape
)

const maxDelay = 24 * time.Hour

// faultRequest is the body of POST /_sim/fault.
type faultRequest struct {
	Path    string `json:"path"`
	AppID   string `json:"app_id"`
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
	Mode    string `json:"mode"`
	Delay   string `json:"delay"`
	Status  int    `json:"status"`
	Body    string `json:"body"`
	Count   int    `json:"count"`
	Issue   bool   `json:"issue"`
}

// fault is an order to misbehave.
type fault struct {
	faultRequest
	delay time.Duration
}

// newFault checks a request; the error names every fault in it.
func newFault(q faultRequest) (*fault, error) {
	f := &fault{faultRequest: q}
	var wrong []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	refuse(q.Path != every && !strings.HasPrefix(q.Path, "/"), `path %q: give a path such as "/cgi-bin/token", or "*"`, q.Path)
	refuse(strings.HasPrefix(q.Path, "/_sim/"), "path %q: control routes have no faults", q.Path)
	if f.Mode == "" && q.Errcode != 0 {
		f.Mode = modeErrcode
	}
	modes := []string{modeSlow, modeHang, modeCut, modeGarbage, modeHTML, modeEmpty, modeStatus, modeHuge, modeGzip, modeBody, modeErrcode}
	refuse(!slices.Contains(modes, f.Mode), `mode %q: give "errcode", or one of the modes %s`, f.Mode, strings.Join(modes, ", "))
	refuse(f.Mode != modeErrcode && (q.Errcode != 0 || q.Errmsg != ""), "errcode and errmsg go without a mode")
	refuse(f.Mode == modeErrcode && q.Errcode == 0, "errcode: must not be 0")
	if q.Delay != "" {
		var err error
		f.delay, err = time.ParseDuration(q.Delay)
		refuse(err != nil || f.delay < 0 || f.delay > maxDelay, `delay %q: give a duration such as "2s", at most %s`, q.Delay, maxDelay)
	}
	refuse(f.Mode == modeSlow && q.Delay == "", "delay: slow needs one")
	refuse(q.Status != 0 && (q.Status < 200 || q.Status > 599), "status %d: must be 200 to 599", q.Status)
	refuse(q.Status == http.StatusNoContent || q.Status == http.StatusNotModified, "status %d: has no body; use the mode empty", q.Status)
	refuse(q.Status != 0 && f.Mode != modeStatus && f.Mode != modeBody, "status: goes with the modes status and body")
	refuse(q.Body != "" && f.Mode != modeStatus && f.Mode != modeBody, "body: goes with the modes status and body")
	refuse(q.Count < -1, "count %d: give how many calls, or -1 for all until cleared", q.Count)
	f.Count = orDefault(f.Count, 1)
	return f, errors.Join(wrong...)
}

func (f *fault) matches(c *call) bool {
	return (f.Path == every || f.Path == c.path) &&
		(f.AppID == "" || (c.account != nil && c.account.AppID == f.AppID))
}

// takeFault finds the oldest fault that waits for this call and uses it up by
// one. s.mu must be held.
func (s *Simulator) takeFault(c *call) *fault {
	i := slices.IndexFunc(s.faults, func(f *fault) bool { return f.matches(c) })
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	if f.Count > 0 {
		f.Count--
	}
	if f.Count == 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return f
}
