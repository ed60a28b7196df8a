package keeper

import "time"

// clock ties the database's clock to this process's monotonic one by a single
// reading. The database looked at its clock between before and after; both
// ends are kept, so that each use can err on its safe side.
type clock struct {
	nowMs  int64     // database clock, Unix milliseconds
	before time.Time // just before the reading was asked for
	after  time.Time // just after its answer came
}

// earliest is the database time at the instant t; it can only be too early, so
// lives that are counted from it end too early rather than too late.
func (c clock) earliest(t time.Time) int64 { return c.nowMs + t.Sub(c.after).Milliseconds() }

// deadline is the local instant of a database time; it can only be too early. The
// clock was read in whole milliseconds: it may have stood almost one later.
func (c clock) deadline(ms int64) time.Time {
	return c.before.Add(time.Duration(ms-c.nowMs-1) * time.Millisecond)
}

// reached is the local instant at which the database has surely reached ms.
func (c clock) reached(ms int64) time.Time {
	return c.after.Add(time.Duration(ms-c.nowMs) * time.Millisecond)
}

// beijing is where WeChat's days begin: China has had one time zone and no
// daylight saving since 1991.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// beijingDay is the day of a database time as yyyymmdd.
func beijingDay(ms int64) int {
	year, month, day := time.UnixMilli(ms).In(beijing).Date()
	return year*10000 + int(month)*100 + day
}

// untilBeijingMidnight is the time left of that day.
func untilBeijingMidnight(ms int64) time.Duration {
	t := time.UnixMilli(ms).In(beijing)
	year, month, day := t.Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, beijing).Sub(t)
}
