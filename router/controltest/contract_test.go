package controltest_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/wxsign/wxsign/web"
)

// contract is openapi.yaml, and which of its operations were seen.
type contract struct {
	doc    *openapi3.T
	router routers.Router

	mu       sync.Mutex
	seen     map[string]bool
	answered map[string]map[int]bool // by operation
}

func newContract(t testing.TB) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(web.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{doc: doc, router: router, seen: map[string]bool{}, answered: map[string]map[int]bool{}}
}

// check holds that the document describes the answer r to c, and the request
// where that was a right one.
func (k *contract) check(t testing.TB, c call, r reply) {
	t.Helper()
	request := c.request(t.Context())
	if request.Method == http.MethodHead {
		return
	}
	route, params, err := k.router.FindRoute(request)
	if err != nil {
		t.Errorf("%s %s is not in openapi.yaml: %v", request.Method, request.URL.Path, err)
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	if r.Code == http.StatusOK && r.verdict() == "" {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("a request that was answered well: %v", err)
		}
	}
	in.Options.ExcludeResponseBody = !strings.HasPrefix(r.Header().Get("Content-Type"), "application/json") // scripts and pages
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: r.Code, Header: r.Header(), Options: in.Options,
		Body: io.NopCloser(bytes.NewReader(r.Body.Bytes())),
	}
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("%s %s: status %d: %v", request.Method, request.URL.Path, r.Code, err)
	}
	k.mu.Lock()
	id := route.Operation.OperationID
	k.seen[id] = true
	if k.answered[id] == nil {
		k.answered[id] = map[int]bool{}
	}
	k.answered[id][r.Code] = true
	k.mu.Unlock()
}

// checkAll holds that every operation below the prefixes was seen.
func (k *contract) checkAll(t testing.TB, prefixes ...string) {
	t.Helper()
	for path, item := range k.doc.Paths.Map() {
		if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			continue
		}
		for _, operation := range item.Operations() {
			if !k.seen[operation.OperationID] {
				t.Errorf("%s was not called", operation.OperationID)
			}
		}
	}
}

// checkStatuses holds that every operation below the prefixes was seen to answer
// with every status of the document.
func (k *contract) checkStatuses(t testing.TB, prefixes ...string) {
	t.Helper()
	for path, item := range k.doc.Paths.Map() {
		if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			continue
		}
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if code, err := strconv.Atoi(status); err != nil || !k.answered[operation.OperationID][code] {
					t.Errorf("%s %s was not seen to answer with status %s", method, path, status)
				}
			}
		}
	}
}

// Each address of the document exists.
func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	r := w.ask(call{path: "/openapi.yaml", headers: map[string]string{"Sec-Fetch-Site": "none"}})
	kind := r.Header().Get("Content-Type")
	if r.Code != http.StatusOK || !bytes.Equal(r.Body.Bytes(), web.OpenAPI()) || kind != "application/yaml; charset=utf-8" {
		t.Errorf("status %d, %s", r.Code, r.Header())
	}
	k := newContract(t)
	k.check(t, call{path: "/healthz"}, w.ask(call{path: "/healthz"}))
	k.check(t, call{path: "/readyz"}, w.ask(call{path: "/readyz"}))
	for path, item := range k.doc.Paths.Map() {
		if !strings.HasPrefix(path, "/v1/") && !strings.HasPrefix(path, "/cgi-bin/") {
			continue
		}
		path = strings.NewReplacer("{app_id}", shop, "{kind}", "jsapi").Replace(path)
		for method := range item.Operations() {
			r := w.ask(call{method: method, path: path})
			if slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed}, r.Code) {
				t.Errorf("%s %s: status %d", method, path, r.Code)
			}
		}
	}
}
