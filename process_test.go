package main_test

import (
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// asProgram is the variable that makes this test binary a wxsign.
const asProgram = "TEST_RUN_AS_WXSIGN"

// process is a wxsign with a process of its own: what a library writes past the
// log is seen, and it can be killed.
type process struct {
	*server
	command *exec.Cmd
	stdout  *journal
	ended   chan error
}

// spawn starts one and returns as soon as HTTP is answered.
func (p *place) spawn(t *testing.T) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &process{server: &server{t: t, log: &journal{}}, stdout: &journal{}, ended: make(chan error, 1)}
	s.command = exec.CommandContext(t.Context(), self, "--config", p.config)
	s.command.Env = append(append(os.Environ(), asProgram+"=1"), p.env...)
	s.command.Stdout, s.command.Stderr = s.stdout, s.log
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.command.Wait() }()
	t.Cleanup(s.kill)
	s.listen = s.address("listen")
	return s
}

// kill ends it as kill -9 does; twice is once.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	p.ended <- <-p.ended
}

// terminate ends it as an operator does, and holds that it ends well.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			p.t.Errorf("%v; the log:\n%s", err, p.log)
		}
	case <-time.After(stopTime):
		p.t.Fatalf("it did not stop within %s; the log:\n%s", stopTime, p.log)
	}
}

// logLine is a line of the log as it is written in text.
var logLine = regexp.MustCompile(
	`^time=\S+ level=(DEBUG|INFO|WARN|ERROR) msg=("([^"\\]|\\.)*"|[^\s"=]+)` + `( \S+?=("([^"\\]|\\.)*"|[^\s"]*))*$`)
