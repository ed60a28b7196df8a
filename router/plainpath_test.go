package router_test

import (
	"net/http"
	"net/url"
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

// The quick look never finds a path plain that the thorough one does not.
func TestUsualPathsArePlain(t *testing.T) {
	t.Parallel()
	const account = "/v1/accounts/wx0123456789abcdef"
	for _, tt := range []struct {
		path         string
		usual, plain bool
	}{
		{account + "/access_token", true, true},
		{account + "/tickets/wx_card/report", true, true},
		{"/v1/accounts/ww0123:1000002/access_token", true, true},
		{account + "/", true, true},
		{"/", true, true},
		{"", true, true},
		{account + "//access_token", false, false},
		{"/v1/accounts//access_token", false, false},
		{account + "/./access_token", false, false},
		{account + "/../access_token", false, false},
		{account + "/access%5Ftoken", false, false},
		{account + "/access%2Ftoken", false, false},
		{"/v1/accounts/ww0123%3A1000002/access_token", false, true},
		{"/v1/accounts/%20/access_token", false, true},
		{account + ";a=b/access_token", false, false},
		{account + "/access_token%00", false, false},
		{"/MP_verify_a1B2.txt", false, true},
	} {
		u, err := url.Parse(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if usual, plain := router.IsUsual(u), router.IsPlain(u); usual != tt.usual || plain != tt.plain {
			t.Errorf("%q: usual %t, plain %t, want %t and %t", tt.path, usual, plain, tt.usual, tt.plain)
		}
	}
}
