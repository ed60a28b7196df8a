package keeper

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/wxsign/wxsign/service/wechat"
)

const (
	firstBackoff = 2 * time.Second
	mostBackoff  = time.Minute
	leastBackoff = time.Second
	// quota windows of WeChat: a minute, and a day that begins in Beijing.
	minuteQuotaWait = time.Minute
	afterMidnight   = 5 * time.Minute
	// what only a person can mend is tried again now and then: an address
	// that was added to the whitelist works without anyone telling us.
	firstHumanWait = 5 * time.Minute
	mostHumanWait  = 30 * time.Minute
	leastHumanWait = 30 * time.Second
)

// backoff is how long to leave WeChat alone after an error, the failed-th in a
// row (0 for the first), at a database time. Random, so that replicas and
// accounts that failed together do not come back together.
func backoff(err error, failed int, nowMs int64) time.Duration {
	switch wechat.ClassOf(err) {
	case wechat.MinuteQuota:
		return minuteQuotaWait + upTo(minuteQuotaWait/4)
	case wechat.DayQuota:
		return untilBeijingMidnight(nowMs) + upTo(afterMidnight)
	case wechat.NeedsHuman:
		wait := min(doubled(firstHumanWait, failed), mostHumanWait)
		return max(wait+upTo(wait/10), pauseOf(err))
	case wechat.Transient, wechat.TokenDead:
	}
	return max(leastBackoff, upTo(min(doubled(firstBackoff, failed), mostBackoff)))
}

// untilTheEnd shortens a back-off while a value lives: the nearer its end, the
// more often we ask, so that the time that is left is never slept away.
func untilTheEnd(wait time.Duration, leftMs int64) time.Duration {
	if leftMs <= 0 {
		return wait
	}
	return min(wait, max(leastBackoff, time.Duration(leftMs)*time.Millisecond/2))
}

// aroundTheEnd bounds the wait for a person by the end of the value, now or in the
// past. While it lives the tries come closer, so that who mends the cause in time
// rarely sees it end: some five calls more. After the end, when pages wait, the
// pauses begin again, at 5 minutes, however many tries there were before.
func aroundTheEnd(wait time.Duration, leftMs int64) time.Duration {
	if leftMs > 0 {
		return min(wait, max(leastHumanWait, untilTheEnd(wait, leftMs)))
	}
	wait = min(max(firstHumanWait, time.Duration(-leftMs)*time.Millisecond), mostHumanWait)
	return wait + upTo(wait/10)
}

// forceBackoff is how long to wait where the token stays dead: WeChat takes one
// force refresh in 30 s, and asking on all day does not bring it back.
func forceBackoff(failed int) time.Duration {
	wait := min(doubled(forceGap, failed), mostHumanWait)
	return wait + upTo(wait/4)
}

func doubled(d time.Duration, times int) time.Duration {
	return d << min(times, 16)
}

// upTo is a random time from 0 to d.
func upTo(d time.Duration) time.Duration {
	return rand.N(d + 1) //nolint:gosec // spreads replicas apart; nothing to guess
}

// pauseOf is the pause that WeChat's own errcode names.
func pauseOf(err error) time.Duration {
	if e, ok := errors.AsType[*wechat.Error](err); ok {
		return e.Pause()
	}
	return 0
}
