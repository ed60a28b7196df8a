package relay_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/relay"
)

// pipes is a listener whose connections are made in memory, so that time can be
// the bubble's.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accepted <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// piped serves h in memory with this program's own limits, and answers a
// transport to it.
func piped(t *testing.T, h http.Handler) *http.Transport {
	t.Helper()
	l := &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute,
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(l)
	}()
	transport := &http.Transport{DialContext: l.dial, DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = s.Close()
		<-served
	})
	return transport
}

// slowly hands out text in pieces, each after a pause.
type slowly struct {
	pieces int
	pause  time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.pieces == 0 {
		return 0, io.EOF
	}
	s.pieces--
	time.Sleep(s.pause)
	return copy(p, "piece"), nil
}

// outcome is what a call in a bubble came to.
type outcome struct {
	body string
	err  error
	took time.Duration
}

// bubble sends a POST through a relay to upstream inside a synctest bubble.
func bubble(t *testing.T, upstream http.HandlerFunc, body io.Reader, change func(*world, *relay.Options)) outcome {
	t.Helper()
	return bubbleAt(t, "/cgi-bin/x?access_token="+oneKey, upstream, body, change)
}

func bubbleAt(t *testing.T, target string, upstream http.HandlerFunc, body io.Reader, change func(*world, *relay.Options)) (got outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.callers[oneKey] = caller{"shop", []string{appID}, []string{"relay"}, ""}
		o := w.options("http://wechat.invalid")
		o.Transport = piped(t, upstream)
		if change != nil {
			change(w, &o)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://relay.invalid"+target, body)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		resp, err := piped(t, serve(t, o)).RoundTrip(req)
		got.err = err
		if err == nil {
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			got.body, got.err = string(text), err
		}
		got.took = time.Since(start)
		time.Sleep(time.Hour) // a body that is still being made comes to its end
	})
	return got
}

func TestASilentWeChatIsGivenUp(t *testing.T) {
	t.Parallel()
	got := bubble(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}, strings.NewReader("{}"), nil)
	if got.err != nil || !strings.Contains(got.body, `"errcode":-1`) || !strings.Contains(got.body,
		"nothing came for 30s") || got.took.Round(time.Second) != 30*time.Second {
		t.Errorf("%+v; want -1 after 30 s", got)
	}
}

// Minutes are no trouble as long as something moves; the server's own limits
// are 10 s and 15 s here.
func TestASlowAnswerArrives(t *testing.T) {
	t.Parallel()
	got := bubble(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		control := http.NewResponseController(w)
		_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})
		time.Sleep(12 * time.Second) // beyond what the server waits for a request
		for range 20 {
			_, _ = io.WriteString(w, "piece")
			_ = control.Flush()
			time.Sleep(20 * time.Second)
		}
	}, strings.NewReader("{}"), nil)
	if got.err != nil || got.body != strings.Repeat("piece", 20) || got.took < 6*time.Minute {
		t.Errorf("%+v; want 100 bytes after more than 6 min", got)
	}
}

func TestASlowUploadArrives(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int64{"kept": 1000, "streamed": 10} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := bubble(t, func(w http.ResponseWriter, r *http.Request) {
				control := http.NewResponseController(w)
				_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != strings.Repeat("piece", 10) {
					t.Errorf("WeChat saw %q, %v", body, err)
				}
				_, _ = io.WriteString(w, `{"errcode":0}`)
			}, &slowly{10, 20 * time.Second}, func(_ *world, o *relay.Options) { o.MaxKept = most })
			if got.err != nil || got.body != `{"errcode":0}` || got.took < 3*time.Minute {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAStalledUploadIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, most := range map[string]int64{"kept": 1000, "streamed": 4} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := bubble(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
				&slowly{2, 40 * time.Second}, func(_ *world, o *relay.Options) { o.MaxKept = most })
			if got.err != nil || !strings.Contains(got.body, "did not arrive") || got.took > 45*time.Second {
				t.Errorf("%+v; want -1 after 30 s", got)
			}
		})
	}
}

// Who needs no key cannot hold a place by sending a byte now and then: all of the
// body must have come in the time that may pass between two pieces of a caller's.
func TestADrippingStrangerIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"/sns/userinfo?access_token=of-a-user&openid=o", "/sns/auth?access_token=of-a-user&openid=o"} {
		got := bubbleAt(t, target, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }, &slowly{
			100,
			20 * time.Second,
		}, nil)
		if got.err != nil || !strings.Contains(got.body, "did not arrive") || got.took > 45*time.Second {
			t.Errorf("%s: %+v; want -1 after 30 s", target, got)
		}
	}
}

// The time that a report takes is not the caller's.
func TestAReportMayTakeItsTime(t *testing.T) {
	t.Parallel()
	got := bubble(t, func(w http.ResponseWriter, r *http.Request) {
		text := `{"errcode":40001}`
		if strings.Contains(r.URL.RawQuery, "81_new") {
			text = `{"errcode":0}`
		}
		_, _ = io.WriteString(w, text)
	}, strings.NewReader("{}"), func(w *world, o *relay.Options) {
		o.Idle = 10 * time.Second
		w.renew = func(relay.Death) string {
			time.Sleep(18 * time.Second)
			return "81_new"
		}
	})
	if got.err != nil || got.body != `{"errcode":0}` {
		t.Errorf("%+v", got)
	}
}
