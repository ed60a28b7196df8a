package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under test, or something that one needs.
type process struct {
	cmd    *exec.Cmd
	addr   string
	log    string // file with what it printed
	config string // file, of wxsign

	ended chan struct{} // closed when it has ended
}

// errEnded is why a process is not ready that does not run any more.
var errEnded = errors.New("it has ended")

// command says how to start one.
type command struct {
	name string
	args []string
	env  []string
	cpu  string // of taskset, "" = any
	dir  string
}

// start runs a command that answers at addr, and waits until path there is
// answered with 200.
func (b *bench) start(ctx context.Context, c command, addr, path string) (*process, error) {
	log, err := os.CreateTemp(b.dir, filepath.Base(c.name)+"-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	name, args := c.name, c.args
	if c.cpu != "" {
		name, args = "taskset", append([]string{"-c", c.cpu, c.name}, c.args...)
	}
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // our own commands
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Dir = c.dir
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, addr: addr, log: log.Name(), ended: make(chan struct{})}
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		_ = cmd.Wait()
		close(p.ended)
		cancel(errEnded)
	}()
	if err := p.ready(running, path); err != nil {
		text, _ := os.ReadFile(p.log)
		p.stop()
		return nil, fmt.Errorf("%s did not get ready: %w\n%s", c.name, err, tail(string(text)))
	}
	return p, nil
}

func tail(text string) string {
	if len(text) > 2000 {
		return text[len(text)-2000:]
	}
	return text
}

// readyWithin bounds the start of a server.
const readyWithin = 60 * time.Second

// These stand for a path: the process is ready as soon as it accepts, or as soon as
// a wxsign knows its accounts, whether it can sign for them or not.
const (
	listening      = "listening"
	accountsLoaded = "accounts loaded"
)

// loaded waits as long as the part may take: many accounts are registered first.
func (p *process) loaded(ctx context.Context) error {
	for ctx.Err() == nil {
		var body strings.Builder
		_, err := fetch(ctx, "http://"+p.addr+"/readyz", &body)
		if err == nil && strings.Contains(body.String(), `"accounts":`) && !strings.Contains(body.String(), `"accounts":0`) {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return context.Cause(ctx)
}

func (p *process) ready(ctx context.Context, path string) error {
	switch path {
	case listening:
		return dial(ctx, p.addr)
	case accountsLoaded:
		return p.loaded(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	last := errors.New("no answer")
	for ctx.Err() == nil {
		var status int
		if status, last = fetch(ctx, "http://"+p.addr+path, io.Discard); last == nil {
			if status == http.StatusOK {
				return nil
			}
			last = fmt.Errorf("status %d", status)
		}
		time.Sleep(time.Millisecond)
	}
	if errors.Is(context.Cause(ctx), errEnded) {
		return errEnded
	}
	return last
}

// fetch gets an address once.
func fetch(ctx context.Context, address string, body io.Writer) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(body, response.Body)
	return response.StatusCode, err
}

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends at once
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// cpuTime is what the process has used, user and system together.
func (p *process) cpuTime() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	const ticksPerSecond = 100
	return time.Duration(user+system) * time.Second / ticksPerSecond, err
}

// memory is the resident size in bytes.
func (p *process) memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS")
}
