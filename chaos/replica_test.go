package chaos_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model/modeltest"
)

// replica is one wxsign of a cluster: a process that may die and come again,
// with its own ways to the database and to WeChat.
type replica struct {
	t       testing.TB
	name    string
	config  string
	program string // the binary that it runs
	env     []string
	log     *journal
	db      *modeltest.Proxy // nil with SQLite
	door    *door

	mu      sync.Mutex
	life    *life // nil while dead
	baseURL string
	key     string   // for its tokens
	crashes []string // ends that nobody ordered
	givenUp int      // that were given up for want of the database
}

// life is one process of a replica.
type life struct {
	cmd     *exec.Cmd
	guard   *os.File
	ordered bool // somebody asked for its end
	paused  bool
	ended   chan struct{}
	err     error // of the process; read it after ended
}

// guarded runs the command of its arguments in its own place and leaves a guard
// beside it that reads file 3. A line dismisses the guard; the end of the file
// means that the test binary died, and the guard kills the command.
const guarded = `
(
	trap '' HUP INT TERM
	read -r _ <&3 && exit
	kill -s KILL $$
) >/dev/null 2>&1 &
exec "$@" 3<&-
`

// start begins a new life and does not wait for it; base tells when it listens.
func (r *replica) start() {
	r.t.Helper()
	watched, guard, err := os.Pipe()
	if err != nil {
		r.t.Fatalf("start %s: %v", r.name, err)
	}
	defer watched.Close() //nolint:errcheck // the child has its own
	cmd := exec.Command("sh", "-c", guarded, "sh", r.program, "--config", r.config, "serve")
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = r.env, r.log, r.log, []*os.File{watched}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life != nil {
		r.t.Fatalf("start %s: it lives", r.name)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatalf("start %s: %v", r.name, err)
	}
	r.life, r.baseURL = &life{cmd: cmd, guard: guard, ended: make(chan struct{})}, ""
	go r.mourn(r.life)
}

// mourn waits for the end of a life and notes it.
func (r *replica) mourn(l *life) {
	l.err = l.cmd.Wait()
	_, _ = l.guard.WriteString("\n")
	_ = l.guard.Close()
	said := r.log.tail(12) // before the lock: the log tells the address under its own
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case l.ordered:
	case strings.Contains(said[strings.LastIndexByte(said, '\n')+1:], "the database cannot be reached"):
		r.givenUp++
	default:
		r.crashes = append(r.crashes, fmt.Sprintf("%s ended by itself: %v\n%s", r.name, l.err, said))
	}
	if r.life == l {
		r.life, r.baseURL = nil, ""
	}
	close(l.ended)
}

// signal sends a signal to the living process, if any. It may be called from
// anywhere; after SIGKILL and SIGTERM the end counts as ordered.
func (r *replica) signal(signal syscall.Signal) *life {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.life
	if l == nil {
		return nil
	}
	l.ordered = l.ordered || signal == syscall.SIGKILL || signal == syscall.SIGTERM
	l.paused = signal == syscall.SIGSTOP || l.paused && signal != syscall.SIGCONT
	_ = l.cmd.Process.Signal(signal)
	if signal == syscall.SIGSTOP {
		awaitStop(l.cmd.Process.Pid)
	}
	return l
}

// awaitStop waits until the process does stand still: until all its threads have
// noticed, one of them could still read an answer. Where the system does not
// tell, a moment must do.
func awaitStop(pid int) {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			return
		}
		if i := bytes.LastIndexByte(stat, ')'); i >= 0 && bytes.HasPrefix(stat[i:], []byte(") T")) {
			return
		}
	}
}

// kill is kill -9, and waits for the end.
func (r *replica) kill() {
	if l := r.signal(syscall.SIGKILL); l != nil {
		<-l.ended
	}
}

// stopTime is how long an orderly end may take: the program's own 15 s and some.
const stopTime = 20 * time.Second

// stop is an operator's stop. An error means that the process had to be killed,
// or did not end well.
func (r *replica) stop() error {
	l := r.signal(syscall.SIGTERM)
	if l == nil {
		return nil
	}
	select {
	case <-l.ended:
		return l.err
	case <-time.After(stopTime):
		r.kill()
		return fmt.Errorf("%s did not stop within %s", r.name, stopTime)
	}
}

// alive reports whether there is a process, stopped or not.
func (r *replica) alive() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.life != nil
}

// running reports whether there is a process that is not stopped.
func (r *replica) running() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.life != nil && !r.life.paused
}

// base is where the replica listens, "" while it does not.
func (r *replica) base() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.baseURL
}

func (r *replica) id() string { return r.name }

func (r *replica) apiKey() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.key
}

func (r *replica) setKey(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key = key
}

func (r *replica) setBase(baseURL string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.baseURL = baseURL
}

// gaveUp counts the starts that the program gave up because the database went
// away in the middle; whoever supervises it starts it again.
func (r *replica) gaveUp() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.givenUp
}

func (r *replica) unordered() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.crashes...)
}
