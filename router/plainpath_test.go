package router_test

import (
	"net/http"
	"testing"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
)

// A proxy's rule on /jssdk/ or /admin/ must hold for all that these routes answer
// to.
func TestPathsAreFoundInOneSpellingOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *router.Options) { o.VerifyFiles = handler.NewVerifyFiles(oneFile{}) })
	for name, tt := range map[string]struct {
		path string
		want int
	}{
		"as documented":        {"/jssdk/wxsign.js", http.StatusOK},
		"escaped slash":        {"/jssdk%2Fwxsign.js", http.StatusNotFound},
		"small escaped slash":  {"/jssdk%2fwxsign.js", http.StatusNotFound},
		"escaped letter":       {"/%6assdk/wxsign.js", http.StatusNotFound},
		"escaped last letter":  {"/jssdk/wxsign.j%73", http.StatusNotFound},
		"escaped dot":          {"/jssdk/wxsign%2Ejs", http.StatusNotFound},
		"escaped dot segment":  {"/jssdk/%2E%2E/jssdk/wxsign.js", http.StatusNotFound},
		"escaped hyphen":       {"/jssdk/a%2Db", http.StatusNotFound},
		"escaped twice":        {"/jssdk%252Fwxsign.js", http.StatusNotFound},
		"two slashes":          {"//jssdk/wxsign.js", http.StatusNotFound},
		"slashes inside":       {"/jssdk//wxsign.js", http.StatusNotFound},
		"dot segment":          {"/./jssdk/wxsign.js", http.StatusNotFound},
		"dots":                 {"/admin/../jssdk/wxsign.js", http.StatusNotFound},
		"slash at the end":     {"/jssdk/wxsign.js/", http.StatusNotFound},
		"other case":           {"/JSSDK/wxsign.js", http.StatusNotFound},
		"backslash":            {"/jssdk%5Cwxsign.js", http.StatusNotFound},
		"path parameter":       {"/jssdk/wxsign.js;a=b", http.StatusNotFound},
		"escaped line end":     {"/jssdk/wxsign.js%0A", http.StatusNotFound},
		"escaped end of text":  {"/jssdk/wxsign.js%00", http.StatusNotFound},
		"verify file":          {"/MP_verify_a1B2.txt", http.StatusOK},
		"escaped verify file":  {"/MP_verify_a1%422.txt", http.StatusNotFound},
		"dot in a verify file": {"/MP_verify_a1B2%2Etxt", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := s.ask(t, http.MethodGet, tt.path, "")
			if tt.want == http.StatusNotFound {
				checkProblem(t, w, http.StatusNotFound, "not_found")
			} else if w.Code != tt.want {
				t.Errorf("status %d, want %d", w.Code, tt.want)
			}
		})
	}
}
