// Package purge deletes what is old: a chunk of rows at a time, with a rest after
// each (All), and the history on one replica at a time (history.go).
//
// Deleting as fast as the database can takes all of it: MariaDB used nearly two CPUs
// at 23,000 rows of history a second, and a server on the same machine signed 57
// pages in the time of 100. Nobody is in a hurry for the room of old rows.
package purge

import (
	"context"
	"time"
)

const (
	// restFor is how many times as long as it worked All rests: it works for less
	// than 5 % of the time. A database that has much else to do takes longer for a
	// chunk, and is left alone for longer.
	restFor = 20
	// longestRest has a slow database done some day, too: where a chunk takes a second
	// it still deletes 20 a minute.
	longestRest = 2 * time.Second
)

// All repeats a step, which deletes at most one chunk and tells how many rows went,
// until it deletes none. It tells how many rows went in all. The end of ctx ends it
// within a step, which is no error: the next run goes on.
func All(ctx context.Context, step func(ctx context.Context) (int64, error)) (deleted int64, err error) {
	for n := int64(1); err == nil && n > 0 && ctx.Err() == nil; {
		begin := time.Now()
		n, err = step(ctx)
		deleted += n
		if err == nil && n > 0 {
			rest(ctx, min(longestRest, restFor*time.Since(begin)))
		}
	}
	if ctx.Err() != nil {
		err = nil // it failed because of that
	}
	return deleted, err
}

// rest returns sooner where ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
