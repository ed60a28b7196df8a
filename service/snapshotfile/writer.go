package snapshotfile

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

const (
	// lookInterval is the least time between two files: what has changed by then
	// goes into one.
	lookInterval = 5 * time.Second
	// rewriteInterval is the most: a clock that was set meanwhile is in the next.
	rewriteInterval = time.Minute
)

// WriterOptions are those of NewWriter. File and Collect are required.
type WriterOptions struct {
	File *File
	// Collect returns what is served now; false = it is not known to be what the
	// database holds, and the file stays as it is.
	Collect func() (Content, bool)
	Logger  *slog.Logger // nil = slog.Default()
}

// Writer keeps a file up to date. Start and Stop it once.
type Writer struct {
	file    *File
	collect func() (Content, bool)
	log     *slog.Logger

	seed    maphash.Seed
	written uint64    // of what is in the file
	at      time.Time // when it was written
	failing bool

	stop context.CancelFunc
	done sync.WaitGroup
}

// NewWriter makes a Writer that does nothing yet.
func NewWriter(o WriterOptions) (*Writer, error) {
	if o.File == nil || o.Collect == nil {
		return nil, errors.New("snapshotfile: File and Collect are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Writer{file: o.File, collect: o.Collect, log: o.Logger, seed: maphash.MakeSeed()}, nil
}

// Start writes the file soon and from then on whenever something has changed.
func (w *Writer) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	w.done.Go(func() { w.run(ctx) })
}

// Stop writes what has changed last and ends what Start began.
func (w *Writer) Stop() {
	if w.stop == nil {
		return
	}
	w.stop()
	w.done.Wait()
}

func (w *Writer) run(ctx context.Context) {
	if err := w.file.sweep(); err != nil {
		w.log.Debug("cannot remove what an earlier process has left beside the snapshot file", "err", err)
	}
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		w.look()
		select {
		case <-ctx.Done():
			w.look()
			return
		case <-tick.C:
		}
	}
}

// look writes the file if it is due, and tells once where it cannot.
func (w *Writer) look() {
	at := w.file.clock()
	content, current := w.collect()
	if !current {
		return
	}
	sum := w.sum(&content)
	if sum == w.written && time.Since(w.at) < rewriteInterval {
		return
	}
	err := w.file.Write(at, &content)
	switch {
	case err != nil && !w.failing:
		w.log.Error("cannot write the snapshot file; a start without the database would find an old one or none. Make room on the disk, or let wxsign write into the folder of database.snapshot_file", "err", err)
	case err == nil && w.failing:
		w.log.Info("the snapshot file is written again")
	}
	w.failing = err != nil
	if err == nil {
		w.written, w.at = sum, time.Now()
	}
}

// sum tells contents apart, in any order of accounts and keys.
func (w *Writer) sum(c *Content) (sum uint64) {
	sum = 1 // not that of a file that was never written
	part := func(texts ...string) {
		var h maphash.Hash
		h.SetSeed(w.seed)
		for _, text := range texts {
			_, _ = h.WriteString(text)
			_ = h.WriteByte(0)
		}
		sum += h.Sum64()
	}
	for i := range c.Served {
		a := &c.Served[i]
		part(a.Account.AppID, strconv.FormatInt(a.Account.Rev, 10))
		for _, v := range a.Credentials {
			part(a.Account.AppID, v.Kind, v.PublishID, strconv.FormatInt(v.ExpiresAt, 10))
		}
	}
	for i := range c.Keys {
		part(c.Keys[i].ID)
	}
	return sum
}
