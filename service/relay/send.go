package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
)

// send makes one attempt, at the fallback host if the first cannot be connected
// to: then nobody can have seen the request.
func (c *call) send(h hosts, query string, p *payload) (*http.Response, error) {
	c.sends++
	resp, unsent, err := c.try(h.base, query, p)
	if err != nil && unsent && h.fallback != nil && c.ctx.Err() == nil {
		resp, unsent, err = c.try(h.fallback, query, p)
	}
	if err != nil {
		return nil, c.broken(err, unsent)
	}
	c.pulse.beat()
	return resp, nil
}

// try sends the request to one host. unsent is true only where not a byte of it
// can have left.
func (c *call) try(host *url.URL, query string, p *payload) (resp *http.Response, unsent bool, err error) {
	var trace sentTrace
	req := (&http.Request{
		Method: c.r.Method, Host: host.Host, Header: forwardHeaders(c.r.Header), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: &url.URL{
			Scheme: host.Scheme, Host: host.Host,
			Path: host.Path + c.r.URL.Path, RawPath: host.EscapedPath() + c.r.URL.EscapedPath(),
			RawQuery: query,
		},
	}).WithContext(trace.watch(c.ctx))
	p.attach(req)
	resp, err = c.relay.o.Transport.RoundTrip(req)
	return resp, trace.never(), err
}

// sentTrace learns whether a request can have reached anyone: it cannot before
// the transport has a connection with TLS done.
type sentTrace struct{ asked, connected atomic.Bool }

func (s *sentTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { s.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { s.connected.Store(true) },
	})
}

// never is true only if the transport reports its steps and never connected.
func (s *sentTrace) never() bool { return s.asked.Load() && !s.connected.Load() }

// broken is what a caller learns when there is no answer. It says whether
// WeChat can have acted, for that decides whether to send again.
func (c *call) broken(err error, unsent bool) error {
	if _, _, bad := c.upload.state(); bad != nil {
		return c.badUpload(bad)
	}
	idle := errors.Is(context.Cause(c.ctx), errIdle)
	switch {
	case unsent && idle:
		return trouble("WeChat cannot be reached from here; nothing was sent", errIdle)
	case unsent:
		return trouble("WeChat cannot be reached from here; nothing was sent", err)
	case idle:
		return trouble(fmt.Sprintf("nothing came for %s; whether WeChat carried the call out is not known", c.relay.o.Idle), errIdle)
	}
	return trouble("the connection to WeChat broke; whether WeChat carried the call out is not known", err)
}

// maxCause is how many bytes of a foreign error text the log keeps.
const maxCause = 300

// clean makes an error fit for the log: without the values that were on their
// way, on one line, and short.
func (c *call) clean(err error) string {
	text := err.Error()
	for _, s := range c.secrets {
		for _, form := range []string{s.Reveal(), url.QueryEscape(s.Reveal())} {
			text = strings.ReplaceAll(text, form, "[redacted]")
		}
	}
	text = strings.Trim(strconv.Quote(text), `"`)
	return strings.ToValidUTF8(text[:min(len(text), maxCause)], "")
}
