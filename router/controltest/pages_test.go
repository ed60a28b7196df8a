package controltest_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

// oneFile is a verify file that was entered.
type oneFile struct{}

func (oneFile) Body(_ context.Context, name string) (body string, found bool, err error) {
	return "a1B2", name == "MP_verify_a1B2.txt" || name == "WW_verify_a1B2.txt", nil
}

// pagesOptions: zero = a demo page, no limits.
type pagesOptions struct {
	limit  *router.Limiter
	noDemo bool
}

// pages puts the routes for pages in place of those for servers.
func (w *world) pages(o pagesOptions) *world {
	w.Helper()
	signer, err := signature.New(signature.Options{Accounts: w.table})
	w.ok(err)
	script, err := handler.NewScript()
	w.ok(err)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	w.desk, err = qa.New(qa.Options{Store: w.store, Key: key})
	w.ok(err)
	demo, err := handler.NewDemo(handler.DemoOptions{
		Accounts: []handler.DemoAccount{{AppID: shop, Name: "Shop", Profiles: []string{"default"}}}, Reports: w.desk,
	})
	w.ok(err)
	if o.noDemo {
		demo = nil
	}
	unlimited := (*router.Limiter)(nil)
	w.Handler, err = router.Pages(router.Options{
		JSSDK: handler.NewJSSDK(signer, unlimited), Script: script, Demo: demo, Health: handler.NewHealth(w.keeper.Status),
		PageReports: handler.NewPageReports(signer, w.desk, unlimited), VerifyFiles: handler.NewVerifyFiles(oneFile{}),
		AllowsOrigin: signer.AllowsOrigin, Signing: o.limit, Reports: o.limit, Logger: slog.New(slog.DiscardHandler),
	})
	w.ok(err)
	return w
}

// The document describes the routes for pages, too.
func TestPagesKeepTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{}).pages(pagesOptions{})
	k := newContract(t)
	const page = "https%3A%2F%2Fh5.example.com%2Fa"
	verdict := `"app_id":"` + shop + `","profile":"default","page_url":"https://h5.example.com/a",` +
		`"client":"ios","verdict":"failed","detail":"{}"`
	post := func(path, body string) call { return call{method: http.MethodPost, path: path, body: body} }
	fromPage := map[string]string{"Origin": "https://h5.example.com"}
	huge := `{"url":"` + strings.Repeat("x", 16<<10) + `"}`
	atHand := func(path string) call {
		return call{path: path, headers: map[string]string{"If-None-Match": w.ask(call{path: path}).Header().Get("ETag")}}
	}
	signing := func(more string) call { return post("/jssdk/config", `{"url":"https://h5.example.com/a",`+more+`}`) }
	asDemo := `{"nonce":"` + w.desk.Nonce(shop) + `",`
	for _, tt := range []struct {
		call
		status int
	}{
		{call{path: "/jssdk/config?url=" + page + "&app_id=" + shop + "&profile=default&exact=1"}, http.StatusOK},
		{call{path: "/jssdk/config"}, http.StatusBadRequest},
		{call{path: "/jssdk/config?url=" + page}, http.StatusBadRequest}, // two accounts serve it
		{call{path: "/jssdk/config?url=https%3A%2F%2Fexample.org"}, http.StatusForbidden},
		{call{path: "/jssdk/config?url=" + page + "&app_id=" + off}, http.StatusForbidden},
		{call{path: "/jssdk/config?url=" + page + "&app_id=" + nobody}, http.StatusNotFound},
		{call{path: "/jssdk/config?url=" + page + "&app_id=" + dead}, http.StatusServiceUnavailable},
		{post("/jssdk/config", `{"url":"https://h5.example.com/a","app_id":"`+shop+`","exact":true}`), http.StatusOK},
		{post("/jssdk/config", `{"uri":""}`), http.StatusBadRequest},
		{post("/jssdk/config", huge), http.StatusRequestEntityTooLarge},
		{signing(`"app_id":"` + off + `"`), http.StatusForbidden},
		{signing(`"app_id":"` + nobody + `"`), http.StatusNotFound},
		{signing(`"app_id":"` + dead + `"`), http.StatusServiceUnavailable},
		{call{method: http.MethodPost, path: "/jssdk/report", body: "{" + verdict + "}", headers: fromPage}, http.StatusNoContent},
		{post("/jssdk/report", "{"+verdict+"}"), http.StatusBadRequest},
		{post("/jssdk/report", strings.Replace("{"+verdict+"}", "h5.example.com", "example.org", 1)), http.StatusForbidden},
		{post("/jssdk/report", strings.Replace("{"+verdict+"}", shop, nobody, 1)), http.StatusNotFound},
		{post("/jssdk/report", huge), http.StatusRequestEntityTooLarge},
		{call{path: "/jssdk/wxsign.js"}, http.StatusOK},
		{atHand("/jssdk/wxsign.js"), http.StatusNotModified},
		{call{path: "/jssdk/wxsign.mjs"}, http.StatusOK},
		{atHand("/jssdk/wxsign.mjs"), http.StatusNotModified},
		{call{path: "/jssdk/wxsign.d.ts"}, http.StatusOK},
		{atHand("/jssdk/wxsign.d.ts"), http.StatusNotModified},
		{call{path: "/demo/share"}, http.StatusOK},
		{call{path: "/demo/share?app_id=" + nobody}, http.StatusNotFound},
		{post("/demo/report", `{"nonce":"no",`+verdict+`}`), http.StatusForbidden},
		{post("/demo/report", asDemo+verdict+`}`), http.StatusNoContent},
		{post("/demo/report", asDemo+strings.Replace(verdict, "failed", "perhaps", 1)+`}`), http.StatusBadRequest},
		{post("/demo/report", huge), http.StatusRequestEntityTooLarge},
		{call{path: "/MP_verify_a1B2.txt"}, http.StatusOK},
		{call{path: "/WW_verify_a1B2.txt"}, http.StatusOK},
		{call{path: "/MP_verify_b1B2.txt"}, http.StatusNotFound},
		{call{path: "/WW_verify_b1B2.txt"}, http.StatusNotFound},
		{call{path: "/healthz"}, http.StatusOK},
		{call{path: "/readyz"}, http.StatusOK},
	} {
		r := w.ask(tt.call)
		if r.Code != tt.status {
			t.Errorf("%s %s: status %d, want %d: %s", tt.method, tt.path, r.Code, tt.status, r.Body)
		}
		k.check(t, tt.call, r)
	}
	w.pages(pagesOptions{noDemo: true})
	k.check(t, post("/demo/report", "{}"), w.ask(post("/demo/report", "{}"))) // 404
	w.pages(pagesOptions{limit: router.NewLimiter(1, 1)})
	for _, c := range []call{
		{path: "/jssdk/config?url=" + page},
		signing(`"exact":true`), post("/jssdk/report", "{}"), post("/demo/report", "{}"),
		{path: "/MP_verify_a1B2.txt"},
		{path: "/WW_verify_a1B2.txt"},
	} {
		w.until("one request too many", func() bool {
			r := w.ask(c)
			k.check(t, c, r)
			return r.Code == http.StatusTooManyRequests
		})
	}
	k.checkAll(t, "/jssdk/", "/demo/", "/MP_", "/WW_", "/healthz", "/readyz")
	k.checkStatuses(t, "/jssdk/", "/demo/", "/MP_", "/WW_")
}

// Regression: whoever came through a proxy that nobody had named had no limit at
// all on routes that ask the database for strangers and know no account.
func TestUnnamedProxyIsNoWayToTheDatabase(t *testing.T) {
	t.Parallel()
	const perClient, most = 3, 5000 // nobody asks so often that 20 a second is enough
	w := newWorld(t, options{}).pages(pagesOptions{limit: router.NewLimiter(1, perClient)})
	for _, c := range []call{
		{path: "/MP_verify_a1B2.txt"}, {method: http.MethodHead, path: "/WW_verify_a1B2.txt"}, {method: http.MethodPost, path: "/demo/report"},
	} {
		c.from = inside
		granted := 0
		for ; granted < most; granted++ {
			c.headers = map[string]string{"X-Forwarded-For": fmt.Sprintf("198.51.100.%d", granted%200)}
			if w.ask(c).Code == http.StatusTooManyRequests {
				break
			}
		}
		// The three share the limit of the proxy.
		if granted == most || c.path == "/MP_verify_a1B2.txt" && granted < 10*perClient {
			t.Errorf("%s: %d requests through one proxy were let in: want more than for one client, and an end", c.path, granted)
		}
	}
}
