package paneltest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A browser that does not wait for its answer, or that has closed its half of the
// connection, is no failure: nothing is called an error, and no page is made.
func TestPanelOfABrowserThatIsGone(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	cookie := k.as("admin").cookie()
	for _, path := range []string{"/admin/", "/admin/history", "/admin/alerts", "/admin/accounts/wx", "/admin/history.csv", "/admin/people"} {
		ctx, leave := context.WithCancel(t.Context())
		leave()
		request := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1"+path, nil)
		request.AddCookie(cookie)
		answer := httptest.NewRecorder()
		k.pages.ServeHTTP(answer, request)
		if answer.Code != 499 || answer.Body.Len() > 0 {
			t.Errorf("%s: %d, %d bytes", path, answer.Code, answer.Body.Len())
		}
	}
}

// cookie is the visitor's session.
func (v visitor) cookie() *http.Cookie {
	v.t.Helper()
	request, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.url, nil)
	v.ok(err)
	for _, cookie := range v.client.Jar.Cookies(request.URL) {
		if cookie.Name == "wxsign" {
			return cookie
		}
	}
	v.t.Fatal("no session")
	return nil
}
