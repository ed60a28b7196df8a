package model

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrInUse says that another process serves on this SQLite file.
var ErrInUse = errors.New("another wxsign is serving on this SQLite file: stop it first, or use MySQL to run several replicas")

// LockForServe keeps a second serving process off a SQLite file; the commands
// do not take this lock and work beside it. The system drops the lock when the
// process ends, however it ends. On MySQL it does nothing: there any number of
// replicas serve together.
func (s *Store) LockForServe() (unlock func() error, err error) {
	if s.driver != SQLite {
		return func() error { return nil }, nil
	}
	file, err := filepath.EvalSymlinks(s.opts.DSN) // one lock, whatever the way to the file
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", s.opts.DSN, err)
	}
	lock := flock.New(file + ".lock")
	locked, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("lock %s.lock: %w", file, err)
	case !locked:
		return nil, fmt.Errorf("%w (%s)", ErrInUse, s.opts.DSN)
	}
	return lock.Unlock, nil
}
