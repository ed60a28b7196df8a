package wechat_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/wechat"
)

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGzip(t *testing.T) {
	t.Parallel()
	good := packed(t, goodAt)
	broken := bytes.Clone(good)
	broken[len(broken)-6] ^= 0xff // the checksum
	for _, tt := range []struct {
		name string
		body []byte
		want error
	}{
		{"right", good, nil},
		{"not packed at all", []byte(goodAt), wechat.ErrBroken},
		{"cut", good[:len(good)-12], wechat.ErrBroken},
		{"wrong checksum", broken, wechat.ErrBroken},
		{"bomb", packed(t, strings.Repeat(" ", 32<<20)), wechat.ErrGarbage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(tt.body)
			})
			_, err := askToken(wechat.Stable, false)(t.Context(), newClient(t, wechat.Options{BaseURL: s.URL}))
			if tt.want == nil && err != nil || tt.want != nil && !errors.Is(mustFail(t, err), tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCutAnswers(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nothing":            "",
		"status line only":   "HTTP/1.1 200 OK\r\n",
		"half a length":      "HTTP/1.1 200 OK\r\nContent-Length: 62\r\n\r\n" + goodAt[:30],
		"half a chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + goodAt[:30],
		"no last chunk":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{} \r\n",
		"not HTTP":           "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"quotes the query":   "GET /?secret=" + canary + "&access_token=" + canary + " HTTP/1.1\r\n\r\n",
		"quotes in a status": "HTTP/1.1 " + canary + " OK\r\n\r\n",
		"quotes in a header": "HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, raw)
				_ = conn.Close()
			})
			c := newClient(t, wechat.Options{BaseURL: s.URL})
			for i, call := range calls {
				_, err := call.ask(t.Context(), c)
				if e := mustFail(t, err); !errors.Is(e, wechat.ErrBroken) || e.Class != wechat.Transient {
					t.Errorf("%s: got %v of class %v", call.name, e, e.Class)
				}
				if n := len(s.requests()); n != i+1 {
					t.Fatalf("%s: request number %d, want %d: something asked twice", call.name, n, i+1)
				}
			}
		})
	}
}

// countingBody counts how often it is closed.
type countingBody struct {
	io.Reader
	closed int
}

func (b *countingBody) Close() error { b.closed++; return nil }

func TestBodiesAreClosed(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]struct {
		status int
		text   string
	}{
		"grant":    {200, goodAt},
		"errcode":  {200, `{"errcode":-1}`},
		"garbage":  {200, "<"},
		"too long": {200, long(70000)},
		"502":      {502, "<"},
		"302":      {302, ""},
	} {
		b := &countingBody{Reader: strings.NewReader(answer.text)}
		c := newClient(t, wechat.Options{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: answer.status, Body: b}, nil
		})})
		_, _ = askToken(wechat.Stable, false)(t.Context(), c)
		if b.closed != 1 {
			t.Errorf("%s: closed %d times", name, b.closed)
		}
	}
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	wait := func(r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}
	for name, handle := range map[string]http.HandlerFunc{
		"no headers": func(_ http.ResponseWriter, r *http.Request) { wait(r) },
		"no body": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			wait(r)
		},
		"drop by drop": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, short(wechat.Options{BaseURL: serve(t, handle).URL}))
			start := time.Now()
			_, err := askToken(wechat.Classic, false)(t.Context(), c)
			wantTimeout(t, err)
			if took := time.Since(start); took < 390*time.Millisecond || took > 3*time.Second {
				t.Errorf("gave up after %v, want 400ms", took)
			}
		})
	}
}
