package keeper

import (
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/service/snapshot"
)

// health remembers since when the database cannot be reached, and since when
// it can again.
type health struct {
	downSince, backSince atomic.Pointer[time.Time]
}

// database notes the outcome of a statement. It reports whether that is news,
// and of an outage that is over how long it took.
func (h *health) database(err error) (turned bool, away time.Duration) {
	now := time.Now()
	if err != nil {
		return h.downSince.CompareAndSwap(nil, &now), 0
	}
	since := h.downSince.Swap(nil)
	if since == nil {
		return false, 0
	}
	h.backSince.Store(&now)
	return true, now.Sub(*since)
}

// backFor is how long the database has been back after it was away; the second
// result is false where it never was.
func (h *health) backFor() (time.Duration, bool) {
	since := h.backSince.Load()
	if since == nil {
		return 0, false
	}
	return time.Since(*since), true
}

// The codes of Status.Codes: what is not as it should be.
const (
	CodeStarting           = "starting"              // stored credentials are not loaded yet
	CodeStopping           = "stopping"              // the process is about to end
	CodeDatabaseDown       = "database_down"         // served from memory
	CodeDatabaseReadOnly   = "database_read_only"    // it answers and takes no writes: nothing is renewed
	CodeSnapshotFile       = "snapshot_file"         // since the start, from the file of an earlier process
	CodeTicketNotReady     = "ticket_not_ready"      // an account cannot be signed for
	CodeRenewalsFailing    = "renewals_failing"      // the newest attempt of a credential failed
	CodeNothingCanBeSigned = "nothing_can_be_signed" // accounts exist and none can be signed for
)

// Status is how this replica is.
type Status struct {
	Ready    bool
	Degraded bool
	Codes    []string
	Accounts int // enabled ones
	Signable int // of those that keep a jsapi ticket: with a live one
	Signing  int // those that keep a jsapi ticket
	Failing  int // accounts with a credential whose newest attempt failed
	// DatabaseDown is how long the database has been away, 0 if it is there.
	DatabaseDown time.Duration
}

// Status looks at everything that is served now.
func (k *Keeper) Status() Status {
	s := Status{}
	now := time.Now()
	for view := range k.table.All() {
		if view.Account.Enabled {
			s.count(view, now)
		}
	}
	since := k.health.downSince.Load()
	if since != nil {
		s.DatabaseDown = now.Sub(*since)
	}
	blind := s.Signing > 0 && s.Signable == 0
	fromFile := k.restored.Load() && !k.loaded.Load()
	s.note(!k.loaded.Load() && !fromFile, CodeStarting)
	s.note(k.working.Err() != nil, CodeStopping)
	s.note(blind, CodeNothingCanBeSigned)
	s.Ready = len(s.Codes) == 0
	s.note(since != nil, CodeDatabaseDown)
	s.note(since == nil && k.writes.refused(), CodeDatabaseReadOnly)
	s.note(fromFile, CodeSnapshotFile)
	s.note(s.Signable < s.Signing, CodeTicketNotReady)
	s.note(s.Failing > 0, CodeRenewalsFailing)
	s.Degraded = len(s.Codes) > 0
	return s
}

func (s *Status) count(view *snapshot.View, now time.Time) {
	s.Accounts++
	if view.Keeps(snapshot.KindJSAPI) {
		s.Signing++
		if ticket, found := view.Credential(snapshot.KindJSAPI); found && ticket.Live(now) {
			s.Signable++
		}
	}
	if view.Failing() {
		s.Failing++
	}
}

func (s *Status) note(is bool, code string) {
	if is {
		s.Codes = append(s.Codes, code)
	}
}
