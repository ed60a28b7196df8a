package schedule_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/schedule"
)

func TestLongestGap(t *testing.T) {
	t.Parallel()
	sunday := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for spec, want := range map[string]time.Duration{
		"@every 5s":        5 * time.Second,
		"* * * * *":        time.Minute,
		"17 3 * * *":       day,
		"0 3 * * 1-5":      3 * day, // over the weekend
		"*/10 3 * * 1-5":   2*day + 23*time.Hour + 10*time.Minute,
		"0 3 * * 1":        7 * day,
		"0 3 1 * *":        31 * day, // December
		"0 0 30 2 *":       0,        // never
		"0 1,2,3,22 * * *": 19 * time.Hour,
	} {
		for hours := 0; hours < 48; hours += 6 { // whenever it is asked
			now := sunday.Add(time.Duration(hours) * time.Hour)
			if got, err := schedule.LongestGap(spec, now); err != nil || got != want {
				t.Errorf("LongestGap(%q) at %s = %v, %v; want %v", spec, now, got, err, want)
			}
		}
	}
	if _, err := schedule.LongestGap("nonsense", sunday); err == nil {
		t.Error("nonsense has a gap")
	}
}
