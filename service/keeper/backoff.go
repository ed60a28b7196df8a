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

func doubled(d time.Duration, times int) time.Duration {
	return d << min(times, 16)
}

func upTo(d time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(d) + 1))
}

// pauseOf is the pause that WeChat's own errcode names.
func pauseOf(err error) time.Duration {
	var e *wechat.Error
	if errors.As(err, &e) {
		return e.Pause()
	}
	return 0
}
