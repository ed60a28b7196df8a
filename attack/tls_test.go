package attack_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// secured is a place whose listeners speak TLS, but for that of the operators.
func secured(t testing.TB, p *place) *place {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(filepath.Dir(p.config), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, private := write("tls.crt", "CERTIFICATE", der), write("tls.key", "EC PRIVATE KEY", keyDER)
	var env []string
	for _, section := range []string{"SERVER", "CONTROL", "ADMIN"} {
		env = append(env, "WXSIGN_"+section+"_TLS_CERT="+cert, "WXSIGN_"+section+"_TLS_KEY="+private)
	}
	known, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(known)
	p = p.with(env...)
	p.trust = &tls.Config{RootCAs: trust, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	return p
}

// protocol is trust for one application protocol.
func protocol(trust *tls.Config, name string) *tls.Config {
	one := trust.Clone()
	one.NextProtos = []string{name}
	return one
}

// h2 is a client of HTTP/2 that writes whatever frames it is told to.
type h2 struct {
	*http2.Framer
	conn net.Conn
}

// openH2 shakes hands and takes in all the server wants to send, of a window of
// its own for each stream.
func openH2(at string, trust *tls.Config, window uint32) (*h2, error) {
	conn, err := shakeHands(at, protocol(trust, http2.NextProtoTLS), window > 1<<20)
	if err != nil {
		return nil, err
	}
	c := &h2{http2.NewFramer(conn, conn), conn}
	c.AllowIllegalWrites = true
	c.ReadMetaHeaders = hpack.NewDecoder(64<<10, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	if err == nil {
		err = c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	}
	if err == nil {
		err = c.WriteWindowUpdate(0, 1<<30)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// shakeHands gets a connection, at the third try at last: wxsign gives a handshake 5
// seconds, which may pass on a machine that has other things to do. Where it is
// small, it has little room for answers.
func shakeHands(at string, trust *tls.Config, small bool) (conn *tls.Conn, err error) {
	for range 3 {
		var raw net.Conn
		if raw, err = net.DialTimeout("tcp", at, patience); err != nil {
			return nil, err
		}
		if tcp, ok := raw.(*net.TCPConn); ok && small {
			_ = tcp.SetReadBuffer(4 << 10)
		}
		conn = tls.Client(raw, trust)
		_ = conn.SetDeadline(time.Now().Add(2 * patience))
		if err = conn.Handshake(); err == nil {
			return conn, nil
		}
		_ = conn.Close()
	}
	return nil, err
}

// fields are headers, name, value, name, value, as HPACK writes them.
func fields(pairs ...string) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(pairs); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}) // a buffer takes all
	}
	return block.Bytes()
}

// pseudo are the fields that every request has.
func pseudo(method, at, path string) []string {
	return []string{":method", method, ":scheme", "https", ":authority", at, ":path", path}
}

// head sends the header of a request, in as many frames as it needs.
func (c *h2) head(stream uint32, block []byte, end bool) error {
	const frame = 16 << 10
	first := block[:min(frame, len(block))]
	rest := block[len(first):]
	err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: first, EndStream: end, EndHeaders: len(rest) == 0})
	for len(rest) > 0 && err == nil {
		part := rest[:min(frame, len(rest))]
		rest = rest[len(part):]
		err = c.WriteContinuation(stream, len(rest) == 0, part)
	}
	return err
}

// answer reads frames up to the end of a stream, or of the connection, which is
// no answer.
func (c *h2) answer(stream uint32) answer {
	got, body := answer{header: http.Header{}}, strings.Builder{}
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return answer{}
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID != stream {
				continue
			}
			for _, field := range f.Fields {
				if field.Name == ":status" {
					got.status, _ = strconv.Atoi(field.Value)
				} else {
					got.header.Add(field.Name, field.Value)
				}
			}
			if f.StreamEnded() {
				return got
			}
		case *http2.DataFrame:
			if f.StreamID != stream {
				continue
			}
			body.Write(f.Data())
			if f.StreamEnded() {
				got.body = body.String()
				return got
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == stream {
				return answer{}
			}
		case *http2.GoAwayFrame:
			return answer{}
		}
	}
}

// fireH2 sends a shot, which was written for HTTP/1.1, by HTTP/2.
func fireH2(s shot) answer {
	c, err := openH2(s.at, s.trust, 1<<20)
	if err != nil {
		return answer{status: -1, body: err.Error()}
	}
	defer c.conn.Close()
	const stream = 1
	block, body := translate(s)
	if err := c.head(stream, block, body == ""); err != nil {
		return answer{}
	}
	const frame = 16 << 10
	for rest := body; rest != ""; {
		part := rest[:min(frame, len(rest))]
		rest = rest[len(part):]
		if err := c.WriteData(stream, rest == "", []byte(part)); err != nil {
			break // refused half-way is refused; the answer may be there
		}
	}
	return c.answer(stream)
}

// translate makes of the bytes of a request those of a header of HTTP/2, with all
// that is bent in it, and its body.
func translate(s shot) (block []byte, body string) {
	head, body, _ := strings.Cut(s.raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	method, target, _ := strings.Cut(lines[0], " ")
	target = strings.TrimSuffix(target, " HTTP/1.1")
	all := pseudo(method, s.at, target)
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		switch name = strings.ToLower(name); name {
		case "host", "connection", "te":
		default:
			all = append(all, name, strings.TrimPrefix(value, " "))
		}
	}
	return fields(all...), body
}

// bent are requests that break the rules of HTTP/2: those by which something may be
// smuggled through a proxy that makes HTTP/1.1 of them, and those that mean nothing.
// They ask for what is closed.
func bent(at, app string) map[string][]byte {
	closedPath := "/v1/accounts/" + app + "/access_token"
	plain := pseudo(http.MethodGet, at, closedPath)
	with := func(pairs ...string) []byte { return fields(append(append([]string{}, plain...), pairs...)...) }
	return map[string][]byte{
		"transfer-encoding":           with("transfer-encoding", "chunked"),
		"connection":                  with("connection", "keep-alive, authorization"),
		"upgrade":                     with("upgrade", "h2c"),
		"two lengths":                 with("content-length", "0", "content-length", "5"),
		"length that is none":         with("content-length", "-1"),
		"line break in a value":       with("x", "a\r\nAuthorization: Bearer wxs_x"),
		"line break in a name":        with("x\r\nauthorization", "Bearer wxs_x"),
		"request in a value":          with("x", "a\r\n\r\nGET "+closedPath+" HTTP/1.1\r\nHost: x\r\n\r\n"),
		"zero in a value":             with("x", "a\x00b"),
		"colon in a name":             with("x: y", "z"),
		"capital letters":             with("Authorization", "Bearer wxs_x"),
		"empty name":                  with("", "x"),
		"two hosts":                   with("host", "evil.example"),
		"pseudo-header behind others": with("x", "y", ":path", "/healthz"),
		"two paths":                   fields(append([]string{":path", "/healthz"}, plain...)...),
		"two methods":                 fields(append([]string{":method", "POST"}, plain...)...),
		"made-up pseudo-header":       fields(append([]string{":evil", "x"}, plain...)...),
		"status":                      fields(append([]string{":status", "200"}, plain...)...),
		"no path":                     fields(":method", "GET", ":scheme", "https", ":authority", at),
		"no method":                   fields(":scheme", "https", ":authority", at, ":path", closedPath),
		"no scheme":                   fields(":method", "GET", ":authority", at, ":path", closedPath),
		"empty path":                  fields(pseudo("GET", at, "")...),
		"path without a slash":        fields(pseudo("GET", at, "admin/people")...),
		"path with blanks":            fields(pseudo("GET", at, closedPath+" HTTP/1.1\r\nX: y")...),
		"another site's path":         fields(pseudo("GET", at, "https://evil.example"+closedPath)...),
		"star":                        fields(pseudo("GET", at, "*")...),
		"method with a line":          fields(pseudo("GET / HTTP/1.1\r\nX:", at, closedPath)...),
		"connect":                     fields(":method", "CONNECT", ":authority", "169.254.169.254:80"),
		"connect with a path":         fields(pseudo("CONNECT", at, closedPath)...),
		"extended connect":            fields(append([]string{":protocol", "websocket"}, pseudo("CONNECT", at, closedPath)...)...),
		"user info":                   fields(pseudo("GET", "admin:admin@"+at, closedPath)...),
		"nothing":                     {},
		"no HPACK":                    {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"an entry that is not there":  {0x80 | 100},
		"the entry 0":                 {0x80},
		"a table that is too large":   append([]byte{0x3f, 0xe1, 0xff, 0xff, 0xff, 0x0f}, fields(plain...)...),
		"broken Huffman":              append(fields(plain...), 0x40, 0x81, 0xff, 0x81, 0xff),
		"20 KiB of headers":           with("x", strings.Repeat("b", 20<<10)),
		"2,000 headers":               with(strings.Split(strings.Repeat("x,y,", 2000), ",")[:4000]...),
	}
}

// No request that breaks HTTP/2's rules gets an answer of success or brings out a
// fault, on any listener.
func TestBentHTTP2(t *testing.T) {
	t.Parallel()
	p := secured(t, newPlace(t, shipped(t), underAttack...))
	s := p.serve()
	_, secrets := arm(t, p, s)
	for _, base := range []string{s.pages, s.control, s.panel} {
		at := hostOf(base)
		for name, block := range bent(at, demoApp) {
			c, err := openH2(at, s.trust, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.head(1, block, true) // refused half-way is refused
			got := c.answer(1)
			if fault := verdict(shot{at: at}, got, secrets); fault != "" {
				t.Errorf("%s at %s: %s: %d %v %.300q", name, base, fault, got.status, got.header, got.body)
			}
			_ = c.conn.Close()
		}
		c, err := openH2(at, s.trust, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.head(1, fields(pseudo(http.MethodGet, at, "/healthz")...), true)
		// The panel has no /healthz.
		if got := c.answer(1); got.status != http.StatusOK && base != s.panel || got.status == 0 {
			t.Errorf("%s answers a good request with %+v", base, got)
		}
		_ = c.conn.Close()
	}
	if status, got := s.sign(demoApp, page); status != http.StatusOK {
		t.Error(fmt.Sprint("it does not sign any more: ", status, got))
	}
}
