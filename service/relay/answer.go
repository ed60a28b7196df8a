package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// MarkHeader tells a caller what the relay did about a dead token.
const MarkHeader = "X-Wxsign-Relay"

// The values of MarkHeader.
const (
	// MarkRetried: the token was dead; this is the answer to the second attempt.
	MarkRetried = "retried"
	// MarkSendAgain: the token was dead and has been renewed, but the body was
	// too long to be kept: the caller sends the request again.
	MarkSendAgain = "send-again"
	// MarkNotRenewed: WeChat calls the token dead, but there is no other one: it
	// was proved alive, or could not be renewed. This is WeChat's own answer.
	MarkNotRenewed = "not-renewed"
)

const (
	copySize  = 32 << 10
	peekLimit = 4 << 10 // an error of WeChat has a few hundred bytes
)

// answer is WeChat's answer, its beginning read.
type answer struct {
	resp  *http.Response
	head  []byte // what was read of the body
	whole bool   // head is all of it
	code  int    // errcode of a body that has one, else 0
}

// receive looks at the beginning of an answer, where an errcode would be.
func (c *call) receive(resp *http.Response) (*answer, error) {
	if resp.StatusCode < 200 || resp.StatusCode >= 300 && resp.StatusCode < 400 && resp.StatusCode != http.StatusNotModified {
		// Where it leads is not told either: the URL may hold the live token.
		return nil, trouble("WeChat's host answered with a redirect, which is never followed",
			errors.New("HTTP status "+strconv.Itoa(resp.StatusCode)))
	}
	a := &answer{resp: resp}
	if !c.mayHoldErrcode(resp) {
		return a, nil
	}
	if err := a.peek(c.pulse); err != nil {
		return nil, c.broken(err, false)
	}
	if a.whole {
		a.code = errcodeOf(a.head)
		c.errcode = a.code
	}
	return a, nil
}

// mayHoldErrcode says no for answers that need not be looked at: WeChat's
// errors are short and HTTP 200, whatever Content-Type they have.
func (c *call) mayHoldErrcode(resp *http.Response) bool {
	return c.r.Method != http.MethodHead && resp.StatusCode == http.StatusOK && resp.ContentLength != 0 &&
		resp.ContentLength <= peekLimit && resp.Header.Get("Content-Encoding") == ""
}

// peek reads until the body has ended, is too long for an error, or is no JSON
// object.
func (a *answer) peek(p *pulse) error {
	size := int64(peekLimit)
	if a.resp.ContentLength > 0 {
		size = a.resp.ContentLength
	}
	a.head = make([]byte, 0, size)
	for len(a.head) < cap(a.head) {
		n, err := a.resp.Body.Read(a.head[len(a.head):cap(a.head)])
		a.head = a.head[:len(a.head)+n]
		p.beat()
		switch {
		case errors.Is(err, io.EOF), int64(len(a.head)) == a.resp.ContentLength:
			a.whole = true
			return nil
		case err != nil:
			return err
		}
		if text := bytes.TrimLeft(a.head, " \t\r\n"); len(text) > 0 && text[0] != '{' {
			return nil
		}
	}
	return nil
}

// errcodeOf is the errcode at the top of a JSON object; 0 where there is none.
func errcodeOf(body []byte) int {
	if !bytes.Contains(body, []byte(`"errcode"`)) {
		return 0
	}
	var fields map[string]json.RawMessage
	var code int
	if json.Unmarshal(body, &fields) != nil || json.Unmarshal(fields["errcode"], &code) != nil {
		return 0
	}
	return code
}

// deliver sends the answer to the caller, as it came.
func (c *call) deliver(a *answer) error {
	defer func() { _ = a.resp.Body.Close() }()
	returnHeaders(c.w.Header(), a.resp.Header)
	c.start(a.resp.StatusCode)
	// An answer of unknown length may be one that grows slowly: each piece of it
	// goes out at once.
	grows := a.resp.ContentLength < 0 && !a.whole
	if len(a.head) > 0 {
		c.write(a.head, grows)
	}
	if a.whole || c.r.Method == http.MethodHead {
		return nil
	}
	return c.copy(a.resp, grows)
}

// copy streams what is left of an answer.
func (c *call) copy(resp *http.Response, flush bool) error {
	buffer := c.relay.buffers.Get().(*[]byte) //nolint:forcetypeassert // New makes nothing else
	defer c.relay.buffers.Put(buffer)
	for {
		n, err := resp.Body.Read(*buffer)
		if n > 0 {
			c.pulse.beat()
			c.write((*buffer)[:n], flush)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return c.broken(err, false)
		}
	}
}
