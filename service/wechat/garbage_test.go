package wechat_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wxsign/wxsign/service/wechat"
)

func long(n int) string { return strings.Repeat("a", n) }

// Regression guard for the worst fault of such clients: storing what is no
// credential, or believing a life nobody promised.
func TestGarbageIsNeverAGrant(t *testing.T) {
	t.Parallel()
	const ok = `"expires_in":7200`
	for name, body := range map[string]string{
		"empty":                 "",
		"blank":                 "  ",
		"HTML":                  "<html><body>login</body></html>",
		"cut":                   goodAt[:20],
		"null":                  "null",
		"array":                 "[" + goodAt + "]",
		"string":                `"ok"`,
		"number":                "7200",
		"two objects":           goodAt + goodAt,
		"trailing text":         goodAt + "x",
		"byte order mark":       "\ufeff" + goodAt,
		"no fields":             "{}",
		"value missing":         `{` + ok + `}`,
		"value empty":           `{"access_token":"",` + ok + `}`,
		"value null":            `{"access_token":null,` + ok + `}`,
		"value a number":        `{"access_token":11,` + ok + `}`,
		"value an object":       `{"access_token":{"a":1},` + ok + `}`,
		"value too long":        `{"access_token":"` + long(1025) + `",` + ok + `}`,
		"value with a space":    `{"access_token":"a b",` + ok + `}`,
		"value with a newline":  `{"access_token":"a\nb",` + ok + `}`,
		"value with NUL":        `{"access_token":"a\u0000",` + ok + `}`,
		"value with DEL":        `{"access_token":"a\u007f",` + ok + `}`,
		"value not ASCII":       `{"access_token":"令牌",` + ok + `}`,
		"value not UTF-8":       "{\"access_token\":\"a\xff\"," + ok + "}",
		"field in other case":   `{"Access_Token":"a",` + ok + `}`,
		"life missing":          `{"access_token":"a"}`,
		"life 0":                `{"access_token":"a","expires_in":0}`,
		"life negative":         `{"access_token":"a","expires_in":-1}`,
		"life very negative":    `{"access_token":"a","expires_in":-99999999999999999999}`,
		"life a string":         `{"access_token":"a","expires_in":"7200"}`,
		"life a fraction":       `{"access_token":"a","expires_in":7200.5}`,
		"life with exponent":    `{"access_token":"a","expires_in":7e3}`,
		"life null":             `{"access_token":"a","expires_in":null}`,
		"life true":             `{"access_token":"a","expires_in":true}`,
		"errcode a string":      `{"errcode":"0","access_token":"a",` + ok + `}`,
		"errcode a fraction":    `{"errcode":0.0,"access_token":"a",` + ok + `}`,
		"errcode null":          `{"errcode":null,"access_token":"a",` + ok + `}`,
		"errcode out of bounds": `{"errcode":4000000000,"access_token":"a",` + ok + `}`,
		"the ticket's answer":   goodTk,
		"deep":                  strings.Repeat("[", 20000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, wechat.Options{BaseURL: serve(t, say(body)).URL})
			for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
				got, err := askToken(mode, false)(t.Context(), c)
				e := mustFail(t, err)
				if !got.Value.IsZero() || got.ExpiresIn != 0 {
					t.Errorf("an error came with a grant of %v", got.ExpiresIn)
				}
				if !errors.Is(e, wechat.ErrGarbage) || e.Class != wechat.Transient || e.Status != 200 || e.Errcode != 0 {
					t.Errorf("got %v: class %v, status %d, errcode %d", e, e.Class, e.Status, e.Errcode)
				}
			}
		})
	}
}

// An errcode outweighs a grant in the same answer.
func TestErrcodeBesideGrant(t *testing.T) {
	t.Parallel()
	c := newClient(t, wechat.Options{BaseURL: serve(t, say(`{"errcode":40013,"access_token":"a","expires_in":7200}`)).URL})
	got, err := askToken(wechat.Stable, false)(t.Context(), c)
	if e := mustFail(t, err); e.Errcode != 40013 || !got.Value.IsZero() {
		t.Errorf("got %v", e)
	}
}

func TestProbeWantsProof(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no list": "{}", "list null": `{"ip_list":null}`, "list a string": `{"ip_list":"1.2.3.4"}`, "numbers": `{"ip_list":[1]}`,
	} {
		c := newClient(t, wechat.Options{BaseURL: serve(t, say(body)).URL})
		_, err := calls[4].ask(t.Context(), c)
		if e := mustFail(t, err); !errors.Is(e, wechat.ErrGarbage) || e.Class != wechat.Transient {
			t.Errorf("%s: got %v", name, e)
		}
	}
	c := newClient(t, wechat.Options{BaseURL: serve(t, say(`{"ip_list":[]}`)).URL})
	if _, err := calls[4].ask(t.Context(), c); err != nil {
		t.Errorf("an empty list is an answer: %v", err)
	}
}

func TestStatusOtherThan200(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 412, 429, 500, 502, 503, 504} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if status/100 == 3 {
				w.Header().Set("Location", "/elsewhere?"+r.URL.RawQuery)
			}
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = io.WriteString(w, `{"errcode":40013,"access_token":"a","expires_in":7200}`)
			}
		})
		c := newClient(t, wechat.Options{BaseURL: s.URL})
		for _, call := range calls {
			_, err := call.ask(t.Context(), c)
			e := mustFail(t, err)
			if !errors.Is(e, wechat.ErrNotWeChat) || e.Class != wechat.Transient || e.Status != status || e.Errcode != 0 {
				t.Errorf("%d %s: got %v: class %v, status %d", status, call.name, e, e.Class, e.Status)
			}
			if redirect := strings.Contains(e.Error(), "redirect"); redirect != (status/100 == 3) {
				t.Errorf("%d: error says %q", status, e)
			}
		}
		if n := len(s.requests()); n != len(calls) {
			t.Errorf("%d: %d requests for %d calls", status, n, len(calls))
		}
	}
}

// A body without end is cut off after 64 KiB, not read on and not kept.
func TestHugeBody(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	done := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(done)
		chunk := []byte(`{"access_token":"` + long(64<<10))
		for written.Load() < 256<<20 {
			n, err := w.Write(chunk)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	_, err := askToken(wechat.Stable, false)(t.Context(), newClient(t, wechat.Options{BaseURL: s.URL}))
	if e := mustFail(t, err); !errors.Is(e, wechat.ErrGarbage) || !strings.Contains(e.Error(), "longer than 65536") {
		t.Errorf("got %v", e)
	}
	<-done
	if n := written.Load(); n > 64<<20 { // what sockets buffer, with reserve
		t.Errorf("the server could write %d bytes", n)
	}
}

func TestExactly64KiBIsRead(t *testing.T) {
	t.Parallel()
	fill := goodAt + strings.Repeat(" ", 64<<10-len(goodAt))
	c := newClient(t, wechat.Options{BaseURL: serve(t, say(fill)).URL})
	if _, err := askToken(wechat.Stable, false)(t.Context(), c); err != nil {
		t.Error(err)
	}
	c = newClient(t, wechat.Options{BaseURL: serve(t, say(fill+" ")).URL})
	_, err := askToken(wechat.Stable, false)(t.Context(), c)
	if e := mustFail(t, err); !errors.Is(e, wechat.ErrGarbage) {
		t.Errorf("one byte more: %v", e)
	}
}
