package handler_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/relay"
)

// relayer is a relay that answers what it is told to.
type relayer struct {
	status  int
	body    string
	errcode int
	err     error
	from    relay.From
}

func (r *relayer) Serve(w http.ResponseWriter, _ *http.Request, from relay.From) (int, error) {
	r.from = from
	if r.err == nil {
		w.WriteHeader(r.status)
		_, _ = w.Write([]byte(r.body))
	}
	return r.errcode, r.err
}

// noTries is a network that has tried too often.
type noTries struct{}

func (noTries) Take(string) (time.Duration, bool) { return time.Second, false }

func TestRelayBehindGin(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	for name, c := range map[string]struct {
		relayer relayer
		status  int
		body    string
		code    string
	}{
		"an answer":            {relayer{status: 200, body: "x"}, 200, "x", "ok"},
		"an errcode":           {relayer{status: 200, body: "x", errcode: 45009}, 200, "x", "errcode_45009"},
		"WeChat's 404":         {relayer{status: 404, body: "theirs"}, 404, "theirs", "ok"},
		"WeChat's 404, empty":  {relayer{status: 404}, 404, "", "ok"},
		"none of the relay's":  {relayer{err: relay.ErrNotRelayed}, 404, `"code":"not_found"`, "not_found"},
		"an answer of no body": {relayer{status: 204}, 204, "", "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var code string
			engine := gin.New()
			engine.NoRoute(func(ctx *gin.Context) {
				handler.SetRequestID(ctx, "request-1")
				handler.NewRelay(&c.relayer, handler.NewGuard(nil, noTries{}), noTries{}).Gin(ctx)
				code = handler.Code(ctx)
			})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/cgi-bin/x", http.NoBody)
			r.RemoteAddr = "[::ffff:192.0.2.7]:1234"
			w := httptest.NewRecorder()
			engine.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) || c.body == "" && w.Body.Len() > 0 || code != c.code {
				t.Errorf("HTTP %d %q, code %s; want %d %q, %s", w.Code, w.Body, code, c.status, c.body, c.code)
			}
			if w.Header().Get("Referrer-Policy") != "no-referrer" {
				t.Error("what is in the address may go to where the answer leads")
			}
			from := c.relayer.from
			if from.Addr != netip.MustParseAddr("192.0.2.7") || from.RequestID != "request-1" || from.LookUp() || from.Stranger() {
				t.Errorf("from %+v", from)
			}
		})
	}
}
