package chaos_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m)) //nolint:forbidigo // this is the main of the tests
}

// testsAtOnce is how many tests run beside each other: they wait for leases rather than
// compute. In full size there are clusters of a thousand accounts among them, and
// a start that takes a minute is no longer the weather that was planned.
func testsAtOnce() string {
	if os.Getenv("CHAOS_MINUTES") != "" {
		return "8"
	}
	return "64"
}

func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", testsAtOnce()); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "wxsign-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of the system's own
	if binary = os.Getenv("CHAOS_BINARY"); binary != "" {
		return m.Run()
	}
	binary = filepath.Join(dir, "wxsign")
	if out, err := exec.Command("go", "build", "-tags=nomsgpack", "-o", binary, "..").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "chaos: build wxsign: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// size is how much of everything a run does.
type size struct {
	full     bool
	pause    time.Duration // of an asker between two questions, where nothing else is said
	storm    time.Duration
	seed     uint64
	replicas int
	kills    int // at each point
	cuts     int // of claims, and of publishes
	accounts int // at a cold start
	fences   int // won in a race for one row
	reports  int // of one dead token, to each replica at once
	outage   time.Duration
	readOnly time.Duration // of a primary before it is replaced
	late     time.Duration // how long a holder is out of the world
	bookTime time.Duration // how long to wait for history rows that survivors write
}

// sizeOf reads the size from the environment and names the seed, so that a run
// can be repeated.
func sizeOf(t *testing.T) size {
	t.Helper()
	s := size{
		seed: rand.Uint64(), replicas: number(t, "CHAOS_REPLICAS", 3), storm: 25 * time.Second, pause: 100 * time.Millisecond,
		kills: 1, cuts: 5, fences: 1000, accounts: 200, reports: 100,
		outage: 15 * time.Second, readOnly: 10 * time.Second, late: lease + 7*time.Second, bookTime: 5 * time.Second,
	}
	if minutes := number(t, "CHAOS_MINUTES", 0); minutes > 0 {
		s.full, s.storm, s.kills, s.cuts, s.outage = true, time.Duration(minutes)*time.Minute, 25, 200, 10*time.Minute
		s.fences, s.accounts, s.reports, s.readOnly = 20_000, 1000, 1000, time.Minute
		s.pause = 20 * time.Millisecond
		s.bookTime, s.late = 130*time.Second, 2*lease
	}
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("CHAOS_SEED: %v", err)
		}
		s.seed = seed
	}
	return s
}

func number(t *testing.T, name string, fallback int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q; it must be a number above 0", name, text)
	}
	return n
}

// waitFor waits until done says so; false: it did not within the time. The longer
// it has waited, the less often it asks.
func waitFor(limit time.Duration, done func() bool) bool {
	for begin := time.Now(); !done(); {
		waited := time.Since(begin)
		if waited > limit {
			return false
		}
		time.Sleep(min(max(waited/10, 20*time.Millisecond), 200*time.Millisecond))
	}
	return true
}
