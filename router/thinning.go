package router

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"
)

const (
	// signingSample: of so many successful signing requests one is logged.
	signingSample = 100
	// lineBurst lines of one kind are logged at once, and linesPerSecond of them
	// after that: who is attacked, or out of tickets at noon, wants to read that, and
	// does not want a disk full of it. The same holds for a server that asks for its
	// token before each of its own calls.
	lineBurst      = 100
	linesPerSecond = 10
	// mostErrcodes are told apart. The errcode of a relayed answer may be one that a
	// caller has written into a file and downloads.
	mostErrcodes = 1000
)

// okCode is what handler.Code says of a request without an error.
const okCode = "ok"

// errcodePrefix begins the codes that are not ours.
const errcodePrefix = "errcode_"

// thinning keeps the lines of the access log few. What failed and what went well
// are never counted together: visitors, however many, hide no failure.
type thinning struct {
	signed   atomic.Uint64
	failures sync.Map // kindOfLine → *thinned
	errcodes atomic.Int64
	answers  *goodLines
}

func newThinning() *thinning { return &thinning{answers: newGoodLines()} }

// kindOfLine is what lines have in common that may stand for one another.
type kindOfLine struct {
	route, code string
	status      int
}

// thinned are the lines of one kind.
type thinned struct {
	lines   *rate.Limiter
	skipped atomic.Int64
}

func newThinned() *thinned { return &thinned{lines: rate.NewLimiter(linesPerSecond, lineBurst)} }

// take reports whether a line is written, and for how many it stands: for itself and
// for those of its kind that were not since the last.
func (t *thinned) take() (sample int64, logged bool) {
	if !t.lines.Allow() {
		t.skipped.Add(1)
		return 0, false
	}
	return 1 + t.skipped.Swap(0), true
}

// takeSigned reports whether a successful signature is one of those that get a line.
func (t *thinning) takeSigned() bool { return t.signed.Add(1)%signingSample == 1 }

// wentWell tells good answers; Tencent's errors have status 200.
func (k kindOfLine) wentWell() bool { return k.status < http.StatusBadRequest && k.code == okCode }

// take reports whether a request gets a line, and for how many it stands. Of the
// signatures those come here that takeSigned has chosen. client counts where the
// request went well: a program that asks all day must not hide another one that
// asks once. Who is refused may come from everywhere.
func (t *thinning) take(kind kindOfLine, client netip.Addr) (sample int64, logged bool) {
	switch {
	case !kind.wentWell():
		return t.failure(kind).take()
	case kind.route == signingRoute && kind.status == http.StatusOK:
		return signingSample, true
	}
	return t.answers.take(kind.route, kind.status, client)
}

// failure finds the lines of a kind. Routes, statuses and our own codes are few and
// each has its kind for good, so that the first 503 of a route is seen whatever else
// goes on; only errcodes beyond the most are one with others of their route and status.
func (t *thinning) failure(kind kindOfLine) *thinned {
	found, there := t.failures.Load(kind)
	if !there {
		if strings.HasPrefix(kind.code, errcodePrefix) && t.errcodes.Add(1) > mostErrcodes {
			kind.code = errcodePrefix
		}
		found, _ = t.failures.LoadOrStore(kind, newThinned())
	}
	lines, _ := found.(*thinned)
	return lines
}
