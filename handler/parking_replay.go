package handler

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/deadline"
	"github.com/wxsign/wxsign/service/keeper"
)

// parkedKey marks a request in gin's context that will come again.
const parkedKey = "wxsign.parked"

// Parked reports whether a request is not answered yet, because it waits for
// something and will come again: there is nothing to log.
func Parked(c *gin.Context) bool { return c.GetBool(parkedKey) }

// parkable reports whether the connection of a request can be taken off its
// server and given back: HTTP/1.1 without TLS, and nothing unread.
func parkable(r *http.Request) bool {
	_, served := r.Context().Value(http.ServerContextKey).(*http.Server)
	return served && r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.TLS == nil &&
		r.URL.Host == "" && r.ContentLength == 0 && len(r.TransferEncoding) == 0
}

// park takes the connection of a poll off its server. False means that this
// cannot be done with this one, and nothing has happened.
func (h *Control) park(c *gin.Context, kind string, known known, seen keeper.Current) bool {
	if !parkable(c.Request) {
		return false
	}
	request := withoutWait(c.Request) // it is not valid any more behind Hijack
	if len(request) > mostRequest {
		return false
	}
	left, granted := h.lot.enter()
	if !granted {
		return false
	}
	defer left()
	appID := c.Param("app_id")
	server, _ := c.Request.Context().Value(http.ServerContextKey).(*http.Server)
	hijacked, buffered, err := http.NewResponseController(c.Writer).Hijack()
	if err != nil {
		return false
	}
	c.Set(parkedKey, true)
	conn, ahead := unwrap(hijacked)
	if conn == nil {
		_ = hijacked.Close() // cannot be: it is what the listener accepted, without TLS
		return true
	}
	// What the client has sent behind this request is the next one.
	if next, err := buffered.Peek(buffered.Reader.Buffered()); err == nil {
		request = append(request, next...)
	}
	_ = conn.SetDeadline(time.Time{})
	h.lot.park(awaited{appID, kind}, poll{
		conn: conn, request: append(request, ahead...), server: server, known: known, until: time.Now().Add(known.wait),
	}, seen)
	return true
}

// withoutWait is a request as bytes, as it could have been sent to get the answer
// at once.
func withoutWait(r *http.Request) []byte {
	var out bytes.Buffer
	out.WriteString("GET " + r.URL.EscapedPath() + "?" + dropParam(r.URL.RawQuery, "wait") + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	_ = r.Header.Write(&out) // a buffer takes everything
	out.WriteString("\r\n")
	return out.Bytes()
}

// dropParam takes a parameter off a raw query, however its name is escaped.
func dropParam(raw, name string) string {
	pieces := strings.Split(raw, "&")
	kept := pieces[:0]
	for _, piece := range pieces {
		key, _, _ := strings.Cut(piece, "=")
		if decoded, err := url.QueryUnescape(key); err != nil || decoded != name {
			kept = append(kept, piece)
		}
	}
	return strings.Join(kept, "&")
}

// resume gives the connection back to its server, which reads the request as if
// it came now. A server that is shut down takes nothing. answered is called, maybe
// several times, when the answer has begun or the connection is closed.
func (p poll) resume(answered func()) {
	conn := &replayed{TCPConn: p.conn, ahead: p.request, answered: answered}
	back := &once{conn: conn}
	_ = p.server.Serve(back) // that it is at its end
	if back.conn != nil {
		_ = conn.Close()
	}
}

// replayed is a connection with bytes that are read first.
type replayed struct {
	*net.TCPConn

	ahead    []byte
	answered func()
}

// Write implements net.Conn. The answer has begun before it is taken: a client
// that does not read must not keep the others from theirs.
func (c *replayed) Write(p []byte) (int, error) {
	c.answered()
	return c.TCPConn.Write(p)
}

// Close implements net.Conn.
func (c *replayed) Close() error {
	defer c.answered()
	return c.TCPConn.Close()
}

// Read implements net.Conn.
func (c *replayed) Read(p []byte) (int, error) {
	if len(c.ahead) == 0 {
		return c.TCPConn.Read(p)
	}
	n := copy(p, c.ahead)
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// unwrap is the connection below, and what is still to be read before it; nil
// where it is another one, as that of TLS, below which all would be plain.
func unwrap(conn net.Conn) (below *net.TCPConn, ahead []byte) {
	switch c := conn.(type) {
	case *replayed:
		c.answered() // a request behind the first one is here
		return c.TCPConn, c.ahead
	case *net.TCPConn:
		return c, nil
	case *deadline.Conn:
		return unwrap(c.NetConn())
	}
	return nil, nil
}

// once is a listener that accepts one connection, and then is at its end: a
// server goes on with what it has accepted.
type once struct{ conn *replayed }

// Accept implements net.Listener.
func (o *once) Accept() (net.Conn, error) {
	if o.conn == nil {
		return nil, io.EOF
	}
	conn := o.conn
	o.conn = nil
	return conn, nil
}

// Close implements net.Listener. The connection outlives it.
func (*once) Close() error { return nil }

// Addr implements net.Listener.
func (*once) Addr() net.Addr { return &net.TCPAddr{} }
