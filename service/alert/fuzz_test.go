package alert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/alert"
)

// Hours that are understood begin with their first minute and end before their
// last; others are refused with words that show how.
func FuzzParseQuiet(f *testing.F) {
	for _, seed := range []string{
		"", "22:00-08:00", "8:5-9:10", "00:00-24:00", "23:59-00:00", "08:00-08:00", "22:00", "22:00–08:00", " 1:00 - 2:00 ", "a-b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quiet, err := alert.ParseQuiet(text)
		if err != nil {
			if !strings.Contains(err.Error(), "22:00-08:00") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		day, waits := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), 0
		for minute := range 24 * 60 {
			if quiet.At(day.Add(time.Duration(minute) * time.Minute)) {
				waits++
			}
		}
		if text == "" {
			if waits != 0 {
				t.Errorf("never has %d minutes", waits)
			}
			return
		}
		begin, end, _ := strings.Cut(text, "-")
		from, err1 := time.Parse("15:04", strings.TrimSpace(begin))
		to, err2 := time.Parse("15:04", strings.TrimSpace(end))
		if err1 != nil || err2 != nil || !quiet.At(from) || quiet.At(to) || !quiet.At(to.Add(-time.Minute)) {
			t.Fatalf("%q: from %v, to %v", text, from, to)
		}
		if length := (int(to.Sub(from).Minutes()) + 24*60) % (24 * 60); waits != length {
			t.Errorf("%q has %d minutes, want %d", text, waits, length)
		}
	})
}
