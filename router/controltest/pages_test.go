package controltest_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
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

// pages puts the routes for pages in place of those for servers.
func (w *world) pages() *world {
	w.Helper()
	signer, err := signature.New(signature.Options{Accounts: w.table})
	w.ok(err)
	script, err := handler.NewScript()
	w.ok(err)
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	desk, err := qa.New(qa.Options{Store: w.store, Key: key})
	w.ok(err)
	demo, err := handler.NewDemo(handler.DemoOptions{
		Accounts: []handler.DemoAccount{{AppID: shop, Name: "Shop", Profiles: []string{"default"}}}, Reports: desk,
	})
	w.ok(err)
	unlimited := (*router.Limiter)(nil)
	w.Handler, err = router.Pages(router.Options{
		JSSDK: handler.NewJSSDK(signer, unlimited), Script: script, Demo: demo, Health: handler.NewHealth(w.keeper.Status),
		PageReports: handler.NewPageReports(signer, desk, unlimited), VerifyFiles: handler.NewVerifyFiles(oneFile{}),
		AllowsOrigin: signer.AllowsOrigin, Logger: slog.New(slog.DiscardHandler),
	})
	w.ok(err)
	return w
}

// The document describes the routes for pages, too.
func TestPagesKeepTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{}).pages()
	k := newContract(t)
	const page = "https%3A%2F%2Fh5.example.com%2Fa"
	verdict := `"app_id":"` + shop + `","profile":"default","page_url":"https://h5.example.com/a",` +
		`"client":"ios","verdict":"failed","detail":"{}"`
	post := func(path, body string) call { return call{method: http.MethodPost, path: path, body: body} }
	fromPage := map[string]string{"Origin": "https://h5.example.com"}
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
		{call{method: http.MethodPost, path: "/jssdk/report", body: "{" + verdict + "}", headers: fromPage}, http.StatusNoContent},
		{post("/jssdk/report", "{"+verdict+"}"), http.StatusBadRequest},
		{call{path: "/jssdk/wxsign.js"}, http.StatusOK},
		{call{path: "/demo/share"}, http.StatusOK},
		{call{path: "/demo/share?app_id=" + nobody}, http.StatusNotFound},
		{post("/demo/report", `{"nonce":"no",`+verdict+`}`), http.StatusForbidden},
		{call{path: "/MP_verify_a1B2.txt"}, http.StatusOK},
		{call{path: "/WW_verify_a1B2.txt"}, http.StatusOK},
		{call{path: "/MP_verify_b1B2.txt"}, http.StatusNotFound},
		{call{path: "/healthz"}, http.StatusOK},
		{call{path: "/readyz"}, http.StatusOK},
	} {
		r := w.ask(tt.call)
		if r.Code != tt.status {
			t.Errorf("%s %s: status %d, want %d: %s", tt.method, tt.path, r.Code, tt.status, r.Body)
		}
		k.check(t, tt.call, r)
	}
	k.checkAll(t, "/jssdk/", "/demo/", "/MP_", "/WW_", "/healthz", "/readyz")
}
