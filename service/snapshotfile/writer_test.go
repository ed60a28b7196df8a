package snapshotfile_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/snapshotfile"
)

// source is what a writer is asked to keep.
type source struct {
	mu      sync.Mutex
	content snapshotfile.Content
	away    bool // the database
}

func (s *source) collect() (snapshotfile.Content, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content, !s.away
}

// publish gives the ticket a new life.
func (s *source) publish(t *testing.T, id string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content = content(t, 2*time.Hour, 2*time.Hour)
	s.content.Served[0].Credentials[1].PublishID = id
}

func (s *source) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func newWriter(t *testing.T, w *world, log *bytes.Buffer) (*snapshotfile.Writer, *source) {
	t.Helper()
	s := &source{}
	s.publish(t, "first")
	writer, err := snapshotfile.NewWriter(snapshotfile.WriterOptions{
		File: w.file, Collect: s.collect, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return writer, s
}

// ticketID is the publish id of the ticket in the file, "" where there is none.
func (w *world) ticketID(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat(w.path); os.IsNotExist(err) {
		return ""
	}
	c := w.read(t)
	return c.Served[0].Credentials[1].PublishID
}

// A change is in the file within five seconds, many changes make one file, and
// the last one is in when the writer has stopped.
func TestWriterFollows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWorld(t)
		writer, s := newWriter(t, w, &log)
		writer.Start()
		synctest.Wait()
		if id := w.ticketID(t); id != "first" {
			t.Errorf("after the start the file has %q", id)
		}
		for _, id := range []string{"second", "third", "fourth"} {
			time.Sleep(time.Second)
			s.publish(t, id)
		}
		if id := w.ticketID(t); id != "first" {
			t.Errorf("each change makes a file: %q", id)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if id := w.ticketID(t); id != "fourth" {
			t.Errorf("after five seconds the file has %q", id)
		}
		s.publish(t, "last")
		writer.Stop()
		if id := w.ticketID(t); id != "last" {
			t.Errorf("after the stop the file has %q", id)
		}
		if log.Len() > 0 {
			t.Errorf("it says:\n%s", &log)
		}
	})
}

// While the database is away nobody knows whether memory is still right: the
// file stays as it was, so that its age tells since when.
func TestWriterWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		writer, s := newWriter(t, w, &bytes.Buffer{})
		writer.Start()
		synctest.Wait()
		written := w.read(t).Written
		s.publish(t, "unproved")
		s.set(func() { s.away = true })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if c := w.read(t); !c.Written.Equal(written) {
			t.Errorf("written again %s later", c.Written.Sub(written))
		}
		s.set(func() { s.away = false })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if id := w.ticketID(t); id != "unproved" {
			t.Errorf("with the database back the file has %q", id)
		}
		writer.Stop()
	})
}

// The file is written anew each minute, so that a clock that was put right does
// not make it look old or new for long; between, nothing is written for nothing.
func TestWriterRewrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		writer, _ := newWriter(t, w, &bytes.Buffer{})
		writer.Start()
		var files []time.Time
		for range 299 {
			time.Sleep(time.Second)
			synctest.Wait()
			if at := w.read(t).Written; len(files) == 0 || !files[len(files)-1].Equal(at) {
				files = append(files, at)
			}
		}
		writer.Stop()
		if len(files) != 5 {
			t.Errorf("%d files in five minutes: %v", len(files), files)
		}
	})
}

// A disk that takes nothing is told once, with what to do, and so is its mend.
func TestWriterTellsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := newWorld(t)
		folder := filepath.Dir(w.path)
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		writer, _ := newWriter(t, w, &log)
		writer.Start()
		time.Sleep(time.Minute)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		writer.Stop()
		if n := strings.Count(log.String(), "cannot write the snapshot file"); n != 1 || strings.Count(log.String(), "is written again") != 1 {
			t.Errorf("told %d times:\n%s", n, &log)
		}
		if w.ticketID(t) != "first" {
			t.Error("nothing was written in the end")
		}
	})
}

// What a process left that was killed while writing does not stay; what another
// replica with the same path is writing does.
func TestWriterSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		half := filepath.Join(filepath.Dir(w.path), ".served.snapshot.123.new")
		theirs := filepath.Join(filepath.Dir(w.path), ".served.snapshot.124.new")
		for name, age := range map[string]time.Duration{half: 2 * time.Minute, theirs: time.Second} {
			at := time.Now().Add(-age)
			if err := errors.Join(os.WriteFile(name, []byte("half"), 0o600), os.Chtimes(name, at, at)); err != nil {
				t.Fatal(err)
			}
		}
		writer, _ := newWriter(t, w, &bytes.Buffer{})
		writer.Start()
		writer.Stop()
		if _, err := os.Stat(half); !os.IsNotExist(err) {
			t.Errorf("it is still there: %v", err)
		}
		if _, err := os.Stat(theirs); err != nil {
			t.Errorf("another replica's was removed: %v", err)
		}
	})
}
