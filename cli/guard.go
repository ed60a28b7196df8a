package cli

import (
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/wxsign/wxsign/service/panics"
)

// guarded ends the connection of a request whose handler panics, and logs where that
// was. Routes have their own guard, which answers; this one is for what stands
// outside of them, and for the metrics and profiles: net/http would log the value
// that the handler panicked with, whatever that holds.
func guarded(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause != http.ErrAbortHandler { //nolint:errorlint // a sentinel that is never wrapped
				log.Error("a request panicked; its connection was ended", "err", "panic: "+panics.Describe(cause), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}()
		h.ServeHTTP(w, r)
	})
}
