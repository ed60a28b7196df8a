// Package handler turns HTTP requests into one service call each and its
// result into an answer. Errors are returned, not written: respond.go is the
// one place where they become a status and a code.
package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
)

// Func is a handler that may fail. Where it returns an error it must not have
// written anything.
type Func func(c *gin.Context) error

// Gin makes f a handler for gin: an error is answered by the table in
// respond.go.
func (f Func) Gin(c *gin.Context) {
	if err := f(c); err != nil {
		Fail(c, err)
	}
}

// errBodyTooLarge and errJSONInvalid are the two ways a request body is bad
// before anyone has looked at its meaning.
var (
	errBodyTooLarge = errors.New("the request body is too large")
	errJSONInvalid  = errors.New("the request body is not the JSON object that is expected here")
)

// readJSON decodes a body of at most limit bytes into v: one JSON value, no
// unknown fields.
func readJSON(c *gin.Context, limit int64, v any) error {
	body := http.MaxBytesReader(c.Writer, c.Request.Body, limit)
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		_, err = decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("there is more behind the object")
		}
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("%w: at most %d bytes", errBodyTooLarge, tooLarge.Limit)
	}
	return fmt.Errorf("%w: %v", errJSONInvalid, err) //nolint:errorlint // the decoder's own error is text for the caller
}
