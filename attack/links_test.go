package attack_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// A link on another site opens any address of the panel in the browser of an
// administrator who is signed in: the cookie comes along, as it should, and nothing
// is changed by it.
func TestLinksOfOthersChangeNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t, shipped(t), underAttack...)
	s := p.serve()
	waitFor(t, "a signature", func() bool { status, _ := s.sign(demoApp, page); return status == http.StatusOK })
	browser := administrator(t, p, s)
	a, r, world := &arsenal{app: demoApp}, rand.New(rand.NewPCG(1, 2)), state(t, p, s)
	opened, seen := map[string]bool{}, 0
	for range 300 {
		path := a.door(r)
		if opened[path] {
			continue
		}
		opened[path] = true
		link := s.panel + path + "?" + a.form(r)
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			request, err := http.NewRequestWithContext(t.Context(), method, link, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Sec-Fetch-Site", "cross-site")
			request.Header.Set("Sec-Fetch-Mode", "navigate")
			response, err := browser.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s %s: status %d", method, link, response.StatusCode)
			}
			if response.StatusCode == http.StatusOK {
				seen++
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d pages were shown: is the administrator signed in?", seen)
	}
	if got := state(t, p, s); got != world {
		t.Errorf("links changed something.\nbefore: %s\nafter:  %s", world, got)
	}
	if status := visit(t, browser, s.panel+"/admin/people", nil); status != http.StatusOK {
		t.Errorf("a link signed the administrator out: status %d", status)
	}
}

// administrator is the browser of one who has signed in and chosen a password.
func administrator(t *testing.T, p *place, s *server) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := s.client()
	browser.Jar = jar
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	oneTime, chosen := []string{p.run("admin", "reset-password", "ann")}, []string{"long enough to be a password"}
	for _, step := range []struct {
		path   string
		fields url.Values
	}{
		{"/admin/sign-in", url.Values{"name": {"ann"}, "password": oneTime}},
		{"/admin/password", url.Values{"chosen": chosen, "repeated": chosen}},
	} {
		if status := visit(t, browser, s.panel+step.path, step.fields); status != http.StatusSeeOther {
			t.Fatalf("%s: status %d", step.path, status)
		}
	}
	return browser
}

// visit opens a page, or sends a form of the panel's own.
func visit(t *testing.T, browser *http.Client, address string, fields url.Values) (status int) {
	t.Helper()
	method := http.MethodGet
	if fields != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := browser.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}
