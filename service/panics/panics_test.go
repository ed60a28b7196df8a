package panics_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/panics"
)

const token = "canary0Q7xaccess_tokenZ9"

// borrowed calls itself an error of the runtime, and is none.
type borrowed struct{ text string }

func (b borrowed) Error() string { return b.text }

func (borrowed) RuntimeError() {}

// ended runs what panics, and gives what recover returned.
func ended(f func()) (cause any) {
	defer func() { cause = recover() }()
	f()
	return nil
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	var (
		missing map[string]int
		held    any = token
		nothing *http.Request
		none    []string
	)
	for name, tt := range map[string]struct {
		panics func()
		want   string
	}{
		"a text":                  {func() { panic("cannot handle " + token) }, "string"},
		"an error":                {func() { panic(errors.New(token)) }, "*errors.errorString"},
		"an error around one":     {func() { panic(fmt.Errorf("%s: %w", token, errors.ErrUnsupported)) }, "*fmt.wrapError"},
		"bytes":                   {func() { panic([]byte(token)) }, "[]uint8"},
		"a struct":                {func() { panic(struct{ Value string }{token}) }, "struct { Value string }"},
		"a request":               {func() { panic(&http.Request{Header: http.Header{"Authorization": {token}}}) }, "*http.Request"},
		"one like the runtime's":  {func() { panic(borrowed{token}) }, "panics_test.borrowed"},
		"its pointer":             {func() { panic(&borrowed{token}) }, "*panics_test.borrowed"},
		"Go's: a nil map":         {func() { missing[token] = 1 }, "assignment to entry in nil map"},
		"Go's: a nil pointer":     {func() { _ = nothing.Method }, "invalid memory address or nil pointer dereference"},
		"Go's: an index":          {func() { _ = none[len(token)] }, "index out of range"},
		"Go's: another type":      {func() { _ = held.(fmt.Stringer) }, "interface conversion: string is not fmt.Stringer"},
		"Go's: an unhashable key": {func() { _ = map[any]int{}[[]string{token}] }, "hash of unhashable type"},
		"Go's: nil":               {func() { panic(nil) }, "panic called with nil argument"}, //nolint:govet // on purpose
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := panics.Describe(ended(tt.panics))
			exact := !strings.HasPrefix(name, "Go's")
			if exact && got != tt.want || !strings.Contains(got, tt.want) || strings.Contains(got, token) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
