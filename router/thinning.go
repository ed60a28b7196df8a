package router

import (
	"net/http"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"
)

const (
	// signingSample: of so many successful signing requests one is logged.
	signingSample = 100
	// failureBurst lines of one kind of failure are logged at once, and
	// failuresPerSecond of them after that: who is attacked, or out of tickets at
	// noon, wants to read that, and does not want a disk full of it.
	failureBurst      = 100
	failuresPerSecond = 10
	// mostKinds of failures are told apart. The errcode of a relayed answer may be
	// one that a caller has written into a file and downloads.
	mostKinds = 1000
)

// okCode is what handler.Code says of a request without an error.
const okCode = "ok"

// thinning keeps the lines of the access log few.
type thinning struct {
	signed   atomic.Uint64
	failures sync.Map // kindOfLine → *thinned
	kinds    atomic.Int64
}

type kindOfLine struct {
	route, code string
	status      int
}

type thinned struct {
	lines   *rate.Limiter
	skipped atomic.Int64
}

// takeSigned reports whether a successful signature is one of those that get a line.
func (t *thinning) takeSigned() bool { return t.signed.Add(1)%signingSample == 1 }

// take reports whether a request gets a line, and for how many it stands: a
// failure for itself and for those of its kind that got none since the last.
func (t *thinning) take(kind kindOfLine) (sample int64, logged bool) {
	if kind.status < http.StatusBadRequest && kind.code == okCode { // Tencent's errors have status 200
		if kind.route == signingRoute && kind.status == http.StatusOK {
			return signingSample, true
		}
		return 1, true
	}
	found, there := t.failures.Load(kind)
	if !there {
		if t.kinds.Add(1) > mostKinds {
			kind = kindOfLine{} // all others are one kind
		}
		found, _ = t.failures.LoadOrStore(kind, &thinned{lines: rate.NewLimiter(failuresPerSecond, failureBurst)})
	}
	of, _ := found.(*thinned)
	if !of.lines.Allow() {
		of.skipped.Add(1)
		return 0, false
	}
	return 1 + of.skipped.Swap(0), true
}
