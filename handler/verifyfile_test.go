package handler_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
)

// drawer holds verify files.
type drawer map[string]string

func (d drawer) Body(_ context.Context, name string) (body string, found bool, err error) {
	if name == "MP_verify_broken.txt" {
		return "", false, errors.New("the database is away")
	}
	body, found = d[name]
	return body, found, nil
}

func TestVerifyFile(t *testing.T) {
	t.Parallel()
	engine := gin.New()
	files := handler.NewVerifyFiles(drawer{"MP_verify_a1B2.txt": "a1B2", "WW_verify_c3.txt": "c3"})
	engine.GET("/MP_verify_:code", handler.Func(files.Get).Gin)
	engine.GET("/WW_verify_:code", handler.Func(files.Get).Gin)
	for _, tt := range []struct {
		path   string
		status int
		body   string
	}{
		{"/MP_verify_a1B2.txt", http.StatusOK, "a1B2"},
		{"/WW_verify_c3.txt", http.StatusOK, "c3"},
		{"/MP_verify_unknown.txt", http.StatusNotFound, ""},
		{"/MP_verify_a1B2", http.StatusNotFound, ""},
		{"/MP_verify_%2e%2e.txt", http.StatusNotFound, ""},
		{"/MP_verify_broken.txt", http.StatusInternalServerError, ""},
	} {
		res := ask(engine, http.MethodGet, tt.path, "")
		if res.Code != tt.status || tt.body != "" && res.Body.String() != tt.body {
			t.Errorf("%s: %d %q", tt.path, res.Code, res.Body)
		}
		if got := res.Header().Get("Content-Type"); tt.body != "" && got != "text/plain; charset=utf-8" {
			t.Errorf("%s: %s", tt.path, got)
		}
	}
}
