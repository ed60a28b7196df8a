package fleet_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/fleet"
)

// A difference is told once, and that it is gone.
func TestDifferenceIsTold(t *testing.T) {
	t.Parallel()
	const now = 1_800_000_000_000
	path := filepath.Join(t.TempDir(), "wxsign.db")
	store := at(t, path, now)
	var log bytes.Buffer
	self, err := fleet.New(fleet.Options{Store: store, Name: "self", Config: "same", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	replica(t, store, "twin", "same").Beat(t.Context())
	self.Beat(t.Context())
	if log.Len() > 0 {
		t.Errorf("about replicas that are alike it says:\n%s", &log)
	}
	replica(t, store, "stranger", "other").Beat(t.Context())
	self.Beat(t.Context())
	self.Beat(t.Context())
	text := log.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "replica=stranger") || !strings.Contains(text, "wxsign config show") {
		t.Errorf("about one that differs it says:\n%s", text)
	}
	must(t, replica(t, store, "stranger", "other").Leave(t.Context()))
	self.Beat(t.Context())
	self.Beat(t.Context())
	if text := log.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "the same configuration again") != 1 {
		t.Errorf("afterwards it says:\n%s", text)
	}
	// One that was silent for too long is no news.
	replica(t, at(t, path, now-600_000), "lost", "other").Beat(t.Context())
	self.Beat(t.Context())
	if text := log.String(); strings.Count(text, "\n") != 2 {
		t.Errorf("about a lost one it says:\n%s", text)
	}
}
