package controltest_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/keeper"
)

// spent is a limiter that has nothing left for anybody.
type spent struct{}

func (spent) Take(string) (wait time.Duration, granted bool) { return time.Second, false }

// Every status that the document names for a route of business servers is really
// answered, in the shape that the document gives it.
func TestEveryDocumentedStatus(t *testing.T) {
	t.Parallel()
	w, limited := newWorld(t, options{}), newWorld(t, options{tries: spent{}})
	k := newContract(t)
	_, all := w.key("token ticket refresh sign", "*")
	_, narrow := w.key("relay", shop)
	huge := `{"value":"` + strings.Repeat("x", 64<<10) + `"}`
	ask := func(on *world, c call, status int) {
		t.Helper()
		r := on.ask(c)
		if r.Code != status {
			t.Errorf("%s %s: status %d, want %d: %s", c.method, c.path, r.Code, status, r.Body)
		}
		k.check(t, c, r)
	}
	for _, o := range []struct{ method, path, body, wrong string }{
		{http.MethodGet, "/v1/accounts/APP/access_token", "", "?wait=1s"},
		{http.MethodGet, "/v1/accounts/APP/tickets/jsapi", "", "?wait=1s"},
		{http.MethodPost, "/v1/accounts/APP/access_token/report", `{"value":"x"}`, `{}`},
		{http.MethodPost, "/v1/accounts/APP/tickets/jsapi/report", `{"value":"x"}`, `{}`},
		{http.MethodPost, "/v1/accounts/APP/sign", `{"kind":"jsapi","url":"https://h5.example.com/a"}`, `{"kind":"jsapi"}`},
	} {
		at := func(app, key string) call {
			return call{method: o.method, path: strings.Replace(o.path, "APP", app, 1), body: o.body, key: key}
		}
		ask(w, at(shop, all), http.StatusOK)
		ask(w, at(shop, ""), http.StatusUnauthorized)
		ask(w, at(shop, narrow), http.StatusForbidden)
		ask(w, at(nobody, all), http.StatusNotFound)
		ask(limited, at(shop, all), http.StatusTooManyRequests) // a key of another server
		ask(w, at(dead, all), http.StatusServiceUnavailable)
		bad := at(shop, all)
		if o.method == http.MethodGet {
			bad.path += o.wrong
			same := at(shop, all)
			same.headers = map[string]string{"If-None-Match": w.ask(same).Header().Get("ETag")}
			ask(w, same, http.StatusNotModified)
		} else {
			bad.body = o.wrong
			large := at(shop, all)
			large.body = huge
			ask(w, large, http.StatusRequestEntityTooLarge)
		}
		ask(w, bad, http.StatusBadRequest)
	}
	for _, r := range routes() {
		if r.tencent && r.method != http.MethodHead {
			ask(w, r.call(all, r.app(), inside), http.StatusOK)
			c := r.call(all, r.app(), inside)
			c.headers = map[string]string{"Origin": "https://h5.example.com"}
			ask(w, c, http.StatusForbidden)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/openapi.yaml"} {
		ask(w, call{method: http.MethodGet, path: path}, http.StatusOK)
	}
	health := handler.NewHealth(func() keeper.Status { return keeper.Status{} })
	stopping, err := router.Control(router.ControlOptions{Control: w.control, Health: health, Logger: slog.New(slog.DiscardHandler)})
	w.ok(err)
	w.Handler = stopping
	ask(w, call{method: http.MethodGet, path: "/readyz"}, http.StatusServiceUnavailable)
	k.checkStatuses(t, "/v1/", "/cgi-bin/", "/healthz", "/readyz", "/openapi.yaml")
}

// Two keys of a program live side by side on every route, so that it can go from
// one to the other; one that has ended opens none.
func TestEveryRouteWhileAKeyIsRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	oldID, oldKey := w.namedKey("rotating", 0)
	_, newKey := w.namedKey("rotating", 0)
	_, ended := w.namedKey("ended", time.Hour)
	w.until("the key has ended", func() bool {
		return w.ask(call{path: shopToken, key: ended}).verdict() == "key_invalid"
	})
	check := func(r route, what, key, want string) {
		t.Helper()
		if want != "" {
			want = r.refusal(want)
		}
		if got := w.ask(r.call(key, r.app(), inside)); got.verdict() != want || got.Code != r.status(want) {
			t.Errorf("%s with %s: status %d, %q, want %q", r.name, what, got.Code, got.verdict(), want)
		}
	}
	for _, r := range routes() {
		check(r, "the old key", oldKey, "")
		check(r, "the new key", newKey, "")
		check(r, "a key that has ended", ended, "key_invalid")
	}
	w.revoke(oldID)
	for _, r := range routes() {
		check(r, "the old key, revoked", oldKey, "key_invalid")
		check(r, "the new key alone", newKey, "")
	}
}
