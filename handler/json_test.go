package handler_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/handler"
)

// What is wrong with a body is said in words of JSON, for people who write no Go.
func TestFaultsOfBodies(t *testing.T) {
	t.Parallel()
	post := handler.NewJSSDK(nil, nil).Post // refuses these before it asks for more
	for name, tt := range map[string]struct{ body, code, says string }{
		"nothing":            {"", "json_invalid", ": it is empty. "},
		"cut off":            {`{"url":`, "json_invalid", ": it ends too early. "},
		"a list":             {`[]`, "json_invalid", ": it cannot be of type array. "},
		"a number for a url": {`{"url":5}`, "json_invalid", ": url cannot be of type number. "},
		"an unknown field":   {`{"link":"x"}`, "json_invalid", `: unknown field "link". `},
		"two objects":        {`{} {}`, "json_invalid", ": there is more behind the object. "},
		"no JSON":            {strings.Repeat("x", 8<<10), "json_invalid", ": invalid character 'x' "},
		"no JSON, too long":  {strings.Repeat("x", 8<<10+1), "body_too_large", ": at most 8192 bytes. "},
		"blanks, too long":   {strings.Repeat(" ", 8<<10+1), "body_too_large", ": at most 8192 bytes. "},
	} {
		code, message := refused(t, post, "en", tt.body)
		if code != tt.code || !strings.Contains(message, tt.says) || strings.Contains(message, "Go ") || strings.Contains(message, "json:") {
			t.Errorf("%s: %s %q, want %s with %q", name, code, message, tt.code, tt.says)
		}
	}
}
