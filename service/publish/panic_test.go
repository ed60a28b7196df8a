package publish_test

import (
	"bytes"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/publish"
	"github.com/wxsign/wxsign/service/snapshot"
)

// broken is a table that brings out a fault of ours.
type broken struct{}

func (broken) All() iter.Seq[*snapshot.View] { panic("a value of ours") }

// A pass that panics is a failure like another: it is tried again, and what it
// carried stays out of the log.
func TestPanicIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log bytes.Buffer
	p := w.stopped(broken{}, func(o *publish.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	p.Start()
	w.until("a second failure", func() bool { return p.Status().Failing > 1 })
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, `err="panic: string" stack=`) || strings.Contains(text, "a value of ours") {
		t.Errorf("the log does not tell of the panic, or of what it carried:\n%s", text)
	}
	if text := p.Status().Error; !strings.Contains(text, "panicked") {
		t.Errorf("the status says %q", text)
	}
}
