package keeper

import (
	"sync"
	"time"
)

// writes notices a database that answers and takes no writes: a copy that may
// only be read, or a primary that is about to be replaced. Reads work there, so
// nothing else would tell before values end.
type writes struct {
	mu    sync.Mutex
	since time.Time // of the first refused claim that no other has followed well; zero: none
	last  time.Time // of the newest one
	told  bool
}

const (
	// refusedAfter is how long claims are refused before that is told: one alone
	// was sent on a connection that broke.
	refusedAfter = 3 * time.Second
	// refusedFor is how long a refusal counts. Rows that are due are claimed with
	// every scan; without another refusal, somebody else has renewed them.
	refusedFor = 30 * time.Second
)

// note takes the outcome of a claim and reports whether it is news.
func (w *writes) note(refused bool) (news bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if !refused {
		news = w.told
		w.since, w.told = time.Time{}, false
		return news
	}
	if w.since.IsZero() || now.Sub(w.last) > refusedFor {
		w.since, w.told = now, false
	}
	w.last = now
	if w.told || now.Sub(w.since) < refusedAfter {
		return false
	}
	w.told = true
	return true
}

// refused reports whether the database takes no writes at present.
func (w *writes) refused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.told && time.Since(w.last) <= refusedFor
}

// noteWrite takes the outcome of a claim; cause is why it was refused.
func (k *Keeper) noteWrite(refused bool, cause error) {
	switch {
	case !k.writes.note(refused):
	case refused:
		k.log.Warn("the database answers and takes no writes, so nothing is renewed: is it a read-only copy, or in the middle of a fail-over? "+
			"Lead wxsign to the primary, or end read_only there", "err", cause)
	default:
		k.log.Info("the database takes writes again")
	}
}
