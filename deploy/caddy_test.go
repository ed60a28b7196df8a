package deploy_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCaddyfile(t *testing.T) {
	t.Parallel()
	run(t, ".", "caddy", "validate", "--adapter", "caddyfile", "--config", "caddy/Caddyfile")
	if said := run(t, ".", "caddy", "fmt", "--diff", "caddy/Caddyfile"); strings.Contains(said, "\n+") || strings.HasPrefix(said, "+") {
		t.Errorf("caddy fmt would write it otherwise:\n%s", said)
	}
}

// Caddy tells of a replica that is away beside what came in, in another log than
// that of the accesses.
// Regression: this one had the queries, with API keys and the pages' addresses.
func TestCaddyLogsNoQuery(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "said")
	pages, inside := startCaddy(t, log, freePort(t))
	for address, path := range map[string]string{
		pages:  "/jssdk/config?url=https%3A%2F%2Fh5.example.com%2Fprivate",
		inside: "/cgi-bin/token?secret=wxs_private",
	} {
		if status := askPlain(t, address, path); status != http.StatusBadGateway && status != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", path, status)
		}
	}
	said := awaitLog(t, log,
		`http\.log\.error.*/jssdk/config\?REDACTED`, `http\.log\.access.*/jssdk/config\?REDACTED`,
		`http\.log\.error.*/cgi-bin/token\?REDACTED`, `http\.log\.access.*/cgi-bin/token\?REDACTED`)
	if strings.Contains(said, "private") {
		t.Errorf("a query is in the log: %s", said)
	}
}

// startCaddy runs Caddy with our file, its addresses replaced and without TLS, and
// returns where its two sites are.
func startCaddy(t *testing.T, log, backend string) (pages, inside string) {
	t.Helper()
	const tries = 5 // a free port can be taken before Caddy opens it
	for try := 1; ; try++ {
		pages, inside = freePort(t), freePort(t)
		said, err := tryCaddy(t, log, backend, pages, inside)
		if err == nil {
			return pages, inside
		}
		if try == tries || !strings.Contains(said, "address already in use") {
			t.Fatalf("Caddy: %v\n%s", err, said)
		}
	}
}

func tryCaddy(t *testing.T, log, backend, pages, inside string) (said string, err error) {
	t.Helper()
	dir := t.TempDir()
	config := changed(t, "caddy/Caddyfile", [][2]string{
		{"{\n\tlog {\n", "{\n\tadmin off\n\tlog {\n"},
		{"\nsign.example.com {", "\nhttp://" + pages + " {"},
		{"\nwxsign.internal.example.com {", "\nhttp://" + inside + " {"},
		{"\tbind 10.0.0.5\n", "\tbind 127.0.0.1\n"},
		{"\ttls internal\n", ""},
		{"remote_ip 10.0.0.0/8", "remote_ip 127.0.0.1"},
		{"reverse_proxy 127.0.0.1:8080 10.0.0.6:8080 {", "reverse_proxy " + backend + " {"},
		{"reverse_proxy 127.0.0.1:8081 {", "reverse_proxy " + backend + " {"},
	})
	path := filepath.Join(dir, "Caddyfile")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), tool(t, "caddy"), "run", "--adapter", "caddyfile", "--config", path)
	command.Env = []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
	return serve(t, command, log, pages, inside)
}
