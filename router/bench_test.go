package router_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/signature"
)

// answers takes what a handler writes and costs nothing itself. net/http makes a
// header for each request, so it does, too.
type answers struct {
	header http.Header
	status int
	body   int
}

func (a *answers) Header() http.Header { return a.header }

func (a *answers) WriteHeader(status int) { a.status = status }

func (a *answers) Write(p []byte) (int, error) {
	a.body += len(p)
	return len(p), nil
}

// served is one request after the other to the same handler.
func served(t testing.TB, h http.Handler, target string, headers ...string) (ask func()) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return func() {
		a := answers{header: make(http.Header), status: http.StatusOK}
		h.ServeHTTP(&a, r)
		if a.status != http.StatusOK || a.body == 0 {
			t.Fatalf("status %d, %d bytes", a.status, a.body)
		}
	}
}

// everything is the pages' server with all on that a user has on.
func everything(t testing.TB) http.Handler {
	t.Helper()
	return newSite(t, func(o *router.Options) {
		signer, err := signature.New(signature.Options{Accounts: newTable(t)})
		if err != nil {
			t.Fatal(err)
		}
		o.JSSDK = handler.NewJSSDK(signer, router.NewLimiter(1e9, 1e9))
		o.AllowsOrigin = signer.AllowsOrigin
		o.Signing = router.NewLimiter(1e9, 1e9)
		o.Logger = slog.New(slog.DiscardHandler)
	}).Handler
}

// bareGin answers a constant.
func bareGin() http.Handler {
	engine := gin.New()
	text := make([]byte, 500)
	engine.GET("/jssdk/config", func(c *gin.Context) { c.Data(http.StatusOK, "application/json; charset=utf-8", text) })
	return engine
}

const benchedPage = "https://h5.example.com/article/20260101?id=42&from=singlemessage"

func BenchmarkSigning(b *testing.B) {
	target := configPath(benchedPage, "")
	for name, ask := range map[string]func(){
		"what=bare_gin":    served(b, bareGin(), target),
		"what=same_origin": served(b, everything(b), target),
		"what=other_page":  served(b, everything(b), target, "Origin", "https://h5.example.com"),
		"what=by_app_id":   served(b, everything(b), configPath(benchedPage, "&app_id="+shopApp)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
		})
	}
}
