package wechat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/service/secret"
)

// maxBody bounds an answer, unpacked. A grant is below 1 KiB, the list of
// getcallbackip a few KiB.
const maxBody = 64 << 10

// call is one question to WeChat, the same for either host.
type call struct {
	op, method, path string
	query            url.Values
	body             []byte        // JSON, for POST
	appID            string        // for error texts, "" where the question names no account
	secret           secret.Secret // what must not come back in an error text
	repeatable       bool          // harmless if WeChat answers it twice
	wecom            bool          // asks qyapi, whose errcodes are its own
}

// grant asks and reads a credential from the named field of the answer.
func (c *Client) grant(ctx context.Context, k call, field string) (Grant, error) {
	a, err := c.do(ctx, k)
	if err != nil {
		return Grant{}, err
	}
	grant, err := a.grant(field)
	if err != nil {
		return Grant{}, k.fail(http.StatusOK, err)
	}
	return grant, nil
}

// do asks the base host and, where that cannot do harm, the fallback. A nil
// error means that WeChat answered without an errcode.
func (c *Client) do(ctx context.Context, k call) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	a, failed := c.askBase(ctx, k)
	if failed != nil && c.fallback != nil && failed.mayAskAgain(k) && ctx.Err() == nil {
		first := failed.Err.Error()
		if a, failed = c.ask(ctx, k, c.fallback); failed != nil && failed.Err != nil {
			failed.Err = fmt.Errorf("fallback host: %w (base host: %s)", failed.Err, first)
		}
	}
	if failed != nil {
		return nil, failed
	}
	return a, nil
}

// askBase leaves half of the time to the fallback if a time-out may lead there.
func (c *Client) askBase(ctx context.Context, k call) (answer, *Error) {
	if deadline, ok := ctx.Deadline(); ok && c.fallback != nil && k.repeatable {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	return c.ask(ctx, k, c.base)
}

// mayAskAgain holds the fallback rule. A request that WeChat never saw can go
// to another host. One that timed out may have been carried out: GET
// /cgi-bin/token may have rotated the token, getticket has spent quota.
func (e *Error) mayAskAgain(k call) bool {
	return e.unsent || k.repeatable && errors.Is(e.Err, context.DeadlineExceeded)
}

// ask sends the question to one host, once, and reads the answer.
func (c *Client) ask(ctx context.Context, k call, host *url.URL) (answer, *Error) {
	var sent sentTrace
	req, err := c.request(sent.watch(ctx), k, host)
	if err != nil {
		return nil, k.fail(0, fmt.Errorf("%w: cannot build the request", ErrRequest))
	}
	// The transport itself, not http.Client: no redirects, no cookies, and no
	// *url.Error with the URL in its text.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		failed := k.fail(0, k.networkError(ctx, err, sent.never()))
		failed.unsent = sent.never()
		return nil, failed
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		// The body is closed unread: who answers so is not WeChat's API, and
		// its connection is not worth keeping.
		return nil, k.fail(resp.StatusCode, statusError(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, k.fail(resp.StatusCode, k.networkError(ctx, err, false))
	}
	a, err := parseAnswer(body)
	if err != nil {
		err = fmt.Errorf("%w (Content-Type %s)", err, k.clean(resp.Header.Get("Content-Type"), 80))
		return nil, k.fail(resp.StatusCode, err)
	}
	return a, k.refusal(a)
}

// request builds the HTTP request of a call.
func (c *Client) request(ctx context.Context, k call, host *url.URL) (*http.Request, error) {
	target := host.JoinPath(k.path)
	target.RawQuery = k.query.Encode()
	// net/http sends a GET again, by itself, when a kept connection breaks
	// before the answer: two tokens for one call. It does not do so for a body
	// it cannot rewind, and an empty one is left out of the request.
	body := io.MultiReader()
	if k.body != nil {
		body = bytes.NewReader(k.body)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	if k.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	return req, nil
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

// never is true only if the transport reports its steps and never connected; of
// a transport that reports nothing we must think that it sent.
func (s *sentTrace) never() bool { return s.asked.Load() && !s.connected.Load() }

// networkError turns what the network stack says into an error that is safe to
// show: the chain is cut, because deeper errors may hold the URL. It asks the
// context first, because a context with a cause of its own hides behind that.
func (k call) networkError(ctx context.Context, err error, unsent bool) error {
	text := k.clean(withoutURL(err).Error(), maxCause)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("%w by the caller", context.Canceled)
	case unsent && strings.Contains(text, "tls:"): // later it is a connection that broke, and WeChat may have issued
		return fmt.Errorf("%w: %s", ErrUntrusted, text)
	case unsent && ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ErrUnreachable, context.DeadlineExceeded)
	case unsent:
		return fmt.Errorf("%w: %s", ErrUnreachable, text)
	case ctx.Err() != nil, isTimeout(err):
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	return fmt.Errorf("%w: %s", ErrBroken, text)
}

// isTimeout finds the stack's own time-outs, such as ResponseHeaderTimeout of a
// transport from outside.
func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// withoutURL takes *url.Error apart: its text begins with the whole URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err
}

func statusError(status int) error {
	if status >= 300 && status < 400 {
		return fmt.Errorf("%w: a redirect (HTTP %d), which is never followed because the request holds credentials", ErrNotWeChat, status)
	}
	return fmt.Errorf("%w: HTTP status %d (WeChat answers 200, also for its errors)", ErrNotWeChat, status)
}
