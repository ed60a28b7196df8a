package paneltest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// What a route does with each role: nobody is sent to the sign-in page, who must
// choose a password is sent to do so, and what is not for a role is refused.
const (
	forAnyone   = "anyone"
	forSignedIn = "signed in" // also who must choose a password
	forViewers  = "viewers"
	forAdmins   = "administrators"
)

// matrix says for whom each route of the panel is. A route without a row fails the
// test, and so does a row without a route: whoever adds one says who may enter.
var matrix = map[string]string{
	"GET /": forAnyone, "GET /admin": forAnyone, // lead to the panel

	"GET /admin/static/*path": forAnyone,
	"GET /admin/sign-in":      forAnyone,
	"POST /admin/sign-in":     forAnyone,

	"GET /admin/password":  forSignedIn,
	"POST /admin/password": forSignedIn,
	"POST /admin/sign-out": forSignedIn,

	"GET /admin/":                    forViewers,
	"GET /admin/history":             forViewers,
	"GET /admin/history.csv":         forViewers,
	"GET /admin/history/overwritten": forViewers,
	"GET /admin/history/:id":         forViewers,
	"GET /admin/checker":             forViewers,
	"POST /admin/checker":            forViewers,
	"GET /admin/help/errors":         forViewers,
	"GET /admin/qa":                  forViewers,
	"GET /admin/qa/:id":              forViewers,
	"GET /admin/alerts":              forViewers,
	"GET /admin/deliveries":          forViewers,
	"GET /admin/deliveries/:id":      forViewers,
	"GET /admin/keys":                forViewers,
	"GET /admin/audit":               forViewers,
	"GET /admin/audit/chain":         forViewers,
	"GET /admin/sessions":            forViewers,
	"POST /admin/sessions":           forViewers,

	"GET /admin/accounts/:app_id":          forViewers,
	"GET /admin/accounts/:app_id/timeline": forViewers,

	"GET /admin/new-account":                    forAdmins,
	"POST /admin/new-account":                   forAdmins,
	"GET /admin/accounts/:app_id/edit":          forAdmins,
	"POST /admin/accounts/:app_id/edit":         forAdmins,
	"GET /admin/accounts/:app_id/secret":        forAdmins,
	"POST /admin/accounts/:app_id/secret/:step": forAdmins,
	"POST /admin/accounts/:app_id/refresh":      forAdmins,
	"POST /admin/accounts/:app_id/reveal":       forAdmins,
	"POST /admin/accounts/:app_id/enable":       forAdmins,
	"POST /admin/accounts/:app_id/disable":      forAdmins,
	"GET /admin/accounts/:app_id/delete":        forAdmins,
	"POST /admin/accounts/:app_id/delete":       forAdmins,
	"POST /admin/accounts/:app_id/files":        forAdmins,
	"POST /admin/accounts/:app_id/files/remove": forAdmins,

	"POST /admin/alerts/:id":      forAdmins,
	"POST /admin/alert-test":      forAdmins,
	"POST /admin/deliveries":      forAdmins,
	"POST /admin/deliveries/:id":  forAdmins,
	"POST /admin/keys":            forAdmins,
	"POST /admin/keys/:id/revoke": forAdmins,

	"GET /admin/people":        forAdmins,
	"POST /admin/people":       forAdmins,
	"GET /admin/people/:name":  forAdmins,
	"POST /admin/people/:name": forAdmins,
}

// viewersPost are the posts that are for viewers: they change nothing, or only
// what is the viewer's own.
var viewersPost = []string{"POST /admin/checker", "POST /admin/sessions"}

func TestPanelRouteMatrix(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	visitors := map[string]visitor{"": k.as(""), "new": k.as("new"), "viewer": k.as("viewer"), "admin": k.as("admin")}
	found := map[string]bool{}
	for _, route := range k.routes {
		key := strings.Replace(route.Method, http.MethodHead, http.MethodGet, 1) + " " + route.Path
		found[key] = true
		who, listed := matrix[key]
		if !listed {
			t.Errorf("%s is not in the matrix: who may enter?", key)
			continue
		}
		if strings.HasPrefix(key, http.MethodPost) && who == forViewers && !slices.Contains(viewersPost, key) {
			t.Errorf("%s: a viewer changes nothing", key)
		}
		if key == "POST /admin/sign-out" {
			continue // would end the sessions that the others need; see TestPanelRoutesByRole
		}
		for role, v := range visitors {
			if got, want := v.entry(route.Method, route.Path), entryOf(who, role); got != want {
				t.Errorf("%s %s as %q: %s, want %s", route.Method, route.Path, role, got, want)
			}
		}
	}
	for key := range matrix {
		if !found[key] {
			t.Errorf("the matrix has %s, which is no route", key)
		}
	}
}

// entryOf is what a role meets at a route.
func entryOf(who, role string) string {
	switch {
	case who == forAnyone:
		return "in"
	case role == "":
		return "sign in"
	case who == forSignedIn:
		return "in"
	case role == "new":
		return "choose a password"
	case who == forAdmins && role != "admin":
		return "refused"
	}
	return "in"
}

// entry knocks at a route, with nothing in the form: whoever is let in gets any
// other answer than being sent away.
func (v visitor) entry(method, path string) string {
	v.t.Helper()
	var form url.Values
	if method == http.MethodPost {
		form = url.Values{}
	}
	path = strings.NewReplacer("*path", "admin.css", ":id", "1", ":name", "nobody", ":app_id", "wxnobody", ":file", "x", ":kind",
		"jsapi").Replace(path)
	r := v.send(method, path, form)
	where := r.Header.Get("Location")
	switch {
	case strings.HasPrefix(where, "/admin/sign-in"):
		return "sign in"
	case where == "/admin/password":
		return "choose a password"
	case r.StatusCode == http.StatusForbidden && (method == http.MethodHead || strings.Contains(r.body, "not for your role")):
		return "refused"
	case r.StatusCode >= http.StatusInternalServerError:
		return r.Status
	}
	return "in"
}
