package snapshotfile_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/snapshotfile"
)

// Regression: a machine whose clock nobody kept ran an hour ahead when it wrote
// the file. After the next boot a time service put it right, so the file looked an
// hour younger than it was, and what had ended was served.
func TestFileOfAClockThatNobodyKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.set(func() { w.wallOff, w.unsynced = time.Hour, true })
		w.write(t, content(t, time.Hour, 2*time.Hour))
		time.Sleep(90 * time.Minute)
		if got := w.read(t); len(kinds(&got)) != 1 {
			t.Errorf("in the same boot %v live, want the ticket alone", kinds(&got))
		}
		w.set(func() { w.boots, w.wallOff, w.unsynced = 1, 0, false })
		if c, err := w.file.Read(); !errors.Is(err, snapshotfile.ErrClock) {
			t.Errorf("%v is served, %v", kinds(&c), err)
		}
	})
}
