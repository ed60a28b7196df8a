package handler_test

import (
	"testing"
	"time"

	"github.com/wxsign/wxsign/handler"
)

// Only what cannot be the time of the question itself counts as a difference.
func TestClockAhead(t *testing.T) {
	t.Parallel()
	before := time.Unix(1_800_000_000, 0)
	after := before.Add(5 * time.Second)
	for database, want := range map[time.Duration]time.Duration{
		-3 * time.Second: 3 * time.Second, 0: 0, 4 * time.Second: 0, 5 * time.Second: 0, 9 * time.Second: -4 * time.Second,
	} {
		if got := handler.ClockAhead(before.Add(database), before, after); got != want {
			t.Errorf("the database at %s of 5 s: %s ahead, want %s", database, got, want)
		}
	}
}
