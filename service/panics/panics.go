// Package panics says of a panic what may be logged: whoever keeps one from ending
// the process tells of it in the same words.
package panics

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// Describe is what may be logged of the value that recover returned: the text where
// Go's runtime wrote it ("assignment to entry in nil map"), which quotes types and
// numbers and no values of ours, and the type alone of everything else. A text, an
// error or a struct may hold a token, a page's URL or the headers of a request, and
// the log's mask finds only what looks like a secret. Where it was is told by the
// stack, which has addresses and no values.
func Describe(cause any) string {
	if err, ok := cause.(runtime.Error); ok && ofRuntime(cause) {
		return err.Error()
	}
	return fmt.Sprintf("%T", cause)
}

// ofRuntime reports whether the type is one of Go's runtime, parts of which are
// below internal/runtime: other packages may implement runtime.Error, and write
// into it what they like.
func ofRuntime(cause any) bool {
	t := reflect.TypeOf(cause)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == "runtime" || strings.HasPrefix(t.PkgPath(), "internal/runtime/")
}
