package cli_test

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"

	"github.com/wxsign/wxsign/cli"
)

// There is one collector and one environment, so this runs alone.
func TestSettleMemory(t *testing.T) {
	for name, tt := range map[string]struct {
		gogc        string // of the environment, "" = none
		least, most int    // per cent
	}{
		"left to us":        {"", 100, 3000},
		"operator's choice": {"50", 50, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", tt.gogc)
			if tt.gogc == "" {
				if err := os.Unsetenv("GOGC"); err != nil {
					t.Fatal(err)
				}
			}
			restoreCollector(t)
			debug.SetGCPercent(50)
			cli.SettleMemory()
			if got := debug.SetGCPercent(50); got < tt.least || got > tt.most {
				t.Errorf("GC percent %d, want %d to %d", got, tt.least, tt.most)
			}
		})
	}
}

// What is alive grows after the start: then many times as much as that would be too
// much garbage.
func TestPaceCollector(t *testing.T) {
	t.Setenv("GOGC", "") // put back at the end
	if err := os.Unsetenv("GOGC"); err != nil {
		t.Fatal(err)
	}
	restoreCollector(t)
	debug.SetGCPercent(300)
	alive := make([]byte, 128<<20)
	runtime.GC()
	for _, tt := range []struct {
		name string
		pace func()
		want int
	}{
		{"idle", cli.PaceForIdle, 50},
		{"busy", cli.PaceForBusy, 400},
	} {
		tt.pace()
		if got := debug.SetGCPercent(300); got != tt.want {
			t.Errorf("%s: GC percent %d with %d bytes alive, want %d", tt.name, got, len(alive), tt.want)
		}
	}
	runtime.KeepAlive(alive)
}

// A rush hour is seen within seconds, and once; a quiet minute ends it.
func TestLookAtMemory(t *testing.T) { //nolint:paralleltest // it sets the environment
	restoreCollector(t)
	for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Setenv(variable, "") // put back at the end
		if err := os.Unsetenv(variable); err != nil {
			t.Fatal(err)
		}
	}
	alive := make([]byte, 128<<20)
	tend, look := cli.MemoryJobs()
	for _, tt := range []struct {
		name  string
		waste int // MiB before
		then  func()
		want  int // per cent, of 77 before each
	}{
		{"the start", 1, look, 77},
		{"a quiet minute", 1, tend, 50},
		{"a quiet moment", 1, look, 77},
		{"a rush hour begins", 200, look, 400},
		{"it goes on", 200, look, 77},
		{"a minute of it", 0, tend, 400},
	} {
		for range tt.waste {
			runtime.KeepAlive(make([]byte, 1<<20))
		}
		runtime.GC() // what is alive is known
		debug.SetGCPercent(77)
		tt.then()
		if got := debug.SetGCPercent(77); got != tt.want {
			t.Errorf("%s: GC percent %d, want %d", tt.name, got, tt.want)
		}
	}
	runtime.KeepAlive(alive)
}

// Who had nothing to do for a minute gives memory back; in a rush hour, the
// collector decides.
func TestTendMemory(t *testing.T) {
	restoreCollector(t)
	debug.SetGCPercent(100)
	for name, tt := range map[string]struct {
		gogc  string // of the environment, "" = none
		waste int    // MiB since the last time
		back  bool
	}{
		"idle":                    {"", 1, true},
		"busy":                    {"", 400, false},
		"idle, operator's choice": {"100", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", tt.gogc) // put back at the end
			if tt.gogc == "" {
				if err := os.Unsetenv("GOGC"); err != nil {
					t.Fatal(err)
				}
			}
			tend, _ := cli.MemoryJobs()
			for range tt.waste {
				runtime.KeepAlive(make([]byte, 1<<20))
			}
			was := forcedCollections()
			tend()
			if back := forcedCollections() > was; back != tt.back {
				t.Errorf("gave memory back: %v, want %v", back, tt.back)
			}
		})
	}
}

// What comes within seconds, as thousands of connections do, must find room for garbage
// above it: without, Go would collect without end.
func TestWidenMemory(t *testing.T) {
	const mib = 1 << 20
	for name, tt := range map[string]struct {
		variable string // that an operator has set
		alive    int    // MiB
		widened  bool
	}{
		"much is alive":                        {"", 300, true},
		"two passwords":                        {"", 40, false},
		"much, and the operator's bound":       {"GOMEMLIMIT", 300, false},
		"much, and the operator's own percent": {"GOGC", 300, false},
	} {
		t.Run(name, func(t *testing.T) {
			restoreCollector(t)
			for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
				t.Setenv(variable, "100") // put back at the end
				if variable != tt.variable {
					if err := os.Unsetenv(variable); err != nil {
						t.Fatal(err)
					}
				}
			}
			const was = 200 * mib
			debug.SetMemoryLimit(was)
			alive := make([]byte, tt.alive*mib)
			runtime.GC()
			cli.WidenMemory()
			is := debug.SetMemoryLimit(-1)
			if widened := is > int64(tt.alive)*2*mib && is != was; widened != tt.widened {
				t.Errorf("the bound is %d MiB with %d alive, it was %d", is/mib, tt.alive, was/mib)
			}
			cli.WidenMemory()
			if again := debug.SetMemoryLimit(-1); again != is {
				t.Errorf("at the next look it is %d MiB, it was %d", again/mib, is/mib)
			}
			runtime.KeepAlive(alive)
		})
	}
}

// A bound is lowered where that is worth it only.
func TestBoundIsLowered(t *testing.T) {
	for name, tt := range map[string]struct {
		percent int64 // of what it would be now
		lowered bool
	}{
		"a little": {105, false},
		"much":     {200, true},
	} {
		t.Run(name, func(t *testing.T) {
			restoreCollector(t)
			for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
				t.Setenv(variable, "") // put back at the end
				if err := os.Unsetenv(variable); err != nil {
					t.Fatal(err)
				}
			}
			debug.SetMemoryLimit(math.MaxInt64)
			runtime.GC() // what is alive is known from now on
			cli.PaceForBusy()
			was := debug.SetMemoryLimit(-1) / 100 * tt.percent
			debug.SetMemoryLimit(was)
			cli.PaceForBusy()
			if is := debug.SetMemoryLimit(-1); (is < was) != tt.lowered {
				t.Errorf("the bound was %d, now it is %d", was, is)
			}
		})
	}
}

// restoreCollector puts back, at the end, what the parts under test set for the whole
// process.
func restoreCollector(t *testing.T) {
	t.Helper()
	percent, bound := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	t.Cleanup(func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(bound)
	})
}

// forcedCollections counts those that somebody asked for, as FreeOSMemory does.
func forcedCollections() uint64 {
	is := []metrics.Sample{{Name: "/gc/cycles/forced:gc-cycles"}}
	metrics.Read(is)
	return is[0].Value.Uint64()
}
