package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// build makes wxsign as a release does, and the Go peers.
func (b *bench) build(ctx context.Context) error {
	if err := os.MkdirAll(b.bin, 0o755); err != nil { //nolint:gosec // a scratch folder
		return err
	}
	for _, step := range []struct {
		dir  string
		args []string
	}{
		{"..", []string{"build", "-trimpath", "-tags=nomsgpack", "-ldflags=-s -w", "-o", filepath.Join(b.bin, "wxsign"), "."}},
		{".", []string{"build", "-trimpath", "-tags=nomsgpack", "-o", b.bin + "/", "./peers/..."}},
	} {
		cmd := exec.CommandContext(ctx, "go", step.args...) //nolint:gosec // our own commands
		cmd.Dir = step.dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %v: %w\n%s", step.args, err, out)
		}
	}
	return nil
}
