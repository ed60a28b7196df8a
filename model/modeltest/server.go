package modeltest

import (
	"syscall"
	"testing"
)

// Server is a MariaDB of one test's own, to be stopped, killed and started
// again. Its methods fail the test where they cannot do what they say, so they
// belong on the test's goroutine. Port and rows stay over restarts.
type Server struct {
	t       testing.TB
	process *mariadbd
	dsn     string
}

// MariaDBServer starts a private server with one empty database, in about a
// second, and removes it at the end of the test. EnvMySQL does not change it:
// nobody's running server may be stopped.
func MariaDBServer(t testing.TB) *Server {
	t.Helper()
	return startServer(t, mariadbd{})
}

// MariaDBServerBy is MariaDBServer with a clock of its own.
func MariaDBServerBy(t testing.TB, clock *Clock) *Server {
	t.Helper()
	return startServer(t, mariadbd{clock: clock})
}

func startServer(t testing.TB, like mariadbd) *Server {
	t.Helper()
	process, err := startMariadbd(like)
	if err != nil {
		t.Fatalf("a MariaDB of its own: %v", err)
	}
	s := &Server{t: t, process: process}
	t.Cleanup(s.close)
	if s.dsn, err = createDatabase(process.dsn(), "wxsign"); err != nil {
		t.Fatalf("create database: %v", err)
	}
	return s
}

// DSN is that of the server's database, without parameters.
func (s *Server) DSN() string { return s.dsn }

// Stop shuts the server down in order, as an operator would, and waits for it.
func (s *Server) Stop() {
	s.t.Helper()
	s.end(syscall.SIGTERM)
}

// Kill ends the server at once, as a crash would, and waits for it. Committed
// rows are there after Start; open transactions are not.
func (s *Server) Kill() {
	s.t.Helper()
	s.end(syscall.SIGKILL)
}

// Start brings a stopped or killed server back and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	if s.process.cmd != nil {
		s.t.Fatal("start MariaDB: it runs")
	}
	if err := s.process.start(); err != nil {
		s.t.Fatalf("start MariaDB: %v", err)
	}
}

func (s *Server) end(signal syscall.Signal) {
	s.t.Helper()
	if s.process.cmd == nil {
		s.t.Fatal("stop MariaDB: it does not run")
	}
	if err := s.process.stop(signal); err != nil {
		s.t.Fatalf("stop MariaDB: %v", err)
	}
}

func (s *Server) close() {
	if s.process.cmd != nil {
		if err := s.process.stop(syscall.SIGKILL); err != nil {
			s.t.Errorf("stop MariaDB: %v", err)
		}
	}
	if err := s.process.remove(); err != nil {
		s.t.Errorf("remove MariaDB: %v", err)
	}
}
