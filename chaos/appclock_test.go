package chaos_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// The clocks of three replicas' machines are an hour behind, right and an hour
// ahead: totals are as without. The program is static, so that no library can
// stand between it and its clock; it is built with a standard library whose
// time.Now adds what an environment variable says. A second program to build:
// in short, TestDatabaseClockSteps has the database an hour behind all replicas.
func TestAppClocksAnHourOff(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	if !size.full {
		return
	}
	skewed := buildSkewed(t)
	c := newCluster(t, plan{
		nodes: []string{modeltest.MariaDB(t)}, replicas: 3, stable: 4, classic: 2, wechat: eager(),
		own: [][]string{{skewVariable + "=-3600"}, nil, {skewVariable + "=3600"}},
	})
	for _, r := range c.replicas {
		r.program = skewed
	}
	c.start()
	for i, want := range []time.Duration{-time.Hour, 0, time.Hour} {
		if off := c.clockOf(c.replicas[i]) - want; off.Abs() > time.Minute {
			t.Fatalf("the clock of %s is off by %s more than it should be: the program is not what it is thought to be", c.replicas[i].name, off)
		}
	}
	probes := probe(t, c.truth, c.targets(), c.appIDs, 6, size.pause)
	const rounds = 20
	for range rounds {
		c.nextPeriod()
	}
	probes.end()
	probes.holdServed(t)
	c.holdOneCallEach(rounds + 1)
}

// clockOf is how far a replica's clock is ahead, by what it signs with.
func (c *cluster) clockOf(r *replica) time.Duration {
	c.t.Helper()
	where := r.base() + "/jssdk/config?app_id=" + c.appIDs[0] + "&url=https%3A%2F%2Fh5.example.com%2F"
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, where, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := reporters.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	var s signed
	if err := json.NewDecoder(response.Body).Decode(&s); err != nil {
		c.t.Fatal(err)
	}
	return time.Until(time.Unix(s.Timestamp, 0))
}

const skewVariable = "CHAOS_SECONDS_AHEAD"

// skew is a file of package time.
const skew = `package time

import "syscall"

var skew = func() int64 {
	text, _ := syscall.Getenv("` + skewVariable + `")
	ahead, _ := atoi(text)
	return int64(ahead)
}()
`

// buildSkewed builds the program with that file, and a time.Now that uses it.
func buildSkewed(t *testing.T) string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir, library := t.TempDir(), filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	source, err := os.ReadFile(filepath.Join(library, "time.go"))
	if err != nil {
		t.Fatal(err)
	}
	reading := []byte("\tsec, nsec, mono := runtimeNow()\n")
	if bytes.Count(source, reading) != 1 {
		t.Fatalf("%d readings of the clock in %s, want 1: this Go is not the one the test was written for", bytes.Count(source, reading), library)
	}
	overlay := map[string]map[string]string{"Replace": {}}
	for name, text := range map[string][]byte{
		"time.go": bytes.Replace(source, reading, append(reading, "\tsec += skew\n"...), 1), "skew.go": []byte(skew),
	} {
		path := filepath.Join(dir, name)
		overlay["Replace"][filepath.Join(library, name)] = path
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "wxsign-skewed")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags=nomsgpack",
		"-overlay", filepath.Join(dir, "overlay.json"), "-o", program, "..")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program with another clock: %v\n%s", err, out)
	}
	return program
}
