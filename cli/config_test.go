package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/cli"
)

// shippedConfig is a small stand-in for the config.toml of the program.
const shippedConfig = "# >>> demo\n[simulator]\nenabled = true\n# <<< demo\n[log]\nlevel = \"info\"\n"

// runConfig runs the program with a configuration file of that text.
func runConfig(t *testing.T, text string, env []string, args ...string) (code int, stdout, stderr, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "my.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code = cli.Run(t.Context(), cli.Env{
		Args: append([]string{"--config", path, "config"}, args...), Environ: env,
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Shipped: shippedConfig,
	})
	return code, out.String(), errs.String(), path
}

func TestConfigNewPrintsProduction(t *testing.T) {
	t.Parallel()
	code, stdout, stderr, _ := runConfig(t, "[nonsense", nil, "new") // it needs no file
	if want := "[log]\nlevel = \"info\"\n"; code != 0 || stdout != want || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q; want %q", code, stdout, stderr, want)
	}
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	t.Run("valid", func(t *testing.T) {
		t.Parallel()
		code, stdout, stderr, path := runConfig(t, "[log]\nlevel = \"warn\"\n", []string{"WXSIGN_PORT=1"}, "check")
		if code != 0 || stdout != path+" is valid\n" || !strings.Contains(stderr, "warning: the environment variable WXSIGN_PORT") {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
	})
	t.Run("two faults", func(t *testing.T) {
		t.Parallel()
		text := "[log]\nlevel = \"loud\"\n[[account]]\napp_id = \"wx/1\"\nsecret = \"s3cr3t\"\n"
		code, stdout, stderr, path := runConfig(t, text, nil, "check")
		want := "has 2 faults:\n" +
			path + ":2: log.level cannot be \"loud\"; choose debug, info, warn or error\n" +
			path + ":4: account[0].app_id "
		if code != 1 || stdout != "" || !strings.Contains(stderr, want) || strings.Contains(stderr, "s3cr3t") {
			t.Errorf("exit code %d, stdout %q, stderr %q; want %q", code, stdout, stderr, want)
		}
	})
}

func TestConfigShow(t *testing.T) {
	t.Parallel()
	text := "[[account]]\napp_id = \"wx1\"\nsecret = \"s3cr3t\"\n"
	code, stdout, stderr, path := runConfig(t, text, []string{"WXSIGN_LOG_LEVEL=debug", "WXSIGN_ODD=1"}, "show")
	if code != 0 || !strings.Contains(stderr, "WXSIGN_ODD") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	for _, line := range []string{
		"level = \"debug\" # env WXSIGN_LOG_LEVEL\n", "secret = \"***\" # " + path + ":3\n", "format = \"text\" # default\n",
	} {
		if !strings.Contains(stdout, line) {
			t.Errorf("stdout lacks %q:\n%s", line, stdout)
		}
	}
	code, stdout, stderr, _ = runConfig(t, "log = 1\n", nil, "show")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "has 1 fault:") {
		t.Errorf("a fault: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestConfigUsage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		{"nothing", nil, 2, "", "say new, check or show"},
		{"unknown", []string{"edit"}, 2, "", `there is no "edit"`},
		{"too much", []string{"check", "more"}, 2, "", `unexpected "more"`},
		{"unknown flag", []string{"show", "--all"}, 2, "", "-all"},
		{"help", []string{"--help"}, 0, "new | check | show", ""},
		{"help of new", []string{"new", "--help"}, 0, "wxsign config new > config.toml", ""},
		{"help of check", []string{"check", "--help"}, 0, "every fault", ""},
		{"help of show", []string{"show", "--help"}, 0, "masked", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr, _ := runConfig(t, "", nil, test.args...)
			if code != test.code || !strings.Contains(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

func TestAMissingFileIsAFaultOnlyIfAskedFor(t *testing.T) {
	// Not parallel: it changes the working directory to one without config.toml.
	t.Chdir(t.TempDir())
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := cli.Run(t.Context(), cli.Env{
			Args: args, Environ: []string{"WXSIGN_LOG_LEVEL=error"},
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Shipped: shippedConfig,
		})
		return code, out.String(), errs.String()
	}
	if code, stdout, stderr := run("config", "show"); code != 0 || !strings.Contains(stdout, "level = \"error\" # env") {
		t.Errorf("not asked for: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, _, stderr := run("--config", "config.toml", "config", "show"); code != 1 || !strings.Contains(stderr, "config.toml") {
		t.Errorf("asked for: exit code %d, stderr %q", code, stderr)
	}
}
