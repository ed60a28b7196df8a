package relay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
)

// errTooLarge says that a request's body passes Options.MaxBody.
var errTooLarge = errors.New("the request's body is too large")

// upload is the request's body on its way in: bounded, and each piece of it is
// a sign of life. The transport may still read it when the call is over.
type upload struct {
	body  io.Reader
	size  int64 // -1 = not told
	pulse *pulse

	mu   sync.Mutex
	left int64 // bytes that may still come
	n    int64
	eof  bool
	err  error
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	left, err := u.left, u.err
	u.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := u.body.Read(p[:min(int64(len(p)), left+1)])
	u.pulse.beat()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n, u.left = u.n+int64(n), u.left-int64(n)
	switch {
	case u.left < 0:
		u.err = errTooLarge
		return n - 1, u.err
	case errors.Is(err, io.EOF) || u.n == u.size:
		u.eof = true
		u.pulse.received()
	case err != nil:
		u.err = fmt.Errorf("read the request's body: %w", err)
		return n, u.err
	}
	return n, err
}

// state tells how far it got: all of it, and what went wrong.
func (u *upload) state() (whole bool, n int64, err error) {
	if u == nil {
		return true, 0, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.eof, u.n, u.err
}

// rest is how much of it has not been read, as far as that is known; a lot where
// it is not.
func (u *upload) rest() int64 {
	whole, n, _ := u.state()
	switch {
	case whole:
		return 0
	case u.size < 0:
		return math.MaxInt64
	}
	return u.size - n
}

// payload is the request's body on its way out.
type payload struct {
	kept  []byte
	whole bool      // kept is all of it, so that it can be sent twice
	rest  io.Reader // what follows, nil if whole
	size  int64     // of all, -1 = not known
	once  bool      // net/http may not send it twice by itself either

	release func() // gives the memory back; to be called once
}

// prepare keeps a short body and lets a long one stream. Nothing of the body
// has been asked for before, so a caller that expects "100 Continue" learns of a
// refusal without sending it.
func (c *call) prepare() (*payload, error) {
	y, u := c.relay, c.upload
	p := &payload{whole: true, release: func() {}}
	if u == nil || u.size == 0 {
		return p, nil
	}
	if u.size > c.maxBody {
		return nil, c.badUpload(errTooLarge)
	}
	room := y.o.MaxKept
	if u.size >= 0 {
		room = u.size
	}
	if room > y.o.MaxKept || !y.reserve(room) {
		p.whole, p.rest, p.size = false, u, u.size
		return p, nil
	}
	p.release = func() { y.kept.Add(-room) }
	if err := p.keep(u, room); err != nil {
		p.release()
		return nil, c.badUpload(err)
	}
	return p, nil
}

// reserve takes memory for a body out of what all calls together may keep.
func (y *Relay) reserve(n int64) bool {
	if y.kept.Add(n) <= y.o.KeptAtOnce {
		return true
	}
	y.kept.Add(-n)
	return false
}

// keep reads at most room bytes; what follows is left to stream.
func (p *payload) keep(u *upload, room int64) error {
	if u.size >= 0 {
		p.kept, p.size = make([]byte, room), room
		_, err := io.ReadFull(u, p.kept)
		return err
	}
	var buffer bytes.Buffer
	_, err := io.CopyN(&buffer, u, room+1)
	p.kept, p.size = buffer.Bytes(), int64(buffer.Len())
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		p.whole, p.rest, p.size = false, u, -1
	}
	return err
}

// attach makes the payload the body of a request.
func (p *payload) attach(req *http.Request) {
	req.ContentLength = p.size
	switch {
	case p.whole && p.once && len(p.kept) == 0:
		// Not http.NoBody: with that, net/http sends a GET again, by itself,
		// when a kept connection breaks. An empty body is left out of a GET.
		if req.Method == http.MethodGet || req.Method == http.MethodHead {
			req.Body = io.NopCloser(io.MultiReader())
		}
	case p.whole && len(p.kept) == 0:
	case p.whole:
		req.Body = io.NopCloser(bytes.NewReader(p.kept))
		if !p.once {
			// Asked for only where not a byte was written: a connection that WeChat
			// had closed while it was idle.
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.kept)), nil }
		}
	default:
		// NopCloser: the server closes its body, and a failed dial must not.
		req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(p.kept), p.rest))
	}
}

// badUpload is what a caller learns whose body did not come.
func (c *call) badUpload(err error) error {
	if errors.Is(err, errTooLarge) {
		return refuse(45001, fmt.Sprintf("at most %d bytes are relayed", c.maxBody))
	}
	return trouble("the request's body did not arrive; the call was not carried out as a whole", err)
}
