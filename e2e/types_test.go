package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compile lets the real tsc look at a file of testdata/types, in a project that has
// the page helper as its npm package.
func compile(t *testing.T, file string, options ...string) (said string, err error) {
	t.Helper()
	dir := t.TempDir()
	packed := filepath.Join(dir, "node_modules", "wxsign")
	if err := os.CopyFS(packed, os.DirFS(filepath.Join("..", "web", "jssdk"))); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join("testdata", "types", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), source, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type": "module"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	tsc, err := filepath.Abs(filepath.Join("node_modules", "typescript", "bin", "tsc"))
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{tsc, "--noEmit", "--strict", "--skipLibCheck", "false", "--lib", "es2020,dom"}, options...)
	command := exec.CommandContext(t.Context(), "node", append(args, file)...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	return string(out), err
}

// The types compile as people's projects look at them: through a bundler, and as
// Node does, for import and for require.
func TestTypesCompile(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"a bundler":     {"use.ts", "--module", "esnext", "--moduleResolution", "bundler"},
		"Node, import":  {"use.ts", "--module", "nodenext"},
		"Node, require": {"use.cts", "--module", "nodenext"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if said, err := compile(t, args[0], args[1:]...); err != nil {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
	t.Run("what is wrong is refused", func(t *testing.T) {
		t.Parallel()
		said, err := compile(t, "wrong.ts", "--module", "esnext", "--moduleResolution", "bundler")
		if err == nil {
			t.Error("tsc takes everything")
		}
		for _, line := range []string{"wrong.ts(4,", "wrong.ts(5,", "wrong.ts(6,", "wrong.ts(7,"} {
			if !strings.Contains(said, line) {
				t.Errorf("nothing about %s\n%s", line, said)
			}
		}
	})
}

// TypeScript wants the types under a second name for import; they are the same.
func TestTypesHaveOneText(t *testing.T) {
	t.Parallel()
	one, err := os.ReadFile(filepath.Join("..", "web", "jssdk", "wxsign.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join("..", "web", "jssdk", "wxsign.d.mts"))
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(other) {
		t.Error("wxsign.d.mts is not wxsign.d.ts: copy it")
	}
}
