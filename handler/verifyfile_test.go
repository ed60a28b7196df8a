package handler_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

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
	files := handler.NewVerifyFiles(drawer{"MP_verify_a1B2.txt": "a1B2", "WW_verify_c3d4.txt": "c3"})
	engine.GET("/MP_verify_:code", handler.Func(files.Get).Gin)
	engine.GET("/WW_verify_:code", handler.Func(files.Get).Gin)
	for _, tt := range []struct {
		path   string
		status int
		body   string
	}{
		{"/MP_verify_a1B2.txt", http.StatusOK, "a1B2"},
		{"/WW_verify_c3d4.txt", http.StatusOK, "c3"},
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

// countingDrawer counts how often it is opened.
type countingDrawer struct {
	drawer
	opened *int
}

func (d countingDrawer) Body(ctx context.Context, name string) (body string, found bool, err error) {
	*d.opened++
	return d.drawer.Body(ctx, name)
}

// Files that nobody entered are asked for from ever new addresses: of all of them
// together few reach the database.
func TestVerifyFilesInVainAreLimitedTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine, opened := gin.New(), 0
		files := handler.NewVerifyFiles(countingDrawer{drawer{"MP_verify_a1B2.txt": "a1B2"}, &opened})
		engine.GET("/MP_verify_:code", handler.Func(files.Get).Gin)
		status := func(name string) int { return ask(engine, http.MethodGet, "/MP_verify_"+name, "").Code }
		for range 1000 {
			if got := status("a1B2.txt"); got != http.StatusOK {
				t.Fatalf("a file that is there: %d", got)
			}
			if got := status("no-file"); got != http.StatusNotFound {
				t.Fatalf("no name of a file: %d", got)
			}
		}
		opened = 0
		for i := range 1000 {
			status("none" + strconv.Itoa(i) + ".txt")
		}
		if got := status("a1B2.txt"); opened != 400 || got != http.StatusTooManyRequests {
			t.Errorf("%d of 1,000 were looked up, want 400; then a file that is there: %d", opened, got)
		}
		time.Sleep(time.Second)
		if got := status("a1B2.txt"); got != http.StatusOK {
			t.Errorf("a second later: %d", got)
		}
	})
}
