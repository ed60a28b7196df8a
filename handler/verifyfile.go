package handler

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/account"
)

// VerifyFileSource knows the files that prove to WeChat's console whose a domain
// is; *account.VerifyFiles is one.
type VerifyFileSource interface {
	Body(ctx context.Context, name string) (body string, found bool, err error)
}

// VerifyFiles answers GET /MP_verify_<code>.txt and /WW_verify_<code>.txt.
type VerifyFiles struct {
	source VerifyFileSource
	misses misses
}

// NewVerifyFiles makes the handler.
func NewVerifyFiles(source VerifyFileSource) *VerifyFiles {
	return &VerifyFiles{source: source, misses: newMisses()}
}

// Get answers with the very text that was entered, and with ErrNotFound where
// nobody entered one: WeChat compares every byte and follows no redirect.
func (h *VerifyFiles) Get(c *gin.Context) error {
	name := strings.TrimPrefix(c.Request.URL.Path, "/")
	if !account.IsVerifyFileName(name) {
		return ErrNotFound
	}
	if err := h.misses.check(); err != nil {
		return err
	}
	body, found, err := h.source.Body(c.Request.Context(), name)
	if err != nil {
		return err
	}
	if !found {
		h.misses.count()
		return ErrNotFound
	}
	c.Header("Cache-Control", "no-cache") // a proxy must not keep what was taken out
	c.Data(http.StatusOK, "text/plain; charset=utf-8", []byte(body))
	return nil
}
