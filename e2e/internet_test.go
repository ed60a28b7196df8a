package e2e_test

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// reply is an answer that the program did not give.
type reply struct {
	status  int
	headers map[string]string
	body    string
}

// answerWorld plays every host but the program's own.
func (p *tab) answerWorld(o tabOptions) func() {
	if o.script == "" {
		o.script = "jweixin"
	}
	paused := chromedp.Events(p.ctx, fetch.RequestPaused)
	return func() {
		for event, err := range paused {
			if err != nil {
				return
			}
			p.answer(o, event)
		}
	}
}

func (p *tab) answer(o tabOptions, event fetch.EventRequestPaused) {
	u, err := url.Parse(event.Request.URL)
	if err != nil {
		return
	}
	first, isFirst := o.once[u.Path]
	page, isPage := o.pages[u.Path]
	switch {
	case slices.Contains(o.down, u.Host):
		p.cut(event)
	case u.Host == pageHost && isFirst:
		delete(o.once, u.Path)
		p.fulfil(event, first)
	case u.Host == pageHost && isPage:
		p.fulfil(event, reply{headers: map[string]string{"Content-Type": "text/html; charset=utf-8"}, body: page})
	case u.Host == pageHost && u.Scheme == "https":
		p.fulfil(event, p.behindTLS(u))
	case u.Host == pageHost:
		p.pass(event)
	default:
		p.mu.Lock()
		p.requests = append(p.requests, u.Host+u.Path)
		p.mu.Unlock()
		p.fulfil(event, elsewhere(o, u))
	}
}

// elsewhere is what the hosts of the internet answer.
func elsewhere(o tabOptions, u *url.URL) reply {
	script := map[string]string{"Content-Type": "text/javascript", "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
	switch {
	case u.Host == "open.weixin.qq.com": // jweixin's report
		return reply{headers: map[string]string{"Content-Type": "image/svg+xml"}, body: `<svg xmlns="http://www.w3.org/2000/svg"/>`}
	case u.Host == "cdn.jsdelivr.net":
		return reply{headers: script, body: framework(u.Path)}
	case u.Host == "open.work.weixin.qq.com":
		return reply{headers: script, body: agentScript}
	case strings.HasSuffix(u.Path, "jweixin-1.2.0.js"):
		return reply{headers: script, body: string(world.cdn["old"])}
	}
	return reply{headers: script, body: string(world.cdn[o.script])}
}

// framework is a file of an npm package as jsDelivr has it at /npm/NAME@VERSION/PATH.
func framework(path string) string {
	part := regexp.MustCompile(`^/npm/(@?[^@]+)@[^/]+/(.+)$`).FindStringSubmatch(path)
	if part == nil {
		return ""
	}
	body, err := os.ReadFile(filepath.Join("node_modules", filepath.FromSlash(part[1]), filepath.FromSlash(part[2])))
	if err != nil {
		return "" // then its hash is wrong, and the browser says so
	}
	return string(body)
}

// behindTLS asks the program as a proxy in front of it does that ends TLS.
func (p *tab) behindTLS(u *url.URL) reply {
	request, err := http.NewRequestWithContext(p.ctx, http.MethodGet, "http://"+world.program.address+u.RequestURI(), nil)
	if err != nil {
		return reply{status: http.StatusBadGateway}
	}
	request.Host = pageHost
	request.Header.Set("X-Forwarded-Proto", "https")
	res, err := client.Do(request)
	if err != nil {
		return reply{status: http.StatusBadGateway}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{status: http.StatusBadGateway}
	}
	return reply{status: res.StatusCode, headers: map[string]string{"Content-Type": res.Header.Get("Content-Type")}, body: string(body)}
}

// The three ways to end a request that is held up. An error means that the tab is
// closed already.

func (p *tab) fulfil(event fetch.EventRequestPaused, r reply) {
	headers := make([]*fetch.HeaderEntry, 0, len(r.headers))
	for name, value := range r.headers {
		headers = append(headers, &fetch.HeaderEntry{Name: name, Value: value})
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	_, _ = cdp.Call(p.ctx, chromedp.FromContext(p.ctx).Target, fetch.FulfillRequest, fetch.FulfillRequestParams{
		RequestID: event.RequestID, ResponseCode: int64(r.status), Body: []byte(r.body), ResponseHeaders: headers,
	})
}

func (p *tab) cut(event fetch.EventRequestPaused) {
	_, _ = cdp.Call(p.ctx, chromedp.FromContext(p.ctx).Target, fetch.FailRequest, fetch.FailRequestParams{
		RequestID: event.RequestID, ErrorReason: network.ErrorReasonConnectionRefused,
	})
}

func (p *tab) pass(event fetch.EventRequestPaused) {
	_, _ = cdp.Call(p.ctx, chromedp.FromContext(p.ctx).Target, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: event.RequestID})
}
