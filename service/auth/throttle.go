package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"

	"github.com/wxsign/wxsign/model"
)

// A name may be tried from one network freeTries times; then each further
// wrong password costs a pause, the first one firstPause, each twice as long
// as the one before, up to mostPause. Counts are forgotten after a success,
// and after a quiet time.
const (
	freeTries   = 5
	firstPause  = 15 * time.Minute
	mostPause   = 24 * time.Hour
	quietFew    = 15 * time.Minute
	quietMany   = 24 * time.Hour
	mostDoubles = 7 // firstPause doubled so often is beyond mostPause
)

// mostCountRaces bounds the repetitions where tries come at the same instant.
const mostCountRaces = 20

// takeTry counts a try before its password is looked at, so that no number of
// tries at once gets more hashes than the rule grants. It fails with
// *ThrottledError.
func (a *Auth) takeTry(ctx context.Context, nameHash, network string) error {
	for range mostCountRaces {
		was, nowMs, err := a.store.Throttled(ctx, nameHash, network)
		if err != nil {
			return err
		}
		if forgotten := was.Tries > 0 && was.ForgetMs <= nowMs; !forgotten && was.Tries >= freeTries && was.UntilMs > nowMs {
			return &ThrottledError{After: time.Duration(was.UntilMs-nowMs) * time.Millisecond}
		}
		counted, err := a.store.CountTry(ctx, was, nextTry(was, nowMs))
		if err != nil || counted {
			return err
		}
	}
	return &ThrottledError{After: time.Second}
}

// nextTry is the row after one more try at nowMs.
func nextTry(was model.Throttle, nowMs int64) model.Throttle {
	is := was
	if was.ForgetMs <= nowMs {
		is.Tries = 0
	}
	is.Tries++
	if is.Tries < freeTries {
		is.UntilMs, is.ForgetMs = nowMs, nowMs+quietFew.Milliseconds()
		return is
	}
	pause := min(firstPause<<min(is.Tries-freeTries, mostDoubles), mostPause)
	is.UntilMs = nowMs + pause.Milliseconds()
	is.ForgetMs = is.UntilMs + quietMany.Milliseconds()
	return is
}

// hashOfName is what the throttle knows a name by.
func hashOfName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// networkOf is what the throttle counts by: an IPv4 address, or the /64 of an
// IPv6 one, in which a household has as many addresses as it likes.
func networkOf(address string) string {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	prefix, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return prefix.String()
}
