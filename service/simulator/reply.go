package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// wechatJSON is the Content-Type of api.weixin.qq.com: encoding, not charset
// (observed).
const wechatJSON = "application/json; encoding=utf-8"

// reply is an answer ready to be written.
type reply struct {
	status      int
	contentType string
	disposition string // Content-Disposition of a file, else ""
	body        []byte
}

// render makes WeChat's body of a result or an error. Errors are HTTP 200 too
// and carry a rid. s.mu must be held.
func (s *Simulator) render(c *call, result any, err error) reply {
	if c.wecom {
		return s.renderWeCom(c, result, err)
	}
	var refused *apiError
	if !errors.As(err, &refused) {
		c.entry.succeed()
		if f, is := result.(file); is {
			return f.reply()
		}
		return reply{status: http.StatusOK, contentType: wechatJSON, body: encode(result)}
	}
	rid := newRID(c.now)
	body := encode(errorBody{Errcode: refused.code, Errmsg: refused.msg + ridSeparator(c.path) + rid})
	c.entry.refuse(refused.code, rid)
	s.rids.keep(rid, c, body)
	return reply{status: http.StatusOK, contentType: wechatJSON, body: body}
}

type errorBody struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

// okBody is the success of endpoints that have nothing else to say.
func okBody() errorBody { return errorBody{Errcode: 0, Errmsg: errmsg(0)} }

// ridSeparator differs between the two families of paths (observed).
func ridSeparator(path string) string {
	if strings.HasPrefix(path, "/sns/") {
		return ", rid: "
	}
	return " rid: "
}

// encode writes JSON as WeChat does: no HTML escapes, no line end.
func encode(v any) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only our own plain structs come here
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func (p reply) header(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", p.contentType)
	if p.disposition != "" {
		h.Set("Content-Disposition", p.disposition)
	}
	h.Set("Connection", "keep-alive")
	h.Set("Content-Length", strconv.Itoa(len(p.body)))
	w.WriteHeader(p.status)
}

func (p reply) write(w http.ResponseWriter) {
	p.header(w)
	_, _ = w.Write(p.body) // the client may have gone: nobody to tell
}
