package simulator

import "time"

// shanghai is the zone of WeChat's days. China has had no summer time since
// 1991, so a fixed offset is right and needs no zone data.
const shanghaiOffset = 8 * time.Hour

const (
	maxUsagePaths = 1000 // paths counted one by one; the rest goes to otherPaths
	otherPaths    = "(other)"
)

// usage counts the calls of one account in its current day, minute and month.
type usage struct {
	dayNumber, minuteNumber int64
	monthName               string
	day, minute, month      map[string]int
}

func newUsage() usage {
	return usage{day: map[string]int{}, minute: map[string]int{}, month: map[string]int{}}
}

// roll empties the counts whose period is over.
func (u *usage) roll(now time.Time, resetHour int) {
	local := now.UTC().Add(shanghaiOffset)
	day := local.Add(-time.Duration(resetHour)*time.Hour).Unix() / (24 * 60 * 60)
	if day != u.dayNumber {
		u.dayNumber = day
		clear(u.day)
	}
	if minute := now.Unix() / 60; minute != u.minuteNumber {
		u.minuteNumber = minute
		clear(u.minute)
	}
	if month := local.Format("2006-01"); month != u.monthName {
		u.monthName = month
		clear(u.month)
	}
}

// limit is what one path may be called, per day and per minute; negative = no limit.
type limit struct{ day, minute int }

// spend counts a call, or answers the errcode of the limit that it would pass.
// Calls that are refused do not count.
func (u *usage) spend(path string, l limit) error {
	if l.minute >= 0 && u.minute[path] >= l.minute {
		return fail(45011)
	}
	if l.day >= 0 && u.day[path] >= l.day {
		return fail(45009)
	}
	u.count(path)
	return nil
}

func (u *usage) count(path string) {
	if _, known := u.day[path]; !known && len(u.day) >= maxUsagePaths {
		path = otherPaths
	}
	u.day[path]++
	u.minute[path]++
}

// spendMonth counts one of the resets that a month allows.
func (u *usage) spendMonth(what string, most int) error {
	if u.month[what] >= most {
		return fail(48006)
	}
	u.month[what]++
	return nil
}

// limitOf is the limit of a path for an account; no limit for most.
func (s *Simulator) limitOf(a *account, path string) limit {
	l := s.options.Limits
	switch path {
	case pathToken:
		if a.Sandbox {
			return limit{day: l.SandboxDay, minute: l.TokenMinute}
		}
		return limit{day: l.TokenDay, minute: l.TokenMinute}
	case pathStable:
		return limit{day: l.StableDay, minute: l.StableMinute}
	case pathTicket:
		return limit{day: l.TicketDay, minute: l.TicketMinute}
	}
	return limit{day: -1, minute: -1}
}
