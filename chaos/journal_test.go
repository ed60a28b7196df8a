package chaos_test

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// journal keeps the end of what a replica logs, over all its lives, and the
// lines that nobody may ever see.
type journal struct {
	address func(baseURL string) // told where the replica listens

	mu      sync.Mutex
	pending []byte
	lines   []string
	alarms  []string
}

const mostLines = 400

var (
	listens = regexp.MustCompile(`not ready yet.* listen=(http://[0-9.:]+)`)
	// alarming lines are faults of the program whatever was done to it.
	alarming = regexp.MustCompile(`^panic:|^fatal error:|panicked|DATA RACE`)
)

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, p...)
	for {
		line, rest, found := bytes.Cut(j.pending, []byte("\n"))
		if !found {
			return len(p), nil
		}
		j.add(string(line))
		j.pending = rest
	}
}

func (j *journal) add(line string) {
	if found := listens.FindStringSubmatch(line); found != nil {
		j.address(found[1])
	}
	if alarming.MatchString(line) {
		j.alarms = append(j.alarms, line)
	}
	j.lines = append(j.lines, line)
	if len(j.lines) > 2*mostLines {
		j.lines = append([]string(nil), j.lines[mostLines:]...)
	}
}

// tail is the newest lines.
func (j *journal) tail(n int) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines[max(0, len(j.lines)-n):], "\n")
}

func (j *journal) alarmed() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.alarms...)
}
