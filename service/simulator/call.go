package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	maxBody = 128 << 20 // what a relay may send through; more is refused with HTTP 413
	maxJSON = 1 << 20   // what an endpoint that reads JSON looks at
)

// call is one request to a WeChat path, its body already read.
type call struct {
	method, path string
	wecom        bool // qyapi was asked
	query        url.Values
	contentType  string
	head         []byte // the first maxJSON bytes of the body, of an upload maxMediaBody
	length       int64  // of the whole body
	sha256       string // of the whole body
	peer         netip.Addr

	now     time.Time
	account *account // whose call it is, as far as one can tell; nil = nobody's
	token   *value   // the access_token of the query if the vault knows it
	entry   *entry

	released <-chan struct{} // Simulator.released as it was when the call began
}

// receive reads a request to its end. The body must be gone before a fault
// waits: only then does net/http notice that the client went away.
func receive(r *http.Request) (*call, error) {
	hash, head := sha256.New(), &headBuffer{most: maxJSON}
	if r.URL.Path == pathMediaUpload {
		head.most = maxMediaBody
	}
	n, err := io.Copy(io.MultiWriter(hash, head), http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	return &call{
		method: r.Method, path: r.URL.Path, query: r.URL.Query(), contentType: r.Header.Get("Content-Type"),
		wecom: strings.HasPrefix(r.URL.Path, weComPrefix+"/"),
		head:  head.kept, length: n, sha256: hex.EncodeToString(hash.Sum(nil)), peer: peerOf(r),
	}, nil
}

// headBuffer keeps the first bytes and lets the rest pass.
type headBuffer struct {
	kept []byte
	most int
}

func (b *headBuffer) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(b.most-len(b.kept), len(p))]...)
	return len(p), nil
}

// peerOf is the address of the TCP peer; headers such as X-Forwarded-For are
// never believed.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return peer.Addr().Unmap().WithZone("")
}

// identify finds the account: by the token, the appid in the query, or the
// appid in the body. s.mu must be held.
func (s *Simulator) identify(c *call) {
	c.account, c.token = nil, nil
	if v := s.vault.byText[c.query.Get("access_token")]; v != nil && v.kind == kindToken && v.account.wecom == c.wecom {
		c.account, c.token = v.account, v
		return
	}
	if c.wecom {
		s.identifyWeCom(c)
		return
	}
	if id := c.query.Get("appid"); id != "" {
		c.account = s.official(id)
		return
	}
	var body struct {
		AppID string `json:"appid"`
	}
	if unmarshalExact(c.head, &body) == nil {
		c.account = s.official(body.AppID)
	}
}

// readJSON decodes the body of a POST the way WeChat does: an empty one is
// 44002, one that is no JSON 47001.
func (c *call) readJSON(into any) error {
	if c.length == 0 {
		return fail(44002)
	}
	if c.length > maxJSON || unmarshalExact(c.head, into) != nil {
		return fail(47001)
	}
	return nil
}

// unmarshalExact reads a JSON object whose names count to the letter, unlike in
// encoding/json: WeChat does not read "appId". All names it knows here are in
// lower case.
func unmarshalExact(data []byte, into any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	maps.DeleteFunc(fields, func(name string, _ json.RawMessage) bool { return name != strings.ToLower(name) })
	exact, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(exact, into)
}

// isForm reports whether the body is form-encoded rather than JSON.
func (c *call) isForm() bool {
	return strings.HasPrefix(c.contentType, "application/x-www-form-urlencoded") && !json.Valid(c.head)
}

// needToken checks the access_token of the query, then the IP list.
func (s *Simulator) needToken(c *call) error {
	switch {
	case c.query.Get("access_token") == "":
		return fail(41001)
	case c.token == nil:
		return fail(40001)
	case !c.token.alive(c.now) && c.token.killed == "":
		return fail(42001)
	case !c.token.alive(c.now):
		return fail(40001) // not the latest any more
	case !s.options.IPListTokenOnly && !c.account.allows(c.peer):
		return c.fail(40164)
	}
	return nil
}
