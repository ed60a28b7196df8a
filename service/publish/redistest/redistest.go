// Package redistest runs real Redis servers for tests.
package redistest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is a Redis server on loopback that ends with its test.
type Server struct {
	t    testing.TB
	dir  string
	port int
	args []string

	process *exec.Cmd
	ended   chan struct{} // closed when process has ended
	guard   *os.File      // see guarded
}

// guarded runs the command of its arguments 2… in its own place and leaves a
// guard beside it that reads file 3. A line dismisses the guard; the end of the
// file means that the test binary died, whatever the way, and the guard kills
// the command and removes the folder of argument 1.
const guarded = `
dir=$1
shift
(
	trap '' HUP INT TERM
	read -r _ <&3 && exit
	kill -s KILL $$
	rm -rf "$dir" || { sleep 1; rm -rf "$dir"; }
) &
exec "$@" 3<&-
`

// Ports are below those that Linux gives to outgoing connections, or a client
// could have ours while the server is stopped.
const (
	lowestPort  = 12000
	highestPort = 19999
	portTries   = 20
	// startTime is long enough for a machine that is very busy.
	startTime = 30 * time.Second
)

// Start starts a server that keeps nothing on disk. args are more arguments of
// redis-server, such as "--requirepass", "x"; {port} in them becomes its port.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "wxsign-redis-") //nolint:usetesting // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir, args: args}
	t.Cleanup(func() {
		s.Stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for range portTries {
		s.port = lowestPort + rand.IntN(highestPort-lowestPort+1) //nolint:gosec // any free port
		if err = s.run(); err == nil {
			return s
		}
		s.Stop()
	}
	t.Fatalf("redis-server: %v; scripts/deps.sh installs it", err)
	return nil
}

// Addr is its host:port. It stays over Stop and Again.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Stop ends the server at once. It forgets everything.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_, _ = s.guard.WriteString("\n") // before its process id is anybody else's
	_ = s.process.Process.Kill()
	<-s.ended
	_ = s.guard.Close()
	s.process = nil
}

// Again starts the server after a Stop.
func (s *Server) Again() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatalf("redis-server: %v", err)
	}
}

func (s *Server) run() error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return err
	}
	log := filepath.Join(s.dir, "log")
	args := []string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port), "--unixsocket", s.socket(),
		"--save", "", "--appendonly", "no", "--dir", s.dir, "--logfile", log,
	}
	for _, arg := range s.args {
		args = append(args, strings.ReplaceAll(arg, "{port}", strconv.Itoa(s.port)))
	}
	watched, guard, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = watched.Close() }()
	//nolint:noctx,gosec // the context of the test ends before its cleanups, which may still need Redis; args are its own
	process := exec.Command("sh", append([]string{"-c", guarded, "sh", s.dir, path}, args...)...)
	process.ExtraFiles = []*os.File{watched}
	if err := process.Start(); err != nil {
		return errors.Join(err, guard.Close())
	}
	s.process, s.ended, s.guard = process, make(chan struct{}), guard
	go func(ended chan struct{}) {
		_ = process.Wait()
		close(ended)
	}(s.ended)
	return s.ready(log)
}

// socket is where only this server can answer: on the port another might, if
// this one could not have it.
func (s *Server) socket() string { return filepath.Join(s.dir, "redis.sock") }

// ready waits until the server answers.
func (s *Server) ready(log string) error {
	for begin := time.Now(); time.Since(begin) < startTime; {
		select {
		case <-s.ended:
			text, _ := os.ReadFile(log)
			return fmt.Errorf("it ended: %s", text)
		case <-time.After(10 * time.Millisecond):
		}
		if s.answers() {
			return nil
		}
	}
	return errors.New("it does not answer")
}

func (s *Server) answers() bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "unix", s.socket())
	if err != nil {
		return false
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && line != "" // NOAUTH is an answer, too
}
