package main_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/router"
	"github.com/wxsign/wxsign/service/schedule"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/simulator"
)

// faulty is what a request is answered by that brings out a fault of ours: a
// relay, at the end of the real chain of the routes for business servers.
type faulty struct {
	began bool // an answer had begun before
	cause func(token string) any
}

// faults are what a panic may carry that has to do with a secret.
var faults = map[string]faulty{ // never changed
	"a text":   {cause: func(token string) any { return "cannot handle " + token }},
	"an error": {cause: func(token string) any { return errors.New("cannot handle " + token) }},
	"the error of a call": {cause: func(token string) any {
		return &url.Error{Op: "Get", URL: "http://x/?t=" + token, Err: errors.ErrUnsupported}
	}},
	"a secret":                 {cause: func(token string) any { return secret.New(token) }},
	"a request":                {cause: func(token string) any { return &http.Request{Header: http.Header{"Authorization": {token}}} }},
	"bytes":                    {cause: func(token string) any { return []byte(token) }},
	"Go's own words":           {cause: misread},
	"a text, within an answer": {began: true, cause: func(token string) any { return token }},
	"Go's own, within it":      {began: true, cause: misread},
}

// misread has the runtime panic with a secret at hand, and on the stack.
func misread(token string) any {
	var held any = token
	return held.(fmt.Stringer)
}

// A fault in the middle of a request, with secrets in all that the request and the
// fault carry: the log tells where it was, and none of them; nor does the answer.
//
//nolint:paralleltest // what handlers log on their own goes to the one default logger
func TestCanaryInAPanic(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			c, log := newRequestCanary(t)
			chain, err := router.Control(router.ControlOptions{
				Control: &handler.Control{}, Health: handler.NewHealth(nil), Logger: slog.Default(),
				Relay: func(g *gin.Context) error {
					if fault.began {
						g.String(http.StatusOK, "begun")
						g.Writer.Flush()
					}
					panic(fault.cause(c.secrets["access_token"]))
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			answer := c.askWithSecrets(chain, http.MethodPost, "/cgi-bin/"+c.secrets["secret of the path"])
			if wrong := !fault.began && answer.Code != http.StatusInternalServerError; wrong || !strings.Contains(log.String(), "panic: ") ||
				!strings.Contains(log.String(), "canarypanic_test.go") {
				t.Errorf("status %d; the log does not tell of the fault, and where it was:\n%s", answer.Code, log)
			}
			c.see("the log", log.String())
			c.noLeaks()
		})
	}
}

// The same in the pages', the callers' and the panel's own handlers, which are not
// complete here: the first request on its way to what is missing panics in the
// midst of them.
//
//nolint:paralleltest // as above
func TestCanaryInAHandlersPanic(t *testing.T) {
	for name, tt := range map[string]struct {
		chain        func() (http.Handler, error)
		method, path string
	}{
		"signing":      {hollowPages, http.MethodGet, "/jssdk/config"},
		"signing POST": {hollowPages, http.MethodPost, "/jssdk/config"},
		"demo page":    {hollowPages, http.MethodGet, "/demo/share"},
		"drop-in":      {hollowControl, http.MethodGet, "/cgi-bin/token"},
		"token":        {hollowControl, http.MethodGet, "/v1/accounts/" + demoApp + "/access_token"},
		"sign-in":      {hollowPanel, http.MethodPost, "/admin/sign-in"},
		"panel":        {hollowPanel, http.MethodGet, "/admin/accounts/" + demoApp},
	} {
		t.Run(name, func(t *testing.T) {
			c, log := newRequestCanary(t)
			chain, err := tt.chain()
			if err != nil {
				t.Fatal(err)
			}
			answer := c.askWithSecrets(chain, tt.method, tt.path)
			if answer.Code != http.StatusInternalServerError || !strings.Contains(log.String(), "panic: ") {
				t.Errorf("status %d; no panic in the log:\n%s\n%s", answer.Code, log, answer.Body)
			}
			c.see("the log", log.String())
			c.noLeaks()
		})
	}
}

func hollowPages() (http.Handler, error) {
	script, err := handler.NewScript()
	if err != nil {
		return nil, err
	}
	return router.Pages(router.Options{
		JSSDK: &handler.JSSDK{}, Script: script, Health: handler.NewHealth(nil), AllowsOrigin: func(string) bool { return true },
		Demo: &handler.Demo{},
	})
}

func hollowControl() (http.Handler, error) {
	return router.Control(router.ControlOptions{Control: &handler.Control{}, Health: handler.NewHealth(nil)})
}

func hollowPanel() (http.Handler, error) {
	return router.Admin(router.AdminOptions{Panel: &handler.Panel{}})
}

// newRequestCanary marks what a request may carry, and keeps what is logged at
// debug level, in JSON, before anything of it is masked.
func newRequestCanary(t *testing.T) (*canary, *journal) {
	t.Helper()
	c := &canary{t: t, secrets: map[string]string{}}
	for _, name := range []string{
		"access_token", "API key", "session", "AppSecret", "password", "page", "referrer", "secret of the path", "user agent",
	} {
		c.mark(name, "canary0Q7x"+strings.ReplaceAll(name, " ", "")+"Z9")
	}
	log, before := &journal{}, slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})))
	return c, log
}

// askWithSecrets sends a request that has a secret wherever one can be.
func (c *canary) askWithSecrets(chain http.Handler, method, path string) *httptest.ResponseRecorder {
	c.t.Helper()
	query := url.Values{
		"access_token": {c.secrets["access_token"]}, "secret": {c.secrets["AppSecret"]}, "appid": {demoApp}, "grant_type": {"client_credential"},
	}
	if strings.HasPrefix(path, "/jssdk/") { // takes nothing else
		query = url.Values{"url": {"https://h5.example.com/?t=" + c.secrets["page"]}}
	}
	body := url.Values{"name": {"ann"}, "password": {c.secrets["password"]}, "url": {c.secrets["page"]}}.Encode()
	if method == http.MethodGet {
		body = ""
	} else if strings.HasPrefix(path, "/jssdk/") {
		body = `{"url":"https://h5.example.com/?t=` + c.secrets["page"] + `"}`
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, path+"?"+query.Encode(), strings.NewReader(body))
	for name, value := range map[string]string{
		"Authorization": "Bearer " + c.secrets["API key"], "Cookie": "wxsign=" + c.secrets["session"], "Sec-Fetch-Site": "same-origin",
		"Referer": "https://h5.example.com/?t=" + c.secrets["referrer"], "User-Agent": c.secrets["user agent"],
		"Content-Type": "application/x-www-form-urlencoded",
	} {
		if name != "Sec-Fetch-Site" || strings.HasPrefix(path, "/admin/") {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	chain.ServeHTTP(w, r)
	c.see("the answer", w.Body.String()+fmt.Sprint(w.Header()))
	return w
}

func (c *canary) noLeaks() {
	c.t.Helper()
	for _, leak := range c.leaks() {
		c.t.Error(leak)
	}
}

// A scheduled job that panics with a secret in its hands.
func TestCanaryInAJob(t *testing.T) {
	t.Parallel()
	const token = "canary0Q7xaccess_tokenZ9"
	for name, fault := range faults {
		if fault.began {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log, runs := &journal{}, 0
				s := schedule.New(slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})))
				if err := s.Add("job", "@every 1m", func(context.Context) { runs++; panic(fault.cause(token)) }); err != nil {
					t.Fatal(err)
				}
				s.Start()
				time.Sleep(2*time.Minute + time.Second)
				if err := s.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				if runs != 2 || !strings.Contains(log.String(), "panic: ") || !strings.Contains(log.String(), "canarypanic_test.go") {
					t.Errorf("%d runs; the log does not tell where it was:\n%s", runs, log)
				}
				c := &canary{t: t, secrets: map[string]string{"access_token": token}}
				c.see("the log", log.String())
				c.noLeaks()
			})
		})
	}
}

// An operator whose wxsign hangs sends SIGQUIT: what Go writes about all goroutines
// goes into a ticket, and holds no secret that wxsign has in use.
func TestCanaryInACrash(t *testing.T) {
	t.Parallel()
	c := &canary{t: t, secrets: map[string]string{}}
	sim := startSimulator(t, simulator.Account{})
	p := onSimulator(t, sim, "WXSIGN_SECURITY_MASTER_KEY="+c.mark("master key", newKey(t)), "GOTRACEBACK=all",
		"WXSIGN_DATABASE_DSN="+filepath.Join(t.TempDir(), "wxsign.db"))
	c.mark("AppSecret", demoSecret)
	s := p.spawn(t)
	s.waitLog("wxsign is ready")
	s.sign(page, sim.URL)
	c.learn(sim)
	key := c.mark("API key", c.command(p, 0, []string{"API key"}, "key", "create", "--name", "shop", "--scope", "token", "--account", demoApp))
	c.newVisitor(s.server).ask(http.MethodGet, "/v1/accounts/"+demoApp+"/access_token", "", http.StatusOK, bearer(key), "access_token")
	if err := s.command.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	s.ended <- <-s.ended
	if dump := s.log.String(); !strings.Contains(dump, "SIGQUIT: quit") || strings.Count(dump, "\ngoroutine ") < 10 {
		t.Fatalf("no goroutines in the dump:\n%s", dump)
	}
	c.see("the log and the dump", s.log.String())
	c.noLeaks()
}
