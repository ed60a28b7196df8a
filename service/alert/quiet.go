package alert

import (
	"fmt"
	"strings"
	"time"
)

// Quiet are hours of each day in which warnings wait; critical alerts never do.
// The zero Quiet is never.
type Quiet struct{ from, to int } // minutes of the day; equal = never

// ParseQuiet reads hours as in "22:00-08:00"; "" is never.
func ParseQuiet(text string) (Quiet, error) {
	if text == "" {
		return Quiet{}, nil
	}
	begin, end, ok := strings.Cut(text, "-")
	from, err1 := time.Parse("15:04", strings.TrimSpace(begin))
	to, err2 := time.Parse("15:04", strings.TrimSpace(end))
	if !ok || err1 != nil || err2 != nil || from.Equal(to) {
		return Quiet{}, fmt.Errorf("quiet hours %q: write them as in \"22:00-08:00\"", text)
	}
	return Quiet{minute(from), minute(to)}, nil
}

func minute(t time.Time) int { return t.Hour()*60 + t.Minute() }

// At reports whether warnings wait at t, by t's time zone.
func (q Quiet) At(t time.Time) bool {
	now := minute(t)
	if q.from <= q.to {
		return q.from <= now && now < q.to
	}
	return now >= q.from || now < q.to
}
