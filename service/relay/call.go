package relay

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/wxsign/wxsign/service/secret"
)

// From says where a request comes from, as the router found out.
type From struct {
	Addr      netip.Addr
	RequestID string
	// LookUp is asked before a key or token that is not known here costs a look
	// at the database; nil = no limit.
	LookUp func() (granted bool)
	// Stranger is asked before a call goes to WeChat for which nobody showed a key
	// of ours; nil = no limit.
	Stranger func() (granted bool)
}

// call is one relayed call. It is used by the request's goroutine, and its
// upload and pulse also by the transport's.
type call struct {
	relay  *Relay
	w      http.ResponseWriter
	r      *http.Request
	from   From
	ctx    context.Context // ends with the call
	cancel context.CancelCauseFunc
	pulse  *pulse

	upload  *upload // nil where the request has no body
	maxBody int64

	grant   grant
	secrets []secret.Secret // what must not show in the log
	began   bool            // the answer's header is written

	// For the log.
	started time.Time
	sends   int // attempts at WeChat
	status  int
	errcode int
	out     int64
	mark    string
	err     error
}

// Serve relays a request and answers it, whatever comes of it, and tells the
// errcode of the answer, 0 where there was none. It fails with ErrNotRelayed, and
// has written nothing, where the request is none of the relay's. It panics with http.ErrAbortHandler where an answer breaks off in
// the middle, so that nobody takes it for a whole one.
func (y *Relay) Serve(w http.ResponseWriter, r *http.Request, from From) (errcode int, err error) {
	f, err := classify(r)
	if errors.Is(err, ErrNotRelayed) {
		return 0, err
	}
	c := y.newCall(f, w, r, from)
	defer c.end()
	if err == nil {
		err = c.run(f)
	}
	if err != nil {
		c.answerRefusal(err)
	}
	return c.errcode, nil
}

// maxLoginBody is how long the body of a call of /sns/ may be. It needs none, and
// some of these calls ask nobody for a key.
const maxLoginBody = 64 << 10

func (y *Relay) newCall(f family, w http.ResponseWriter, r *http.Request, from From) *call {
	c := &call{relay: y, w: w, r: r, from: from, started: time.Now(), maxBody: y.o.MaxBody}
	if f != familyAPI {
		c.maxBody = min(c.maxBody, maxLoginBody)
	}
	c.ctx, c.cancel = context.WithCancelCause(r.Context())
	c.pulse = newPulse(http.NewResponseController(w), y.o.Idle, func() { c.cancel(errIdle) })
	if r.Body != nil && r.Body != http.NoBody {
		c.upload = &upload{body: r.Body, size: r.ContentLength, left: c.maxBody, pulse: c.pulse}
		if f == familyUser { // a stranger must not hold a place by dripping
			c.pulse.hurry()
		}
	} else {
		c.pulse.received()
	}
	return c
}

// run relays the call by the rules of its family.
func (c *call) run(f family) error {
	switch f {
	case familyUser:
		if c.from.Stranger != nil && !c.from.Stranger() {
			return refuse(45011, "too many of these calls came from your network; nothing was sent, try again in a moment")
		}
		if presentsKey(c.r.URL.RawQuery) {
			return refuse(40014, "this call takes the token of a user, from web login; an API key is never sent to WeChat")
		}
		return c.within(c.relay.strangers, func() error { return c.pass(c.r.URL.RawQuery) })
	case familySecret:
		query, err := c.admitSecret()
		if err != nil {
			return err
		}
		return c.within(c.relay.slots, func() error { return c.pass(query) })
	default:
		if err := c.admitAPI(); err != nil {
			return err
		}
		return c.within(c.relay.slots, c.relayAPI)
	}
}

// within does work as soon as there is a slot for it.
func (c *call) within(slots *semaphore.Weighted, work func() error) error {
	if !slots.TryAcquire(1) {
		ctx, cancel := context.WithTimeout(c.ctx, c.relay.o.Queue)
		defer cancel()
		if err := slots.Acquire(ctx, 1); err != nil {
			return trouble("too many calls are under way here; nothing was sent, try again in a few seconds", err)
		}
		c.pulse.beat()
	}
	defer slots.Release(1)
	return work()
}

// pass sends a call of /sns/ once and its answer back. A code of web login can
// be spent only once, so the transport may not send it again by itself either.
func (c *call) pass(query string) error {
	p, err := c.prepare()
	if err != nil {
		return err
	}
	defer p.release()
	p.once = true
	a, err := c.attempt(c.relay.official, query, p)
	if err != nil {
		return err
	}
	return c.deliver(a)
}

// attempt sends the call once and looks at the beginning of the answer.
func (c *call) attempt(h hosts, query string, p *payload) (*answer, error) {
	resp, err := c.send(h, query, p)
	if err != nil {
		return nil, err
	}
	a, err := c.receive(resp)
	if err != nil {
		_ = resp.Body.Close()
		return nil, err
	}
	return a, nil
}

// start writes the answer's header.
func (c *call) start(status int) {
	if c.mark != "" {
		c.w.Header().Set(MarkHeader, c.mark)
	}
	c.pulse.beat()
	c.began, c.status = true, status
	c.w.WriteHeader(status)
}

// write sends bytes of the answer to the caller.
func (c *call) write(p []byte, flush bool) {
	n, err := c.w.Write(p)
	c.out += int64(n)
	if err == nil && flush {
		_ = http.NewResponseController(c.w).Flush() // a writer that cannot has nothing to hold back
	}
	if err != nil {
		c.err = err
		panic(http.ErrAbortHandler) // the caller is gone, or too slow
	}
}

// end writes the call's line in the log and lets go of the connection, which
// belongs to the next request from now on.
func (c *call) end() {
	c.cancel(context.Canceled)
	c.pulse.stop(c.linger())
	level := slog.LevelInfo
	switch {
	case c.err != nil && c.errcode == -1:
		level = slog.LevelWarn // our own trouble, or WeChat's
	case c.sends == 0 && c.grant.appID == "":
		level = slog.LevelDebug // a stranger, who could fill a disk: the access log tells it, thinned
	}
	if !c.relay.o.Logger.Enabled(c.r.Context(), level) {
		return
	}
	_, in, _ := c.upload.state()
	attrs := []slog.Attr{
		slog.String("account", c.grant.appID), slog.String("caller", c.grant.actor),
		slog.String("method", c.r.Method), slog.String("path", loggedPath(c.r.URL)),
		slog.Int("status", c.status), slog.Int("errcode", c.errcode), slog.Int("sends", c.sends),
		slog.Int64("bytes_in", in), slog.Int64("bytes_out", c.out), slog.Int64("took_ms", time.Since(c.started).Milliseconds()),
		slog.String("request_id", c.from.RequestID),
	}
	if c.mark != "" {
		attrs = append(attrs, slog.String("mark", c.mark))
	}
	if c.err != nil {
		attrs = append(attrs, slog.String("err", c.clean(c.err)))
	}
	c.relay.o.Logger.LogAttrs(c.r.Context(), level, "relayed a call", attrs...)
}

// lingering is how long the rest of an unwanted body is still taken in. Closing a
// connection with unread bytes would take the answer away from the caller.
const lingering = 5 * time.Second

// linger is lingering, or no time for a body that was never asked for.
func (c *call) linger() time.Duration {
	if _, n, _ := c.upload.state(); n == 0 && c.r.Header.Get("Expect") != "" {
		return 0
	}
	return lingering
}

// loggedPath is the path without its query. A path that has an API key in it, by
// somebody's mistake, is not shown.
func loggedPath(u *url.URL) string {
	if holds(u.EscapedPath(), keyPrefix) {
		return "[redacted]"
	}
	return u.Path[:min(len(u.Path), maxCause)]
}
