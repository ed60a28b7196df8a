package handler_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/handler"
)

const helperPath = "/jssdk/wxsign.js"

// unpacked is the body of an answer with gzip.
func unpacked(t *testing.T, res *httptest.ResponseRecorder) string {
	t.Helper()
	r, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAssetsArePacked(t *testing.T) {
	t.Parallel()
	server := scriptServer(t)
	for _, path := range []string{helperPath, "/jssdk/wxsign.mjs", "/jssdk/wxsign.d.ts"} {
		plain := ask(server, http.MethodGet, path, "")
		packed := ask(server, http.MethodGet, path, "", "Accept-Encoding: gzip, deflate, br, zstd")
		if got := packed.Header().Get("Content-Encoding"); packed.Code != http.StatusOK || got != "gzip" {
			t.Fatalf("%s: status %d, Content-Encoding %q", path, packed.Code, got)
		}
		length := packed.Body.Len()
		if got := packed.Header().Get("Content-Length"); got != strconv.Itoa(length) || length >= plain.Body.Len() {
			t.Errorf("%s: Content-Length %s, %d bytes came, %d plain", path, got, length, plain.Body.Len())
		}
		if unpacked(t, packed) != plain.Body.String() {
			t.Errorf("%s: unpacked, it is another file", path)
		}
		if plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("ETag") == packed.Header().Get("ETag") {
			t.Errorf("%s: plain %v, packed %v", path, plain.Header(), packed.Header())
		}
		for _, res := range []*httptest.ResponseRecorder{plain, packed} {
			if got := res.Header().Get("Vary"); got != "Accept-Encoding" {
				t.Errorf("%s: Vary %q", path, got)
			}
		}
	}
}

func TestPackedAssetIsAskedForAgain(t *testing.T) {
	t.Parallel()
	server := scriptServer(t)
	const accepts = "Accept-Encoding: gzip"
	packed := ask(server, http.MethodGet, helperPath, "", accepts)
	plain := ask(server, http.MethodGet, helperPath, "")
	tag, plainTag := packed.Header().Get("ETag"), plain.Header().Get("ETag")
	length, plainLength := packed.Header().Get("Content-Length"), plain.Header().Get("Content-Length")
	for name, tt := range map[string]struct {
		method   string
		headers  []string
		status   int
		encoding string
		length   string
	}{
		"HEAD":                   {http.MethodHead, []string{accepts}, 200, "gzip", length},
		"HEAD, plain":            {http.MethodHead, nil, 200, "", plainLength},
		"the copy is good":       {http.MethodGet, []string{accepts, "If-None-Match: " + tag}, 304, "", ""},
		"made weak by a proxy":   {http.MethodGet, []string{accepts, "If-None-Match: W/" + tag}, 304, "", ""},
		"the plain copy":         {http.MethodGet, []string{accepts, "If-None-Match: " + plainTag}, 200, "gzip", length},
		"a packed copy, plain":   {http.MethodGet, []string{"If-None-Match: " + tag}, 200, "", plainLength},
		"a part":                 {http.MethodGet, []string{accepts, "Range: bytes=0-9"}, 206, "", "10"},
		"a part of a packed one": {http.MethodGet, []string{accepts, "Range: bytes=0-9", "If-Range: " + tag}, 200, "", plainLength},
		"only if unchanged":      {http.MethodGet, []string{accepts, "If-Match: " + plainTag}, 200, "", plainLength},
		"refused":                {http.MethodGet, []string{accepts, `If-Match: "another"`}, 412, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := ask(server, tt.method, helperPath, "", tt.headers...)
			h := res.Header()
			got := []string{h.Get("Content-Encoding"), h.Get("Content-Length"), h.Get("Vary")}
			if want := []string{tt.encoding, tt.length, "Accept-Encoding"}; res.Code != tt.status || !slices.Equal(got, want) {
				t.Errorf("status %d, want %d; %q, want %q", res.Code, tt.status, got, want)
			}
		})
	}
}

// A picture is packed as it is.
func TestPicturesAreNotPacked(t *testing.T) {
	t.Parallel()
	server := newDemo(t, handler.DemoOptions{})
	for name, encoding := range map[string]string{"share.png": "", "demo.css": "gzip"} {
		res := ask(server, http.MethodGet, "/demo/static/"+name, "", "Accept-Encoding: gzip")
		if got := res.Header().Get("Content-Encoding"); res.Code != http.StatusOK || got != encoding || (res.Header().Get("Vary") != "") != (encoding != "") {
			t.Errorf("%s: status %d, %v", name, res.Code, res.Header())
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]bool{
		"": false, "gzip": true, "GZip": true, "deflate, gzip": true, "br;q=1.0,gzip;q=0.8, *;q=0.1": true, "gzip ; Q=0.001": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "gzip;q=": false, "gzip;q=-1": false, "gzip;q=NaN": false, "gzip;level=9": false,
		"*": false, "identity": false, "gzipped": false, "x-gzip": false, ",;,": false,
	} {
		if got := handler.AcceptsGzip([]string{header}); got != want {
			t.Errorf("%q: %t, want %t", header, got, want)
		}
	}
	if !handler.AcceptsGzip([]string{"br", "gzip"}) {
		t.Error("the second of two lines does not count")
	}
}

// Nobody gets what he did not name.
func FuzzAcceptsGzip(f *testing.F) {
	for _, seed := range []string{"gzip, deflate, br", "gzip;q=0", "*;q=0.5", "gzip; q=1e-9", ",,;q=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if handler.AcceptsGzip([]string{header}) && !strings.Contains(strings.ToLower(header), "gzip") {
			t.Errorf("%q", header)
		}
		if refused := header + ",gzip;q=0"; handler.AcceptsGzip([]string{refused}) && !handler.AcceptsGzip([]string{header}) {
			t.Errorf("%q", refused)
		}
	})
}
