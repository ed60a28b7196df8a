package schedule

import (
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
)

// week is after how long almost every spec begins anew.
const week = 7 * 24 * time.Hour

// LongestGap is the longest time between two runs of a spec that follow each other,
// of those in the week after the first run from now. Interval would take a job of
// working days for one of every day.
func LongestGap(spec string, now time.Time) (longest time.Duration, err error) {
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return 0, fmt.Errorf("cron spec %q: %w", spec, err)
	}
	run := schedule.Next(now.UTC())
	for end := run.Add(week); run.Before(end); {
		next := schedule.Next(run)
		if next.IsZero() {
			break // there is no run in the next five years
		}
		longest = max(longest, next.Sub(run))
		run = next
	}
	return longest, nil
}
