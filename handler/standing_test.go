package handler_test

import (
	"strconv"
	"testing"

	"github.com/wxsign/wxsign/handler"
)

// Regression: the places for polls that cannot be parked were one pool, and the
// holder of one key could take all of them.
func TestStandingPollsArePerKey(t *testing.T) {
	t.Parallel()
	const most, perKey = 2000, 500
	var s handler.Standing
	enter := func(key string) (entered int) {
		for entered < 10_000 && s.Enter(key) {
			entered++
		}
		return entered
	}
	for key := range most / perKey {
		if got := enter(strconv.Itoa(key)); got != perKey {
			t.Fatalf("key %d got %d places, want %d", key, got, perKey)
		}
	}
	if got := enter("late"); got != 0 {
		t.Errorf("%d more than %d got in", got, most)
	}
	for range 10 {
		s.Leave("0")
	}
	if got := enter("1"); got != 0 {
		t.Errorf("a key got %d places of another beyond its own", got)
	}
	if got := enter("late"); got != 10 {
		t.Errorf("%d of the 10 places that were left were taken", got)
	}
}
