package relay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
)

// refusal is an answer of our own, in WeChat's shape.
type refusal struct {
	code int
	text string // WeChat's words for the code
	hint string // what the caller can do about it here
	err  error  // for the log only
}

// Error implements error.
func (e *refusal) Error() string {
	if e.err != nil {
		return fmt.Sprintf("%d %s: %v", e.code, e.text, e.err)
	}
	return fmt.Sprintf("%d %s: %s", e.code, e.text, e.hint)
}

// Unwrap returns the cause.
func (e *refusal) Unwrap() error { return e.err }

// texts are WeChat's own, as its global return codes and observed answers have
// them, because programs look for these words.
var texts = map[int]string{ // never changed
	-1:    "system error",
	40001: "invalid credential, access_token is invalid or not latest",
	40013: "invalid appid",
	40014: "invalid access_token",
	40035: "invalid parameter",
	40066: "invalid url",
	40125: "invalid appsecret",
	41001: "access_token missing",
	41002: "appid missing",
	41004: "appsecret missing",
	45001: "media size out of limit",
	45011: "api minute-quota reach limit, must slower, retry next minute",
	48001: "api unauthorized",
}

func refuse(code int, hint string) *refusal {
	return &refusal{code: code, text: texts[code], hint: hint}
}

// trouble is our own, or that of the way to WeChat, with its cause for the log.
func trouble(hint string, err error) *refusal {
	return &refusal{code: -1, text: texts[-1], hint: hint, err: err}
}

// foreignAddress is 40164 in the words that WeChat has for it.
func foreignAddress(from netip.Addr, hint string) *refusal {
	address := "unknown" // a proxy wrote something that is none
	if from.IsValid() {
		address = from.Unmap().String()
	}
	return &refusal{code: 40164, text: "invalid ip " + address + ", not in whitelist", hint: hint}
}

// answerBody is every answer of our own.
type answerBody struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

// mostDiscarded is how much of an unwanted body is read, so that the connection
// can serve the next request, before an answer goes out.
const mostDiscarded = 16 << 10

// wechatJSON is the Content-Type of api.weixin.qq.com: encoding, not charset
// (observed).
const wechatJSON = "application/json; encoding=utf-8"

// encode writes JSON as WeChat does: no HTML escapes, no line end.
func encode(code int, message string) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(answerBody{code, message}) // a number and a string always encode
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// answerRefusal tells the caller why its call was not relayed, if nothing was
// written yet. Errors that are no refusal stay in the log.
func (c *call) answerRefusal(err error) {
	c.err = err
	if c.began {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		refused = refuse(-1, "something went wrong inside wxsign")
	}
	c.errcode = refused.code
	message := refused.text + "; wxsign: " + refused.hint + ", request_id: " + c.from.RequestID
	h := c.w.Header()
	h.Set("Content-Type", wechatJSON)
	h.Set("Cache-Control", "no-store")
	if c.upload.rest() > mostDiscarded {
		h.Set("Connection", "close")
	}
	c.pulse.resume() // the clock may have run out: this is still to be told
	c.start(http.StatusOK)
	c.write(encode(refused.code, message), false)
}
