package modeltest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 30 * time.Second
	portTries    = 10
)

// errPortTaken says that another process got the port first.
var errPortTaken = errors.New("the port is taken")

// mariadbd is one server process with its folder. It listens on loopback,
// without passwords.
type mariadbd struct {
	binary string
	dir    string
	port   int
	clock  *Clock    // nil: the machine's
	own    []string  // options beside those of all; nil: alone
	cmd    *exec.Cmd // nil while stopped
	guard  *os.File  // see guarded
}

// guarded runs the command of its arguments 2… in its own place and leaves a
// guard beside it that reads file 3. A line dismisses the guard; the end of the
// file means that the test binary died, whatever the way, and the guard kills
// the command and removes the folder of argument 1. A TestMain could not do
// that, Pdeathsig hangs on the thread that forked and leaves the folder behind.
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

// alone are the options of a server that has nobody beside it: no passwords and
// no binary log.
func alone() []string { return []string{"--skip-grant-tables", "--skip-log-bin"} }

// startMariadbd makes a data folder and starts a server on it, by the clock and
// with the options given in like.
func startMariadbd(like mariadbd) (*mariadbd, error) {
	binary, err := findMariadbd()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "wxsign-mariadb-")
	if err != nil {
		return nil, err
	}
	m := &like
	m.binary, m.dir = binary, dir
	if m.own == nil {
		m.own = alone()
	}
	if err := m.bootstrap(); err != nil {
		return nil, errors.Join(err, m.remove())
	}
	for range portTries {
		if m.port, err = lowPort(); err != nil {
			break
		}
		if err = m.start(); !errors.Is(err, errPortTaken) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(err, m.remove())
	}
	return m, nil
}

// findMariadbd also looks where Debian keeps servers, which is not on the PATH
// of everybody.
func findMariadbd() (string, error) {
	for _, name := range []string{"mariadbd", "/usr/sbin/mariadbd"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no mariadbd: run `make deps`, or `apt-get install mariadb-server-core`," +
		" or set " + EnvMySQL + " to the DSN of a running server")
}

// bootstrap fills the data folder with the system tables, as mariadb-install-db
// would if its package could be counted on.
func (m *mariadbd) bootstrap() error {
	script := []byte("USE mysql;\n")
	for _, part := range []string{"system_tables", "performance_tables", "system_tables_data"} {
		text, err := systemSQL(part)
		if err != nil {
			return err
		}
		script = append(script, text...)
	}
	if err := os.MkdirAll(filepath.Join(m.dir, "data", "mysql"), 0o700); err != nil {
		return err
	}
	//nolint:noctx // it ends with its input
	cmd := exec.Command(m.binary, m.args("--bootstrap", "--log-warnings=0", "--enforce-storage-engine=", "--max-allowed-packet=8M")...)
	cmd.Stdin = bytes.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bootstrap: %w\n%s", err, tail(out))
	}
	return nil
}

// systemSQL reads one of the files mysql_*.sql of MariaDB 10, mariadb_*.sql of 11.
func systemSQL(part string) ([]byte, error) {
	for _, pattern := range []string{"/usr/share/mysql/m*_", "/usr/share/mariadb/m*_"} {
		paths, err := filepath.Glob(pattern + part + ".sql")
		if err != nil {
			return nil, err
		}
		if len(paths) > 0 {
			return os.ReadFile(paths[0])
		}
	}
	return nil, fmt.Errorf("no *_%s.sql in /usr/share/mysql: is mariadb-server-core whole?", part)
}

// args are the options of every run. Small files and buffers, since several test
// binaries run at once. Committed rows survive a killed process (2 = written at
// commit), so that tests may count on them; nothing is synced to the disk, which
// only a power cut could tell and which takes most of the time of a migration.
func (m *mariadbd) args(more ...string) []string {
	args := []string{
		"--no-defaults", "--datadir=" + filepath.Join(m.dir, "data"), "--tmpdir=" + m.dir,
		"--innodb-log-file-size=16M", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=2",
		"--innodb-flush-method=nosync", "--debug-no-sync",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	return append(args, more...)
}

// start runs the server on m.port and returns once it takes connections.
func (m *mariadbd) start() error {
	log, err := os.Create(m.logPath())
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	watched, guard, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = watched.Close() }()
	options := m.args(append(m.own,
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(m.port), "--socket="+m.socket(),
		"--pid-file="+filepath.Join(m.dir, "pid"), "--skip-name-resolve", "--skip-networking=0",
		"--max-connections=1000")...) // a dozen replicas of several tests share it, each with its pool
	//nolint:noctx // it outlives any one test; stop or its guard ends it
	cmd := exec.Command("sh", m.command(options)...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{watched}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, guard.Close())
	}
	m.cmd, m.guard = cmd, guard
	if err := m.waitReady(); err != nil {
		return errors.Join(err, m.stop(syscall.SIGKILL))
	}
	return nil
}

// command is what sh runs: the server with its options, guarded, by its clock.
func (m *mariadbd) command(options []string) []string {
	command := append([]string{"-c", guarded, "sh", m.dir}, m.clock.env()...)
	return append(append(command, m.binary), options...)
}

// waitReady asks over the socket in the folder: on the port a stranger could
// answer. The server opens the socket after the port.
func (m *mariadbd) waitReady() error {
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		if err := execute(m.local(), "DO 1"); err == nil {
			return nil
		}
		log, err := os.ReadFile(m.logPath())
		switch {
		case err != nil:
			return err
		case bytes.Contains(log, []byte("Address already in use")):
			return fmt.Errorf("mariadbd: port %d: %w", m.port, errPortTaken)
		case bytes.Contains(log, []byte("[ERROR] Aborting")):
			return fmt.Errorf("mariadbd gave up:\n%s", tail(log))
		case time.Now().After(deadline):
			return fmt.Errorf("mariadbd was not ready after %s:\n%s", startTimeout, tail(log))
		}
	}
}

// stop ends the process and waits for it: SIGTERM for an orderly shutdown,
// SIGKILL for a crash. The folder stays.
func (m *mariadbd) stop(signal syscall.Signal) error {
	err := m.cmd.Process.Signal(signal)
	kill := time.AfterFunc(stopTimeout, func() { _ = m.cmd.Process.Kill() })
	_ = m.cmd.Wait() // its status says only what the signal was
	if !kill.Stop() {
		err = fmt.Errorf("mariadbd did not stop within %s and was killed", stopTimeout)
	}
	_, dismissed := m.guard.WriteString("\n")
	err = errors.Join(err, dismissed, m.guard.Close())
	m.cmd, m.guard = nil, nil
	return err
}

func (m *mariadbd) remove() error   { return os.RemoveAll(m.dir) }
func (m *mariadbd) logPath() string { return filepath.Join(m.dir, "log") }
func (m *mariadbd) socket() string  { return filepath.Join(m.dir, "socket") }
func (m *mariadbd) addr() string    { return net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port)) }
func (m *mariadbd) local() string   { return "root@unix(" + m.socket() + ")/" }
func (m *mariadbd) dsn() string     { return "root@tcp(" + m.addr() + ")/" }

// tail is the end of a log, where the cause stands.
func tail(log []byte) string {
	lines := strings.Split(strings.TrimSpace(string(log)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
