package snapshotfile

import (
	"errors"
	"fmt"
	"time"
)

// ErrClock says that nobody can tell how long ago the file was written.
var ErrClock = errors.New("this machine cannot tell how old the snapshot file is")

// Stamp is an instant by all the clocks that outlive a process.
//
// Within one boot of the machine the kernel's time since then goes on evenly,
// through suspensions too, and nobody can set it: it proves how much time has
// passed, wherever the wall clock was put. After another boot there is only the
// wall clock, and a machine that has just been started may have it from a
// battery that died, or from the file in which systemd saved it at the stop:
// that one is later than the stop and still hours too early. So it is believed
// only if the kernel says that a time service is keeping it, and was when the file
// was written: a clock that ran an hour ahead then would hide an hour now.
type Stamp struct {
	Wall   time.Time
	Boot   string        // the kernel's id of this boot; "" = unknown
	Uptime time.Duration // since the boot, with suspensions, in whole seconds
	Synced bool          // a time service keeps Wall
}

const (
	// roundingMargin covers that Uptime is in whole seconds at both ends.
	roundingMargin = 2 * time.Second
	// wallMargin covers what a kept clock may be off by, at both ends, far more
	// than generously.
	wallMargin = 5 * time.Minute
)

// since is the time from written to s: never less than the truth, as far as the
// clocks can be believed. It fails with ErrClock where they cannot.
func (s Stamp) since(written Stamp) (time.Duration, error) {
	wall := s.Wall.Sub(written.Wall)
	if s.Boot != "" && s.Boot == written.Boot {
		if s.Uptime < written.Uptime {
			return 0, fmt.Errorf("%w: in the same boot, its uptime went back; it may have been restored from an image", ErrClock)
		}
		// A hypervisor that froze the machine has stopped the uptime and put the
		// wall clock right since: the longer time counts.
		return max(s.Uptime-written.Uptime, wall) + roundingMargin, nil
	}
	switch {
	case wall < 0:
		return 0, fmt.Errorf("%w: it was written at %s, which is still to come by this machine's clock", ErrClock, written.Wall.UTC().Format(time.RFC3339))
	case !written.Synced:
		return 0, fmt.Errorf("%w: the machine was started since it was written, and then no time service kept its clock; run one (chrony, systemd-timesyncd)", ErrClock)
	case !s.Synced:
		return 0, fmt.Errorf("%w: the machine was started since it was written, and no time service keeps its clock; run one (chrony, systemd-timesyncd)", ErrClock)
	}
	return wall + wallMargin, nil
}
