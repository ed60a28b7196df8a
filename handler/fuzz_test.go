package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// Whatever a caller says of the value that it has and of the time that it wants
// to wait: at most a minute, and never without a version to wait for.
func FuzzKnown(f *testing.F) {
	for _, seed := range []struct{ query, tag string }{
		{"wait=30s&after=4", ""},
		{"wait=30", `"abc"`},
		{"wait=-1s&after=1", ""},
		{"wait=1e9h&after=9223372036854775807", "*"},
		{"wait=30s", ""},
		{"after=-2", ""},
		{"wait=%zz", `W/"a", "b,c", "`},
		{"", `"a""b"`},
	} {
		f.Add(seed.query, seed.tag)
	}
	f.Fuzz(func(t *testing.T, query, tag string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.URL.RawQuery = query
		if tag != "" {
			r.Header.Set("If-None-Match", tag)
		}
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = r
		wait, tags, after, err := handler.ParseKnown(c)
		switch {
		case err != nil:
		case wait < 0 || wait > time.Minute:
			t.Errorf("waits for %s", wait)
		case wait > 0 && after < 0 && len(tags) == 0:
			t.Error("waits without a version")
		case after < -1:
			t.Errorf("after version %d", after)
		}
		for _, one := range tags {
			if !strings.Contains(tag, one) {
				t.Errorf("%q has the tag %q", tag, one)
			}
		}
	})
}

// A time of a filter is one that the form can show again, or it is refused.
func FuzzReadTime(f *testing.F) {
	for _, seed := range []string{
		"", "2026-09-17T12:00", "2026-09-17 12:00:01", "2026-09-17", "1969-12-31", "9999-12-31T23:59", "2026-02-30", "12:00",
	} {
		f.Add(seed)
	}
	zone := time.FixedZone("CST", 8*3600)
	f.Fuzz(func(t *testing.T, text string) {
		got, wrong := handler.ReadTime(text, zone)
		if wrong || text == "" {
			if !got.IsZero() {
				t.Errorf("%q: %v", text, got)
			}
			return
		}
		if got.Unix() <= 0 || got.Year() > 9999 {
			t.Errorf("%q: %v", text, got)
		}
		if again, wrong := handler.ReadTime(got.Format("2006-01-02T15:04:05"), zone); wrong || !again.Equal(got.Truncate(time.Second)) {
			t.Errorf("%q is %v, and that %v", text, got, again)
		}
	})
}
