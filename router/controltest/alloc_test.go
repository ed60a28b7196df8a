//go:build !race

// The race detector allocates on its own account.

package controltest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

// valueKey only has a key's length: what is in memory needs no checksum.
var valueKey = "wxs_" + strings.Repeat("a", 38)

// oneKey is a database that holds valueKey.
type oneKey struct{ apikey.Store }

func (oneKey) APIKeysMark(context.Context) (int64, error) { return 1, nil }

func (oneKey) LiveAPIKeys(context.Context) ([]model.APIKey, int64, error) {
	sum := sha256.Sum256([]byte(valueKey))
	return []model.APIKey{{
		ID: "bench", Name: "bench", KeyHash: hex.EncodeToString(sum[:]),
		Scopes: model.Strings{apikey.ScopeToken}, Accounts: model.Strings{shop},
	}}, 1, nil
}

type noAudit struct{}

func (noAudit) Record(context.Context, audit.Entry) error { return nil }

// oneValue is a keeper with one live token.
type oneValue struct {
	handler.Credentials
	value keeper.Current
}

func (v oneValue) Current(string, string) (keeper.Current, error) { return v.value, nil }

// values is the server of business servers, with all on that a user has on.
func values(t testing.TB) http.Handler {
	t.Helper()
	keys, err := apikey.New(apikey.Options{Store: oneKey{}, Audit: noAudit{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	signer, err := signature.New(signature.Options{Accounts: snapshot.NewTable()})
	if err != nil {
		t.Fatal(err)
	}
	live := keeper.Current{Value: secret.New(strings.Repeat("t", 157)), Version: 7, PublishID: strings.Repeat("e", 32), ExpiresAt: time.Now()}
	control, err := handler.NewControl(oneValue{value: live}, handler.NewGuard(keys, router.NewLimiter(1, 1)), signer)
	if err != nil {
		t.Fatal(err)
	}
	h, err := router.Control(router.ControlOptions{
		Control: control, Health: handler.NewHealth(func() keeper.Status { return keeper.Status{} }),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), //nolint:sloglint // for DiscardHandler no line would be made
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

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

// askValue asks for the value again and again; tags are those of If-None-Match.
func askValue(t testing.TB, status int, tags ...string) (ask func()) {
	t.Helper()
	h := values(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/accounts/"+shop+"/access_token", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+valueKey)
	if len(tags) > 0 {
		r.Header["If-None-Match"] = tags
	}
	return func() {
		a := answers{header: make(http.Header)}
		h.ServeHTTP(&a, r)
		if a.status != status || (a.body == 0) != (status == http.StatusNotModified) {
			t.Fatalf("status %d, %d bytes", a.status, a.body)
		}
	}
}

// valueTag is the ETag of the value.
var valueTag = `"` + strings.Repeat("e", 32) + `"`

// An answer with a value may cost at most as many allocations: the header (2) and the
// answer of this test, Gin's writer of it, the request's id (2), the ETag (2), the time
// at which the value ends, and one to spare.
const valueAllocations = 10

func TestValueAllocates(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts the allocations of the whole program
	if got := testing.AllocsPerRun(1000, askValue(t, http.StatusOK)); got > valueAllocations {
		t.Errorf("%v allocations, want at most %d", got, valueAllocations)
	}
}

func BenchmarkValue(b *testing.B) {
	for name, ask := range map[string]func(){
		"status=200": askValue(b, http.StatusOK),
		"status=304": askValue(b, http.StatusNotModified, valueTag),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
		})
	}
}
