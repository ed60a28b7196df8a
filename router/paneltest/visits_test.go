package paneltest_test

import (
	"net/http"
	"testing"

	"github.com/wxsign/wxsign/router"
)

// Regression: each made-up cookie was looked up in the database, however many
// came from one address.
func TestMadeUpCookiesAreLimited(t *testing.T) {
	t.Parallel()
	const atOnce, perSecond = 5, 1
	v := newPanelKit(t, panelKitOptions{proxies: []string{"127.0.0.0/8"}, visits: router.NewLimiter(perSecond, atOnce)}).visitor()
	visit := func(path, from string) int {
		return v.get(path, func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "wxsign", Value: "made-up-01234567890123456789012345678901234"})
			r.Header.Set("X-Forwarded-For", from)
		}).StatusCode
	}
	refused := 0
	for range 20 * atOnce {
		if visit("/admin/", "198.51.100.7") == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Errorf("none of %d made-up cookies from one address was refused unseen", 20*atOnce)
	}
	if status := visit("/admin/", "198.51.100.8"); status != http.StatusSeeOther {
		t.Errorf("another address: status %d", status)
	}
	if status := visit("/admin/sign-in", "198.51.100.7"); status != http.StatusOK {
		t.Errorf("the page to sign in: status %d", status)
	}
}

// Regression: requests without a cookie counted, too, and together they kept out the
// people who had signed in from the same address.
func TestFloodFromOnesOwnAddress(t *testing.T) {
	t.Parallel()
	const atOnce = 10
	k := newPanelKit(t, panelKitOptions{visits: router.NewLimiter(1, atOnce)})
	admin := k.as("admin")
	nobody := func(r *http.Request) {
		r.Header.Set("Cookie", "wxsign=made-up-01234567890123456789012345678901234")
	}
	for range 3 * atOnce {
		if status := k.visitor().get("/admin/").StatusCode; status != http.StatusSeeOther {
			t.Fatalf("without a cookie: status %d", status)
		}
	}
	refused := false
	for range 100 * atOnce {
		if refused = k.visitor().get("/admin/", nobody).StatusCode == http.StatusTooManyRequests; refused {
			break
		}
	}
	if !refused {
		t.Error("cookies that are made up have no limit")
	}
	if status := admin.get("/admin/").StatusCode; status != http.StatusOK {
		t.Errorf("who has signed in before: status %d", status)
	}
	if status := k.as("viewer").get("/admin/").StatusCode; status != http.StatusOK {
		t.Errorf("who signs in meanwhile: status %d", status)
	}
	if status := k.visitor().get("/admin/sign-in", nobody).StatusCode; status != http.StatusOK {
		t.Errorf("the page to sign in: status %d", status)
	}
}
