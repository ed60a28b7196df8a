package cli_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/cli"
	"github.com/wxsign/wxsign/service/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs the program without a configuration file.
func run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Run(ctx, cli.Env{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
	return code, out.String(), errs.String()
}

// Help that was asked for is output, with exit code 0, and does nothing else:
// every one of these runs in a folder without a configuration.
func TestHelp(t *testing.T) {
	t.Parallel()
	for command, says := range map[string][]string{
		"":             {"--config", "serve", "migrate", "config", "master-key", "sign", "verify", "simulator", "--help", "-version"},
		"serve":        {"SIGTERM"},
		"migrate":      {"up", "status"},
		"config":       {"new", "check", "show"},
		"config new":   {"production"},
		"config check": {"fault"},
		"config show":  {"masked"},
		"admin":        {"reset-password"},
		"key create":   {"-scope"},
		"master-key":   {"new", "rotate", "WXSIGN_SECURITY_MASTER_KEY"},
		"sign":         {"-app-id", "-url", "-profile"},
		"verify":       {"-app-id", "-url", "-nonce-str", "-timestamp", "-signature"},
		"simulator":    {"-listen"},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			for _, flag := range []string{"--help", "-h"} {
				code, stdout, stderr := run(t.Context(), append(strings.Fields(command), flag)...)
				if code != 0 || stderr != "" || !strings.HasPrefix(stdout, strings.TrimSpace("Usage: wxsign "+command)) {
					t.Errorf("%s: exit code %d, stdout %q, stderr %q", flag, code, stdout, stderr)
				}
				for _, word := range says {
					if !strings.Contains(stdout, word) {
						t.Errorf("%s: %q is not in %s", flag, word, stdout)
					}
				}
			}
		})
	}
}

// Behind a word that has no help of its own stands that of its command.
func TestHelpBehindWords(t *testing.T) {
	t.Parallel()
	for command, group := range map[string]string{
		"migrate up": "migrate", "migrate status": "migrate", "admin reset-password": "admin", "master-key new": "master-key",
		"master-key rotate": "master-key", "verify-file --app-id A add": "verify-file", "verify-file list": "verify-file",
	} {
		for _, flag := range []string{"--help", "-help", "-h"} {
			code, stdout, stderr := run(t.Context(), append(strings.Fields(command), flag)...)
			if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "Usage: wxsign "+group+" ") {
				t.Errorf("%s %s: exit code %d, stdout %q, stderr %q", command, flag, code, stdout, stderr)
			}
		}
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"sevre":                              `"sevre"`,
		"--nonsense":                         "-nonsense",
		"serve --nonsense":                   "-nonsense",
		"serve now":                          `"now"`,
		"--config":                           "-config",
		"migrate":                            "`wxsign migrate up`",
		"migrate down":                       "`wxsign migrate up`",
		"migrate up now":                     "`wxsign migrate up`",
		"config":                             "new, check or show",
		"config chekc":                       `"chekc"`,
		"master-key":                         "`wxsign master-key new`",
		"master-key old":                     "`wxsign master-key new`",
		"sign":                               "--url",
		"sign --url https://a.example/ more": `"more"`,
		"verify":                             "--app-id",
		"verify --app-id a --url u --nonce-str n --timestamp 1": "--signature",
		"simulator now": `"now"`,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := run(t.Context(), strings.Fields(args)...)
			if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "wxsign: ") || !strings.Contains(stderr, says) || !strings.Contains(stderr, "--help") {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := run(t.Context(), "--version")
	if code != 0 || !strings.HasPrefix(stdout, "wxsign ") || strings.Count(stdout, "\n") != 1 || stderr != "" {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// An error is told on stderr, with exit code 1.
func TestConfigurationFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"serve", "migrate status", "config check", "config show", "sign --url https://a.example/", "simulator"} {
		code, stdout, stderr := run(t.Context(), append([]string{"--config", "/nowhere/wxsign.toml"}, strings.Fields(command)...)...)
		if code != 1 || stdout != "" || !strings.Contains(stderr, "/nowhere/wxsign.toml") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", command, code, stdout, stderr)
		}
	}
}

func TestMasterKeyNew(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 10 {
		code, stdout, stderr := run(t.Context(), "master-key", "new")
		if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 1 {
			t.Fatalf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		if keys, err := secret.ParseKeys(stdout); err != nil || len(keys) != 1 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		seen[stdout] = true
	}
	if len(seen) != 10 {
		t.Errorf("%d different keys of 10", len(seen))
	}
}
