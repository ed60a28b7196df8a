package cli_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/cli"
)

// What a handler panics with, metrics and profiles included, comes into no log, not
// even into that of net/http; the caller sees an answer that breaks off.
func TestPanicOfAHandlerIsNotQuoted(t *testing.T) {
	t.Parallel()
	const token = "canary0Q7xaccess_tokenZ9"
	for name, tt := range map[string]struct {
		cause  any
		logged string
	}{
		"a text":        {"cannot handle " + token, `err="panic: string"`},
		"an error":      {errors.New(token), `err="panic: *errors.errorString"`},
		"a broken call": {http.ErrAbortHandler, ""},
	} {
		for _, begun := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var log bytes.Buffer
				h := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})
				s := httptest.NewUnstartedServer(cli.Guarded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if begun {
						_, _ = io.WriteString(w, "begun")
						_ = http.NewResponseController(w).Flush()
					}
					panic(tt.cause)
				}), slog.New(h)))
				s.Config.ErrorLog = slog.NewLogLogger(h, slog.LevelDebug)
				s.Start()
				err := readAll(t, s)
				s.Close()
				if err == nil {
					t.Error("the answer looks whole")
				}
				text := log.String()
				if strings.Contains(text, token) || !strings.Contains(text, tt.logged) || (tt.logged == "") != (text == "") {
					t.Errorf("the log:\n%s", text)
				}
			})
		}
	}
}

// readAll fails where the answer of a server is not whole.
func readAll(t *testing.T, s *httptest.Server) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Client().Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.ReadAll(answer.Body)
	return err
}
