package simulator

import (
	"maps"
	"strconv"
	"time"
)

// every stands for all accounts or all paths in the totals.
const every = "*"

// entry is one call in the ledger. It never holds a value, only its SHA-256.
type entry struct {
	Seq      int64         `json:"seq"`
	Time     time.Time     `json:"time"`
	TookMS   int64         `json:"took_ms"`
	Method   string        `json:"method"`
	Path     string        `json:"path"`
	AppID    string        `json:"app_id"` // "" = no account of the simulator
	IP       string        `json:"ip"`
	Done     bool          `json:"done"`      // false while the call is in flight
	Effect   bool          `json:"effect"`    // WeChat worked on it; false where a fault came first
	Errcode  int           `json:"errcode"`   // what WeChat decided or a fault pretended
	RID      string        `json:"rid"`       // of an error
	Fault    string        `json:"fault"`     // mode of the fault that was played, "" = none
	Force    bool          `json:"force"`     // force_refresh was asked for
	InFlight int           `json:"in_flight"` // calls of this account and path at its start, itself included
	Issued   []issuedValue `json:"issued"`
	tallies  []*tally
}

// issuedValue is a token or ticket that a call was given.
type issuedValue struct {
	Kind      string    `json:"kind"`
	Chain     string    `json:"chain"`
	SHA256    string    `json:"sha256"`
	ExpiresAt time.Time `json:"expires_at"`
	Again     bool      `json:"again"` // an earlier call was given the same value
}

// tally is the sum of calls since the start; the ledger's bound does not trim it.
type tally struct {
	Calls        int            `json:"calls"`
	OK           int            `json:"ok"`
	Failed       int            `json:"failed"`
	Faults       int            `json:"faults"`
	Forced       int            `json:"forced"`
	Issued       int            `json:"issued"` // new values only
	Errcodes     map[string]int `json:"errcodes"`
	InFlight     int            `json:"in_flight"`
	InFlightPeak int            `json:"in_flight_peak"`
}

type tallyKey struct{ appID, path string }

// ledger is the bounded list of calls and the unbounded sums.
type ledger struct {
	size    int
	seq     int64
	entries []*entry
	paths   map[string]bool
	tallies map[tallyKey]*tally
}

func newLedger(size int) ledger {
	return ledger{size: size, paths: map[string]bool{}, tallies: map[tallyKey]*tally{}}
}

// open writes the line of a call that begins.
func (l *ledger) open(c *call, now time.Time, f *fault) *entry {
	l.seq++
	e := &entry{Seq: l.seq, Time: now, Method: c.method, Path: l.path(c.path), IP: c.peer.String(), Issued: []issuedValue{}}
	if c.account != nil {
		e.AppID = c.account.AppID
	}
	if f != nil {
		e.Fault = f.Mode
	}
	for _, key := range []tallyKey{{e.AppID, e.Path}, {every, e.Path}, {e.AppID, every}, {every, every}} {
		t := l.tally(key)
		t.Calls++
		t.InFlight++
		t.InFlightPeak = max(t.InFlightPeak, t.InFlight)
		if f != nil {
			t.Faults++
		}
		e.tallies = append(e.tallies, t)
	}
	e.InFlight = e.tallies[0].InFlight
	if len(l.entries) >= l.size {
		l.entries = l.entries[1:]
	}
	l.entries = append(l.entries, e)
	return e
}

// close ends the line and adds it to the sums.
func (l *ledger) close(e *entry, now time.Time) {
	e.Done, e.TookMS = true, now.Sub(e.Time).Milliseconds()
	for _, t := range e.tallies {
		t.InFlight--
		t.add(e)
	}
}

func (t *tally) add(e *entry) {
	switch {
	case e.Errcode != 0:
		t.Failed++
		t.Errcodes[strconv.Itoa(e.Errcode)]++
	case e.Effect:
		t.OK++
	}
	if e.Force {
		t.Forced++
	}
	for _, v := range e.Issued {
		if !v.Again {
			t.Issued++
		}
	}
}

func (l *ledger) tally(key tallyKey) *tally {
	t := l.tallies[key]
	if t == nil {
		t = &tally{Errcodes: map[string]int{}}
		l.tallies[key] = t
	}
	return t
}

// path names a call's path in the ledger; past maxUsagePaths different ones
// they are put together, since callers choose them.
func (l *ledger) path(path string) string {
	if !l.paths[path] && len(l.paths) >= maxUsagePaths {
		return otherPaths
	}
	l.paths[path] = true
	return path
}

func (e *entry) succeed() { e.Effect, e.Errcode = true, 0 }

func (e *entry) refuse(code int, rid string) { e.Effect, e.Errcode, e.RID = true, code, rid }

func (e *entry) hand(v *value) {
	e.Issued = append(e.Issued, issuedValue{Kind: v.kind, Chain: v.chain, SHA256: v.sha256, ExpiresAt: v.expires, Again: v.handed > 0})
	v.handed++
}

// ledgerView is the answer of GET /_sim/ledger.
type ledgerView struct {
	LastSeq int64            `json:"last_seq"`
	Calls   []entry          `json:"calls"`
	Totals  map[string]tally `json:"totals"` // per path
	All     tally            `json:"all"`    // all paths together
}

type ledgerQuery struct {
	appID, path string
	since       int64 // calls with a greater seq
}

func (l *ledger) view(q ledgerQuery) ledgerView {
	view := ledgerView{LastSeq: l.seq, Calls: []entry{}, Totals: map[string]tally{}}
	for _, e := range l.entries {
		if e.Seq > q.since && (q.appID == "" || q.appID == e.AppID) && (q.path == "" || q.path == e.Path) {
			view.Calls = append(view.Calls, e.copy())
		}
	}
	appID := orDefault(q.appID, every)
	for key, t := range l.tallies {
		if key.appID == appID && key.path != every && (q.path == "" || q.path == key.path) {
			view.Totals[key.path] = t.copy()
		}
	}
	view.All = l.tally(tallyKey{appID, every}).copy()
	return view
}

func (e *entry) copy() entry {
	c := *e
	c.Issued = append([]issuedValue{}, e.Issued...)
	return c
}

func (t *tally) copy() tally {
	c := *t
	c.Errcodes = maps.Clone(t.Errcodes)
	return c
}
