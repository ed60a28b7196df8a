package relay_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxsign/wxsign/service/relay"
)

// zeros is a body of n bytes without a length.
func zeros(n int64) io.Reader { return io.LimitReader(zero{}, n) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// hashing is a WeChat that answers the length and hash of what it was sent.
func hashing(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		n, err := io.Copy(sum, r.Body)
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(w, "%d %x told %d", n, sum.Sum(nil), r.ContentLength)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestUploadsStream(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	url := open(t, newWorld().options(hashing(t).URL)) + "/cgi-bin/material/add_material?type=video&access_token=" + oneKey
	for name, c := range map[string]struct {
		size int64
		told bool
		want int64 // Content-Length that WeChat sees
	}{
		"kept":              {mib, true, mib},
		"kept, no length":   {mib, false, mib},
		"streams":           {mib + 1, true, mib + 1},
		"streams, unknown":  {mib + 1, false, -1},
		"the largest":       {100 * mib, true, 100 * mib},
		"nothing":           {0, true, 0},
		"nothing, untold":   {0, false, 0},
		"a byte, no length": {1, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := try(t, http.MethodPost, url, zeros(c.size), func(r *http.Request) {
				r.ContentLength = -1
				if c.told {
					r.ContentLength = c.size
				}
				if c.told && c.size == 0 {
					r.Body = http.NoBody
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.New()
			_, _ = io.Copy(sum, zeros(c.size))
			if want := fmt.Sprintf("%d %x told %d", c.size, sum.Sum(nil), c.want); got.body != want {
				t.Errorf("WeChat saw %q, want %q", got.body, want)
			}
		})
	}
}

// A body that is too large is refused before it is asked for, if its length is
// told, and when it passes the limit otherwise.
func TestUploadsAreBounded(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]relay.Options{
		"beyond what is kept": {MaxBody: 2000, MaxKept: 1000},
		"within what is kept": {MaxBody: 1000, MaxKept: 5000},
	} {
		for _, told := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, told %t", name, told), func(t *testing.T) {
				t.Parallel()
				mine := newWorld().options(hashing(t).URL)
				mine.MaxBody, mine.MaxKept = o.MaxBody, o.MaxKept
				url := open(t, mine) + "/cgi-bin/x?access_token=" + oneKey
				for _, size := range []int64{o.MaxBody, o.MaxBody + 1} {
					got, err := try(t, http.MethodPost, url, zeros(size), func(r *http.Request) {
						r.ContentLength = -1
						if told {
							r.ContentLength = size
						}
					})
					if err != nil {
						t.Fatal(err)
					}
					if fits := size <= o.MaxBody; fits == (got.Errcode == 45001) || got.status != http.StatusOK {
						t.Errorf("%d bytes: answer %d %s", size, got.status, got.body)
					}
				}
			})
		}
	}
}

// Who waits for "100 Continue" learns of a refusal without sending its body.
func TestARefusedBodyIsNotAskedFor(t *testing.T) {
	t.Parallel()
	host := strings.TrimPrefix(open(t, newWorld().options("https://api.weixin.qq.com")), "http://")
	const rest = " HTTP/1.1\r\nHost: relay\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	got := raw(t, host, "POST /cgi-bin/x?access_token=wxs_nobody"+rest)
	if !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || !strings.Contains(got, `"errcode":40125`) {
		t.Errorf("answer %s, want the refusal at once", got)
	}
}

// A refusal reaches a caller that is still sending.
func TestARefusalArrivesBesideABody(t *testing.T) {
	t.Parallel()
	url := open(t, newWorld().options("https://api.weixin.qq.com")) + "/cgi-bin/x?access_token=wxs_nobody"
	for _, size := range []int64{1, 10_000, 100_000} {
		got, err := try(t, http.MethodPost, url, zeros(size), func(r *http.Request) { r.ContentLength = size })
		if err != nil || got.Errcode != 40125 {
			t.Errorf("%d bytes: %s, %v; want 40125", size, got.body, err)
		}
	}
}

// Web login needs no body, and some of it no key: nobody sends much there.
func TestWebLoginTakesNoLongBody(t *testing.T) {
	t.Parallel()
	u := newWeChat(t, nil)
	url := open(t, newWorld().options(u.URL)) + "/sns/userinfo?access_token=USER"
	for size, want := range map[int64]int{64 << 10: 0, 64<<10 + 1: 45001} {
		for _, told := range []int64{size, -1} {
			got, err := try(t, http.MethodPost, url, zeros(size), func(r *http.Request) { r.ContentLength = told })
			if err != nil || got.Errcode != want {
				t.Errorf("%d bytes: %s, %v; want %d", size, got.body, err, want)
			}
		}
	}
}

func TestExpectedContinueIsAnswered(t *testing.T) {
	t.Parallel()
	u := newWeChat(t, nil)
	host := strings.TrimPrefix(open(t, newWorld().options(u.URL)), "http://")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "POST /cgi-bin/x?access_token="+oneKey+" HTTP/1.1\r\nHost: relay\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q, %v; want 100 Continue", line, err)
	}
	_, _ = in.ReadString('\n')
	_, _ = io.WriteString(conn, "hello")
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if all := u.requests(); resp.StatusCode != http.StatusOK || len(all) != 1 || all[0].body != "hello" || all[0].header.Get("Expect") != "" {
		t.Errorf("HTTP %d, WeChat saw %+v", resp.StatusCode, all)
	}
}

// The first bytes of an answer of unknown length reach the caller while WeChat
// still works on the rest.
func TestDownloadsStream(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(more) })
	defer goOn()
	u := newWeChat(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-more
		_, _ = io.WriteString(w, " second")
	})
	url := open(t, newWorld().options(u.URL)) + "/cgi-bin/media/get?access_token=" + oneKey
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("%q, %v", first, err)
	}
	goOn()
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != " second" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestLargeDownloadsArriveWhole(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	u := newWeChat(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("told") {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		_, _ = io.Copy(w, zeros(size))
	})
	base := open(t, newWorld().options(u.URL))
	for _, query := range []string{"?access_token=", "?told&access_token="} {
		got, err := try(t, http.MethodGet, base+"/cgi-bin/media/get"+query+oneKey, http.NoBody, nil)
		if err != nil || len(got.body) != size || strings.Trim(got.body, "\x00") != "" {
			t.Errorf("%s: %d bytes, %v; want %d", query, len(got.body), err, size)
		}
	}
}

// An answer that breaks off must not look whole to the caller.
func TestABrokenAnswerBreaks(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"a told length": true, "chunks": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newWeChat(t, func(w http.ResponseWriter, _ *http.Request) {
				if told {
					w.Header().Set("Content-Length", "20000")
				}
				_, _ = io.Copy(w, zeros(10000))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
			got, err := try(t, http.MethodGet, open(t, newWorld().options(u.URL))+"/cgi-bin/media/get?access_token="+oneKey, http.NoBody, nil)
			if err == nil {
				t.Errorf("%d bytes without an error", len(got.body))
			}
		})
	}
}

// A short answer that breaks off before anything was passed on can still be
// told in WeChat's shape.
func TestAShortBrokenAnswerIsTold(t *testing.T) {
	t.Parallel()
	u := newWeChat(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"errcode":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	got := do(t, http.MethodGet, open(t, newWorld().options(u.URL))+"/cgi-bin/x?access_token="+oneKey, "", nil)
	if got.Errcode != -1 || !strings.Contains(got.Errmsg, "not known") {
		t.Errorf("answer %d %s, want -1", got.status, got.body)
	}
}

// A caller that hangs up ends the call at WeChat.
func TestAHangUpEndsTheCall(t *testing.T) {
	t.Parallel()
	arrived, ended := make(chan struct{}), make(chan struct{})
	u := newWeChat(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(ended)
	})
	ctx, hangUp := context.WithCancel(t.Context())
	url := open(t, newWorld().options(u.URL)) + "/cgi-bin/x?access_token=" + oneKey
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-arrived
		hangUp()
	}()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want to have hung up", err)
	}
	<-ended
}

// Bodies of all calls together are kept only up to a limit; beyond it a call
// works, but is not sent twice.
func TestMemoryForBodiesIsBounded(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}), make(chan struct{})
	w := newWorld()
	w.renew = func(relay.Death) string { return "81_new" }
	u := newWeChat(t, func(rw http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/cgi-bin/slow":
			inside <- struct{}{}
			<-leave
		case strings.Contains(r.URL.RawQuery, "80_live"):
			_, _ = io.WriteString(rw, `{"errcode":40001,"errmsg":"x"}`)
			return
		}
		_, _ = io.WriteString(rw, `{"errcode":0}`)
	})
	o := w.options(u.URL)
	o.KeptAtOnce, o.MaxKept = 1000, 800
	base := open(t, o)
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(t, http.MethodPost, base+"/cgi-bin/slow?access_token="+oneKey, strings.Repeat("x", 700), nil)
	}()
	<-inside
	got := do(t, http.MethodPost, base+"/cgi-bin/x?access_token="+oneKey, strings.Repeat("x", 400), nil)
	if got.header.Get(relay.MarkHeader) != relay.MarkSendAgain {
		t.Errorf("with memory used up: %s %v, want to be told to send again", got.body, got.header)
	}
	close(leave)
	<-done
	w.tokens[appID] = "80_live-token"
	got = do(t, http.MethodPost, base+"/cgi-bin/x?access_token="+oneKey, strings.Repeat("x", 400), nil)
	if got.header.Get(relay.MarkHeader) != relay.MarkRetried {
		t.Errorf("with memory given back: %s %v, want a second attempt", got.body, got.header)
	}
}

func TestCallsWaitForASlot(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}), make(chan struct{})
	u := newWeChat(t, func(w http.ResponseWriter, _ *http.Request) {
		inside <- struct{}{}
		<-leave
		_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	})
	o := newWorld().options(u.URL)
	o.Concurrent, o.Queue = 1, time.Millisecond
	url := open(t, o) + "/cgi-bin/x?access_token=" + oneKey
	first := make(chan reply)
	go func() { first <- do(t, http.MethodGet, url, "", nil) }()
	<-inside
	if got := do(t, http.MethodGet, url, "", nil); got.Errcode != -1 || !strings.Contains(got.Errmsg, "too many calls") {
		t.Errorf("beyond the limit: %s", got.body)
	}
	close(leave)
	if got := <-first; got.Errcode != 0 {
		t.Errorf("within the limit: %s", got.body)
	}
}

// Only where the first host never had a connection is the second one asked.
func TestFallbackHost(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, c := range map[string]struct {
		first string
		body  string
		want  int
	}{
		"nobody there":             {closed.URL, "{}", 1},
		"nobody there, a stream":   {closed.URL, strings.Repeat("x", 2<<20), 1},
		"answers an errcode":       {newWeChat(t, say(`{"errcode":-1,"errmsg":"system error"}`)).URL, "{}", 0},
		"hangs up without a word":  {newWeChat(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).URL, "{}", 0},
		"answers something broken": {newWeChat(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }).URL, "{}", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := newWeChat(t, nil)
			o := newWorld().options(c.first)
			o.FallbackURL = second.URL
			got := do(t, http.MethodPost, open(t, o)+"/cgi-bin/x?access_token="+oneKey, c.body, nil)
			all := second.requests()
			if len(all) != c.want {
				t.Fatalf("the second host was asked %d times, want %d (%d %s)", len(all), c.want, got.status, got.body)
			}
			if c.want == 1 && (all[0].body != c.body || got.Errcode != 0) {
				t.Errorf("the second host saw %d bytes; answer %s", len(all[0].body), got.body)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	w := newWorld()
	got := do(t, http.MethodPost, open(t, w.options(closed.URL))+"/cgi-bin/x?access_token="+oneKey, "{}", nil)
	if got.status != http.StatusOK || got.Errcode != -1 || !strings.Contains(got.Errmsg, "nothing was sent") {
		t.Errorf("answer %d %s, want -1 and that nothing was sent", got.status, got.body)
	}
	if log := w.logged(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "refused") || strings.Contains(log, "80_live") {
		t.Errorf("log: %s", log)
	}
}
