package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// store is a server in which others keep values. It starts again on what it has.
type store struct {
	address string
	dsn     string // of a MariaDB
	command []string
	cmd     *exec.Cmd
}

// start starts it and waits until it accepts. One that does not is ended.
func (s *store) start(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...) //nolint:gosec // our own commands
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	err := dial(ctx, s.address)
	if err != nil {
		s.kill()
	}
	return err
}

// kill ends it on the spot, frozen or not.
func (s *store) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *store) freeze() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

func (s *store) thaw() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

// folder is a new one.
func (b *bench) folder(name string) (string, error) {
	return os.MkdirTemp(b.dir, name+"-")
}

// startRedis starts a server of its own. It writes down each change, as far as the
// system's memory: killed and started again, it has lost nothing.
func (b *bench) startRedis(ctx context.Context) (*store, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	data, err := b.folder("redis")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	s := &store{address: address, command: []string{
		"redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "yes", "--dir", data, "--logfile", data + "/log",
	}}
	return s, s.start(ctx)
}

// startMariaDB makes an empty data folder and a server on it. more are options of
// the server.
func (b *bench) startMariaDB(ctx context.Context, more ...string) (*store, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	data, err := b.folder("mariadb")
	if err != nil {
		return nil, err
	}
	if err := bootstrap(ctx, data); err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(address)
	s := &store{address: address, dsn: "root@tcp(" + address + ")/bench", command: append([]string{
		mariadbd, "--no-defaults", "--user=root", "--datadir=" + data, "--tmpdir=" + data, "--bind-address=127.0.0.1", "--port=" + port,
		"--socket=" + data + "/s", "--pid-file=" + data + "/pid", "--skip-name-resolve", "--skip-grant-tables", "--skip-networking=0",
		"--skip-log-bin", "--init-file=" + initFile(data),
	}, more...)}
	return s, s.start(ctx)
}

const mariadbd = "/usr/sbin/mariadbd"

// bootstrap makes the system's tables.
func bootstrap(ctx context.Context, data string) error {
	if err := os.MkdirAll(filepath.Join(data, "mysql"), 0o700); err != nil {
		return err
	}
	script := bytes.NewBufferString("USE mysql;\n")
	for _, name := range []string{"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"} {
		text, err := os.ReadFile("/usr/share/mysql/" + name)
		if err != nil {
			return err
		}
		script.Write(text)
	}
	// A tmpdir of its own: whoever starts deletes all temporary tables there, a neighbour's too.
	cmd := exec.CommandContext(ctx, mariadbd, "--no-defaults", "--bootstrap", "--user=root", "--datadir="+data, //nolint:gosec // our own
		"--tmpdir="+data, "--log-warnings=0", "--enforce-storage-engine=", "--max-allowed-packet=8M")
	cmd.Stdin = script
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadbd --bootstrap: %w\n%s", err, out)
	}
	return nil
}

// initFile makes the database.
func initFile(data string) string {
	name := filepath.Join(data, "init.sql")
	_ = os.WriteFile(name, []byte("CREATE DATABASE IF NOT EXISTS bench CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"), 0o600)
	return name
}

// dial waits until somebody accepts at addr.
func dial(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		time.Sleep(time.Millisecond)
	}
}

// flush empties Redis.
func flush(ctx context.Context, address string) error {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("FLUSHALL\r\n")); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 16)) //nolint:mnd // +OK
	return err
}
