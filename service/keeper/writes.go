package keeper

import (
	"context"
	"errors"
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
	// slowAfter is the same where they were not refused but took longer than we
	// wait: a lock or a busy disk passes, and nothing is renewed until it does.
	slowAfter = 20 * time.Second
	// refusedFor is how long a refusal counts. Rows that are due are claimed with
	// every scan; without another refusal, somebody else has renewed them.
	refusedFor = 30 * time.Second
)

// note takes the outcome of a claim and reports whether it is news; after is how
// long such refusals must go on to be.
func (w *writes) note(refused bool, after time.Duration) (news bool) {
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
	if w.told || now.Sub(w.since) < after {
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
	after, slow := refusedAfter, errors.Is(cause, context.DeadlineExceeded)
	if slow {
		after = slowAfter
	}
	switch {
	case !k.writes.note(refused, after):
	case refused && slow:
		k.log.Warn("the database answers and carries out no writes in time, so nothing is renewed: does something lock its tables, or is its disk full or slow?",
			"err", cause)
	case refused:
		k.log.Warn("the database answers and takes no writes, so nothing is renewed: is it a read-only copy, or in the middle of a fail-over? "+
			"Lead wxsign to the primary, or end read_only there", "err", cause)
	default:
		k.log.Info("the database takes writes again")
	}
}
