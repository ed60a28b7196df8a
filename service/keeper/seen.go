package keeper

import (
	"context"
	"maps"
	"time"
)

const (
	// seenGap is the time between two probes of an account's token for what was
	// seen here, whatever the number of replicas.
	seenGap = 3 * time.Second
	// refutedFor is how long a path is not believed that called a living token
	// dead: 40001 has other causes.
	refutedFor = 5 * time.Minute
	// mostRefuted bounds the memory of such paths. With more of them, none is
	// believed.
	mostRefuted = 1024
	// longestPath is as much of a path as is looked at.
	longestPath = 256
)

// sight is what the answers of one path say of one value.
type sight struct{ appID, path, hash string }

// judge settles a report of the value that memory holds, once for all callers of
// this replica.
//
// The relay sees a token die the moment it happens, and WeChat's word that it
// lived a few seconds before is no answer to that: WeChat is asked again, so that
// no call fails for a token that died between two probes. It is asked, rather
// than taken at the word of one path, because a force refresh of a living token
// would break every program that has it, and there are 20 a day; and the answer
// may be a file that a caller has uploaded. A path that was
// wrong is then worth no more than any caller, so a call that always fails with
// 40001 costs one probe per value in 5 minutes and nothing else.
func (k *Keeper) judge(ctx context.Context, at place, r Report) (string, error) {
	seen := sight{r.AppID, r.SeenAt[:min(len(r.SeenAt), longestPath)], r.SHA256}
	if r.SeenAt == "" || !k.believes(seen) {
		r.SeenAt = ""
		return k.await(ctx, caseKey{at, r.SHA256}, func(ctx context.Context) (string, error) { return k.settleReport(ctx, r) })
	}
	result, err := k.await(ctx, caseKey{at, "seen " + r.SHA256}, func(ctx context.Context) (string, error) { return k.settleReport(ctx, r) })
	if err == nil && result == ResultAlive {
		k.refute(seen)
	}
	return result, err
}

// believes reports whether a path has not been wrong about this value of late.
func (k *Keeper) believes(s sight) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.refuted) >= mostRefuted {
		maps.DeleteFunc(k.refuted, func(_ sight, until time.Time) bool { return time.Now().After(until) })
	}
	until, refuted := k.refuted[s]
	if !refuted {
		return len(k.refuted) < mostRefuted
	}
	return time.Now().After(until)
}

// refute remembers that a path called a living token dead.
func (k *Keeper) refute(s sight) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refuted[s] = time.Now().Add(refutedFor)
}
