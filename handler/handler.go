// Package handler turns HTTP requests into one service call each and its
// result into an answer. Errors are returned, not written: respond.go is the
// one place where they become a status and a code.
package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

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
// unknown fields. Its size is judged before what it says.
func readJSON(c *gin.Context, limit int64, v any) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, limit))
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("%w: at most %d bytes", errBodyTooLarge, tooLarge.Limit)
	}
	if err != nil { // its text is about sockets
		return fmt.Errorf("%w: it did not arrive whole", errJSONInvalid)
	}
	if err := decodeJSON(body, v); err != nil {
		return fmt.Errorf("%w: %s", errJSONInvalid, jsonFault(err))
	}
	return nil
}

func decodeJSON(body []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the object")
	}
	return nil
}

// jsonFault is the decoder's error in words of JSON: its own name types of Go.
func jsonFault(err error) string {
	wrong, typed := errors.AsType[*json.UnmarshalTypeError](err)
	switch {
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	case typed && wrong.Field == "":
		return "it cannot be of type " + wrong.Value
	case typed:
		return wrong.Field + " cannot be of type " + wrong.Value
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
