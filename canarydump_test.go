package main_test

import (
	"bytes"
	"net"
	"os/exec"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// seeDump looks at the database as MariaDB's own program writes it down, which is
// what lies in backups: its text, and the same with binary columns in hex.
func (c *canary) seeDump(when, dsn string) {
	c.t.Helper()
	for what, flag := range map[string]string{"text": "--skip-hex-blob", "binary columns in hex": "--hex-blob"} {
		text := c.dump(dsn, flag)
		for _, table := range []string{"account", "credential", "master_key", "api_key", "person", "session", "history", "audit"} {
			if !strings.Contains(text, "INSERT INTO `"+table+"`") {
				c.t.Errorf("the dump of the database %s has no row of %s: it shows nothing", when, table)
			}
		}
		c.see("the dump of the database "+when+", "+what, text)
	}
}

func (c *canary) dump(dsn, flag string) string {
	c.t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		c.t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(config.Addr)
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.CommandContext(c.t.Context(), "mariadb-dump", "--no-defaults", "--protocol=tcp", "--host="+host, "--port="+port,
		"--user="+config.User, "--single-transaction", "--routines", "--triggers", flag, config.DBName)
	cmd.Env = append(cmd.Environ(), "MYSQL_PWD="+config.Passwd)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("mariadb-dump: %v, %s (`make deps` installs it)", err, stderr.String())
	}
	return stdout.String()
}
