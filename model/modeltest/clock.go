package modeltest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Clock is a clock that a database server has for itself: it goes as the
// machine's does, and can be set while the server runs. It is made of
// libfaketime, which stands between the server and the C library; monotonic
// clocks are left alone, as they are where an operator sets a clock.
type Clock struct {
	t       testing.TB
	library string
	path    string // of the file that says how far ahead it is
}

// libraries are where systems put libfaketime for programs with threads.
var libraries = [...]string{
	"/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1", "/usr/lib64/faketime/libfaketimeMT.so.1",
}

// NewClock needs the package libfaketime. It begins as far ahead of the machine's
// clock as given; behind, where that is negative.
func NewClock(t testing.TB, ahead time.Duration) *Clock {
	t.Helper()
	library, err := findLibrary()
	if err != nil {
		t.Fatalf("a clock that can be set: %v", err)
	}
	c := &Clock{t: t, library: library, path: filepath.Join(t.TempDir(), "clock")}
	c.Set(ahead)
	return c
}

func findLibrary() (string, error) {
	for _, pattern := range libraries {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		if len(paths) > 0 {
			return paths[0], nil
		}
	}
	return "", errors.New("there is no libfaketime: run `make deps`, or `apt-get install libfaketime`")
}

// Set makes the clock so much ahead of the machine's. Every question after it is
// answered by the new time.
func (c *Clock) Set(ahead time.Duration) {
	c.t.Helper()
	err := os.WriteFile(c.path+".new", fmt.Appendf(nil, "%+.3f\n", ahead.Seconds()), 0o600)
	if err = errors.Join(err, os.Rename(c.path+".new", c.path)); err != nil {
		c.t.Fatalf("set the clock: %v", err)
	}
}

// env is what runs a program by this clock; nothing for the machine's.
func (c *Clock) env() []string {
	if c == nil {
		return nil
	}
	return []string{
		"env", "LD_PRELOAD=" + c.library, "FAKETIME_TIMESTAMP_FILE=" + c.path,
		"FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
	}
}
