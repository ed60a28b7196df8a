package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// startRedis starts a server of its own without persistence.
func (b *bench) startRedis(ctx context.Context) (string, func(), error) {
	addr, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.CommandContext(ctx, "redis-server", //nolint:gosec // our own
		"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no")
	return addr, stopper(cmd), startAndDial(cmd, addr)
}

// startMariaDB makes an empty data folder and a server on it.
func (b *bench) startMariaDB(ctx context.Context) (string, *exec.Cmd, error) {
	addr, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(addr)
	data := filepath.Join(b.dir, "mariadb")
	if err := os.MkdirAll(filepath.Join(data, "mysql"), 0o700); err != nil {
		return "", nil, err
	}
	script := bytes.NewBufferString("USE mysql;\n")
	for _, name := range []string{"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"} {
		text, err := os.ReadFile("/usr/share/mysql/" + name)
		if err != nil {
			return "", nil, err
		}
		script.Write(text)
	}
	server := "/usr/sbin/mariadbd"
	bootstrap := exec.CommandContext(ctx, server, "--no-defaults", "--bootstrap", "--user=root", "--datadir="+data, //nolint:gosec // our own
		"--log-warnings=0", "--enforce-storage-engine=", "--max-allowed-packet=8M")
	bootstrap.Stdin = script
	if out, err := bootstrap.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("mariadbd --bootstrap: %w\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, server, "--no-defaults", "--user=root", "--datadir="+data, //nolint:gosec // our own
		"--bind-address=127.0.0.1", "--port="+port, "--socket="+data+"/s", "--pid-file="+data+"/pid",
		"--skip-name-resolve", "--skip-grant-tables", "--skip-networking=0", "--skip-log-bin", "--init-file="+initFile(data))
	return "root@tcp(" + addr + ")/bench", cmd, startAndDial(cmd, addr)
}

// initFile makes the database.
func initFile(data string) string {
	name := filepath.Join(data, "init.sql")
	_ = os.WriteFile(name, []byte("CREATE DATABASE IF NOT EXISTS bench CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n"), 0o600)
	return name
}

func stopper(cmd *exec.Cmd) func() {
	return func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
}

func startAndDial(cmd *exec.Cmd, addr string) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	return dial(addr)
}

// dial waits until somebody accepts at addr.
func dial(addr string) error {
	var err error
	for deadline := time.Now().Add(readyWithin); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		var c net.Conn
		if c, err = net.DialTimeout("tcp", addr, time.Second); err == nil { //nolint:noctx // bounded
			return c.Close()
		}
	}
	return err
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
