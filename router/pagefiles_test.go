package router_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
)

// oneFile is a source of one verify file.
type oneFile struct{}

func (oneFile) Body(_ context.Context, name string) (body string, found bool, err error) {
	return "a1B2", name == "MP_verify_a1B2.txt", nil
}

// Verify files are asked for by anybody, and each question goes to the database:
// they are limited by address.
func TestVerifyFileRoute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, checkVerifyFileRoute) // a second between two requests would grant one more
}

func checkVerifyFileRoute(t *testing.T) {
	t.Helper()
	s := newSite(t, func(o *router.Options) {
		o.VerifyFiles, o.Reports = handler.NewVerifyFiles(oneFile{}), router.NewLimiter(1, 3)
	})
	for _, tt := range []struct {
		path   string
		status int
	}{
		{"/MP_verify_a1B2.txt", 200},
		{"/WW_verify_a1B2.txt", 404},
		{"/MP_verify_other.txt", 404},
		{"/MP_verify_a1B2.txt", 429},
	} {
		res := s.ask(t, http.MethodGet, tt.path, "")
		if res.Code != tt.status {
			t.Errorf("%s: %d, want %d", tt.path, res.Code, tt.status)
		}
		if tt.status == http.StatusOK && (res.Body.String() != "a1B2" || res.Header().Get("Location") != "") {
			t.Errorf("%s: %q", tt.path, res.Body)
		}
	}
	if res := newSite(t, nil).ask(t, http.MethodGet, "/MP_verify_a1B2.txt", ""); res.Code != http.StatusNotFound {
		t.Errorf("without a source: %d", res.Code)
	}
}
