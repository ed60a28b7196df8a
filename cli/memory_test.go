package cli_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/wxsign/wxsign/cli"
)

// There is one collector and one environment, so this runs alone.
func TestSettleMemory(t *testing.T) {
	for name, tt := range map[string]struct {
		gogc        string // of the environment, "" = none
		least, most int    // per cent
	}{
		"left to us":        {"", 100, 400},
		"operator's choice": {"50", 50, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", tt.gogc)
			if tt.gogc == "" {
				if err := os.Unsetenv("GOGC"); err != nil {
					t.Fatal(err)
				}
			}
			before := debug.SetGCPercent(50)
			t.Cleanup(func() { debug.SetGCPercent(before) })
			cli.SettleMemory()
			if got := debug.SetGCPercent(50); got < tt.least || got > tt.most {
				t.Errorf("GC percent %d, want %d to %d", got, tt.least, tt.most)
			}
		})
	}
}

// What is alive grows after the start: then four times as much as that would be too
// much garbage.
func TestPaceCollector(t *testing.T) {
	t.Setenv("GOGC", "") // put back at the end
	if err := os.Unsetenv("GOGC"); err != nil {
		t.Fatal(err)
	}
	before := debug.SetGCPercent(400)
	t.Cleanup(func() { debug.SetGCPercent(before) })
	alive := make([]byte, 128<<20)
	runtime.GC()
	cli.PaceCollector()
	if got := debug.SetGCPercent(400); got != 100 {
		t.Errorf("GC percent %d with %d bytes alive, want 100", got, len(alive))
	}
	runtime.KeepAlive(alive)
}
