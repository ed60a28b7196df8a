package attack_test

import (
	"fmt"
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

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "wxsign-attack-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "attack:", err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of the system's own
	binary = filepath.Join(dir, "wxsign")
	if out, err := exec.Command("go", "build", "-tags=nomsgpack", "-o", binary, "..").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "attack: build wxsign: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// number reads a variable of the environment.
func number(t testing.TB, name string, fallback uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s is %q; it must be a number", name, text)
	}
	return n
}

// patience is how long anything may take that should take a moment, on a machine
// that has other things to do.
const patience = time.Minute

// waitFor waits until done says so.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come within %s", what, patience)
		}
	}
}
