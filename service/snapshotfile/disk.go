package snapshotfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

var (
	// ErrMissing says that there is no file.
	ErrMissing = errors.New("there is no snapshot file yet")
	// ErrOpenToOthers says that others on this machine may read or write the file.
	ErrOpenToOthers = errors.New("others on this machine may read or write the snapshot file")
)

const (
	// others is what everybody on the machine may do. A group is let be: volumes
	// of Kubernetes are given to one.
	others = 0o007
	// mostBytes is far above what 50,000 accounts need.
	mostBytes = 256 << 20
)

// Read returns what the file holds and still lives, with ends on this process's
// monotonic clock. It fails with ErrMissing, ErrOpenToOthers, ErrDamaged,
// ErrOtherKey, ErrNewer, ErrClock or the system's word.
func (f *File) Read() (Content, error) {
	raw, err := f.load()
	if err != nil {
		return Content{}, err
	}
	now := time.Now() // before the clocks: lives can only come out short
	return decode(raw, f.clock(), now, f.ring)
}

func (f *File) load() ([]byte, error) {
	file, err := os.Open(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrMissing
	case err != nil:
		return nil, fmt.Errorf("open the snapshot file: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("look at the snapshot file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: it is no file", ErrDamaged)
	case info.Mode().Perm()&others != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("%w: its mode is %04o", ErrOpenToOthers, info.Mode().Perm())
	}
	raw, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err == nil && len(raw) > mostBytes {
		err = fmt.Errorf("%w: it is larger than any", ErrDamaged)
	}
	return raw, err
}

// Mend says what to do about an error of Read.
func Mend(err error) string {
	switch {
	case errors.Is(err, ErrMissing):
		return "it is written while wxsign serves and the database answers; is database.snapshot_file the same path as then, on a disk that outlives the process?"
	case errors.Is(err, ErrOpenToOthers):
		return "run `chmod 600` on it; if somebody may have written into it, remove it: the next one is made by itself"
	case errors.Is(err, ErrDamaged):
		return "remove it: the next one is made by itself"
	case errors.Is(err, ErrOtherKey):
		return "give wxsign the master key it was sealed with beside the new one (security.master_key takes several), or remove it"
	case errors.Is(err, ErrNewer):
		return "start the newer wxsign, or remove it"
	case errors.Is(err, ErrClock):
		return "set the clock right, or wait for the database; until then it is tried again"
	}
	return "let the user of wxsign read it"
}

// Write replaces the file in one step: whoever reads it finds the old one or the
// new one whole, also after the power went. at must have been read before c was
// collected.
func (f *File) Write(at Stamp, c *Content) error {
	raw, err := encode(c, at, time.Now(), f.ring)
	if err != nil {
		return err
	}
	folder := filepath.Dir(f.path)
	temporary, err := os.CreateTemp(folder, f.temporaries()) // mode 0600
	if err != nil {
		return fmt.Errorf("make the next snapshot file: %w", err)
	}
	_, err = temporary.Write(raw)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), f.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the snapshot file: %w", err), os.Remove(temporary.Name()))
	}
	return syncFolder(folder)
}

// temporaries is the pattern of names of files that are being written.
func (f *File) temporaries() string { return "." + filepath.Base(f.path) + ".*.new" }

// writingTime is far longer than a file takes to be written.
const writingTime = time.Minute

// sweep removes what processes that died while writing have left. A younger file
// may be another replica's that has the same path: both write the same database's
// values, each file whole, and the later one stays.
func (f *File) sweep() error {
	left, err := filepath.Glob(filepath.Join(filepath.Dir(f.path), f.temporaries()))
	for _, name := range left {
		if info, statErr := os.Stat(name); statErr == nil && time.Since(info.ModTime()) > writingTime {
			err = errors.Join(err, os.Remove(name))
		}
	}
	return err
}

// syncFolder makes a rename outlive a power failure. Not every system lets a
// folder be synced; then the rename is as safe as it makes it.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync the folder of the snapshot file: %w", err)
	}
	defer folder.Close() //nolint:errcheck // nothing was written
	if err := folder.Sync(); err != nil && runtime.GOOS == "linux" {
		return fmt.Errorf("sync the folder of the snapshot file: %w", err)
	}
	return nil
}
