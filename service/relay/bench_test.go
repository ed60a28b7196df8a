package relay_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// The relay beside net/http/httputil.ReverseProxy, which only passes on: what
// admission, the search for a dead token and the deadlines cost.
func BenchmarkRelay(b *testing.B) {
	for size, method := range map[int]string{100: http.MethodPost, 1 << 20: http.MethodGet} { // a message, a download
		answer := `{"errcode":0,"errmsg":"ok","x":"` + strings.Repeat("x", size) + `"}`
		far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
			_, _ = io.WriteString(w, answer)
		}))
		target, err := url.Parse(far.URL)
		if err != nil {
			b.Fatal(err)
		}
		w := newWorld()
		o := w.options(far.URL)
		o.Logger = slog.New(slog.NewJSONHandler(nowhere{}, nil)) // it is part of the work
		near := httptest.NewServer(serve(b, o))
		proxy := httptest.NewServer(&httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100},
		})
		for _, c := range []struct{ name, url string }{{"relay", near.URL}, {"ReverseProxy", proxy.URL}} {
			b.Run(fmt.Sprintf("%s/%s/%d", c.name, method, size), func(b *testing.B) {
				load(b, method, c.url+"/cgi-bin/x?access_token="+oneKey)
			})
		}
		near.Close()
		proxy.Close()
		far.Close()
		o.Transport.(*http.Transport).CloseIdleConnections()
	}
}

// nowhere is a log file that costs nothing.
type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func load(b *testing.B, method, url string) {
	b.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}
	defer transport.CloseIdleConnections()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			body := io.Reader(http.NoBody)
			if method == http.MethodPost {
				body = strings.NewReader(`{"touser":"o","msgtype":"text"}`)
			}
			req, err := http.NewRequestWithContext(b.Context(), method, url, body)
			if err != nil {
				b.Error(err)
				return
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				b.Error(err)
				return
			}
			n, err := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || n < 100 {
				b.Errorf("%d bytes, %v", n, err)
				return
			}
		}
	})
}
