package model_test

import (
	"testing"

	"github.com/wxsign/wxsign/model"
)

// A place that was read is one that can be written and read again.
func FuzzParsePlace(f *testing.F) {
	for _, seed := range []string{
		"", "1-1", "1700000000000-42", "-1-1", "1--1", "1", "9223372036854775808-1", "1-0", "+1-1", "a-b", "1-1-1", " 1-1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		atMs, id, ok := model.ParsePlace(text)
		if !ok {
			if atMs != 0 || id != 0 {
				t.Errorf("%q is no place, and yet %d, %d", text, atMs, id)
			}
			return
		}
		againMs, againID, ok := model.ParsePlace(model.FormatPlace(atMs, id))
		if !ok || againMs != atMs || againID != id || atMs <= 0 || id <= 0 {
			t.Errorf("%q is the place %d, %d", text, atMs, id)
		}
	})
}
