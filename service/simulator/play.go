package simulator

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"
)

const (
	hugeSize  = 16 << 20
	hugeChunk = 64 << 10
	trashSize = 512

	portalPage = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Please sign in to the network</h1></body></html>"
	proxyPage  = "<html><head><title>Bad gateway</title></head><body><center><h1>Bad gateway</h1></center></body></html>"
)

// play answers a call the way its fault says. With Issue the call takes effect
// at once and only its answer suffers; without, a slow call takes effect after
// the delay, if the client is still there, and every other not at all.
func (s *Simulator) play(f *fault, c *call, w http.ResponseWriter, r *http.Request) {
	var truth reply
	if f.Issue {
		truth = s.answer(c)
	}
	if !f.wait(r.Context(), c.released) {
		abort()
	}
	switch {
	case f.Mode == modeErrcode, !f.Issue && f.Mode != modeSlow:
		truth = s.pretend(f, c)
	case !f.Issue:
		truth = s.answer(c)
	}
	f.write(w, truth)
}

// wait spends the fault's delay. It reports false when there is nobody to
// answer any more, or nothing to be answered.
func (f *fault) wait(ctx context.Context, released <-chan struct{}) bool {
	if f.delay == 0 && f.Mode != modeHang {
		return true
	}
	var over <-chan time.Time // nil = never
	if f.delay > 0 {
		timer := time.NewTimer(f.delay)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-released:
	case <-over:
	}
	return f.Mode != modeHang
}

// pretend renders the error that a fault puts in place of the answer: its own
// errcode, or WeChat's "system error" where half of something must be sent.
func (s *Simulator) pretend(f *fault, c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	err, effect := c.fail(orDefault(f.Errcode, -1)), c.entry.Effect
	if f.Errmsg != "" {
		err = &apiError{code: f.Errcode, msg: f.Errmsg}
	}
	c.now = s.now()
	rendered := s.render(c, nil, err)
	c.entry.Effect = effect // to pretend is not to work on it
	if f.Mode != modeErrcode {
		c.entry.Errcode, c.entry.RID = 0, "" // the client is not told
	}
	return rendered
}

// write sends the answer of each mode.
func (f *fault) write(w http.ResponseWriter, truth reply) {
	page := reply{status: http.StatusOK, contentType: "text/html; charset=utf-8"}
	switch f.Mode {
	case modeSlow, modeErrcode:
		truth.write(w)
	case modeCut:
		truth.writeHalf(w)
	case modeGarbage:
		truth.body = make([]byte, trashSize)
		_, _ = rand.Read(truth.body)
		truth.write(w)
	case modeHTML:
		page.body = []byte(portalPage)
		page.write(w)
	case modeEmpty:
		truth.body = nil
		truth.write(w)
	case modeStatus:
		page.status, page.body = orDefault(f.Status, http.StatusBadGateway), []byte(orDefault(f.Body, proxyPage))
		page.write(w)
	case modeHuge:
		writeHuge(w)
	case modeGzip:
		w.Header().Set("Content-Encoding", "gzip")
		truth.write(w)
	case modeBody:
		reply{status: orDefault(f.Status, http.StatusOK), contentType: wechatJSON, body: []byte(f.Body)}.write(w)
	}
}

// writeHalf promises the whole answer, sends half and breaks the connection.
func (p reply) writeHalf(w http.ResponseWriter) {
	p.header(w)
	_, _ = w.Write(p.body[:len(p.body)/2])
	_ = http.NewResponseController(w).Flush() // a recorder cannot flush and need not
	abort()
}

// writeHuge sends an access_token that never seems to end.
func writeHuge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", wechatJSON)
	if _, err := w.Write([]byte(`{"access_token":"`)); err != nil {
		return
	}
	chunk := []byte(strings.Repeat("A", hugeChunk))
	for range hugeSize / hugeChunk {
		if _, err := w.Write(chunk); err != nil {
			return // the client had enough, as it should
		}
	}
	_, _ = w.Write([]byte(`","expires_in":7200}`))
}

// abort breaks the connection without a word in the server's log.
func abort() { panic(http.ErrAbortHandler) }
