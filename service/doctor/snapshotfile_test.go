package doctor_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/doctor"
)

// The snapshot file is looked at before the day on which it is needed.
func TestSnapshotFile(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		make    func(t *testing.T, path string)
		verdict doctor.Verdict
		word    string
	}{
		"not yet":       {func(*testing.T, string) {}, doctor.Note, "there is no"},
		"kept":          {func(t *testing.T, path string) { t.Helper(); write(t, path, 0o600) }, doctor.OK, "is kept up to date"},
		"open to all":   {func(t *testing.T, path string) { t.Helper(); write(t, path, 0o644) }, doctor.Fail, "0644"},
		"a folder":      {func(t *testing.T, path string) { t.Helper(); must(t, os.Mkdir(path, 0o700)) }, doctor.Fail, "is no file"},
		"without place": {func(t *testing.T, path string) { t.Helper(); must(t, os.Remove(filepath.Dir(path))) }, doctor.Fail, "no folder"},
		"old": {func(t *testing.T, path string) {
			t.Helper()
			write(t, path, 0o600)
			then := time.Now().Add(-time.Hour)
			must(t, os.Chtimes(path, then, then))
		}, doctor.Note, "1h0m0s old"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" {
				return // has no such modes
			}
			path := filepath.Join(t.TempDir(), "of", "served.snapshot")
			must(t, os.Mkdir(filepath.Dir(path), 0o700))
			row.make(t, path)
			all := newWorld(t, nil).examine(func(o *doctor.Options) {
				o.Offline = true
				o.Config.Database.SnapshotFile = path
			})
			all.want(t, "files", row.verdict, row.word)
		})
	}
}

func write(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	must(t, os.WriteFile(path, []byte("sealed"), 0o600))
	must(t, os.Chmod(path, mode))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
