package keeper_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// A restart in the middle of a period costs no call: what is known of a value is
// stored with it. Of the first ticket on an empty database nobody knows how old it
// is, so this is about the second.
func TestRestartCostsNoCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{accounts: 3})
		one := w.start("one", nil)
		w.watch(150*time.Minute, time.Minute, one)
		before := w.calls()
		one.stop()
		time.Sleep(time.Minute)
		two := w.start("two", nil)
		w.watch(70*time.Minute, time.Minute, two)
		if after := w.calls(); after[ticketPath] != before[ticketPath] || after[stablePath] != before[stablePath] {
			t.Errorf("calls before the restart %v, then %v", before, after)
		}
	})
}
