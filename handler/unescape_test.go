package handler_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/handler"
)

// unescape is to be url.PathUnescape, only quicker.
func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{
		"", "%", "%%", "%2", "%2F", "%2f%3A", "a+b", "%2B", "%zz", "%0g", "%g0", "%00", "%ff", "100%", "%25%32%46", "中%E4%B8%AD", "%E4%B8",
		strings.Repeat("%41", 3000), strings.Repeat("a", 5000) + "%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := url.PathUnescape(text)
		if got, ok := handler.Unescape(text); ok != (err == nil) || got != want {
			t.Errorf("%q: %q, %t; url.PathUnescape says %q, %v", text, got, ok, want, err)
		}
	})
}
