package handler

import (
	"time"

	"golang.org/x/time/rate"
)

const (
	// missesPerSecond and missesAtOnce bound what strangers ask the database for in
	// vain, from all addresses together: it has better to do than that.
	missesPerSecond = 200
	missesAtOnce    = 400
	// retryMissed is when to ask again where that was too much.
	retryMissed = time.Second
)

// misses counts look-ups that found nothing.
type misses struct{ left *rate.Limiter }

func newMisses() misses {
	return misses{left: rate.NewLimiter(missesPerSecond, missesAtOnce)}
}

// check fails while so many were in vain that nothing unknown is looked up.
func (m misses) check() error {
	if m.left.Tokens() < 1 {
		return &RetryLater{Err: ErrTooManyRequests, After: retryMissed}
	}
	return nil
}

// count counts one. Those that were under way together are all counted, however few
// were left: the next ones wait for it.
func (m misses) count() { m.left.Reserve() }
