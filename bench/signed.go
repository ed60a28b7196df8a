package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// faultPatience is how long a page waits for its signature.
const faultPatience = 3 * time.Second

// fate is what one page got.
type fate struct {
	at      time.Time // when it asked
	took    time.Duration
	instead string // of a signature, in words; "" = it is signed
	status  int    // of the answer that is no signature, 0 = there is none
}

func (f fate) signed() bool { return f.instead == "" }

func (f fate) String() string {
	switch {
	case f.signed():
		return "signed"
	case f.status != 0:
		return fmt.Sprintf("%s after %s", f.instead, f.took.Round(100*time.Millisecond))
	}
	return f.instead
}

// askPage asks a server for the page's signature once and has WeChat check it: a
// 200 may be signed with a ticket that is dead.
func askPage(ctx context.Context, client *http.Client, p *process, wechat string) fate {
	waiting, cancel := context.WithTimeout(ctx, faultPatience)
	defer cancel()
	f := fate{at: time.Now()}
	var body bytes.Buffer
	err := visit(waiting, client, "http://"+p.addr+page, &body)
	f.took = time.Since(f.at)
	var status statusError
	switch {
	case err == nil:
		f.instead = check(ctx, wechat, body.Bytes())
	case errors.As(err, &status):
		f.status, f.instead = int(status), fmt.Sprint(int(status))
	case waiting.Err() != nil:
		f.instead = "no answer"
	default:
		f.instead = "broken connection"
	}
	return f
}

// check tells what is wrong with an answer of status 200, "" = nothing. The SDKs
// write the names of its fields in various ways, which JSON in Go does not mind.
func check(ctx context.Context, wechat string, answer []byte) string {
	var a struct {
		AppID, NonceStr, Signature string
		Timestamp                  json.RawMessage
	}
	const wrong = "**200 with a wrong signature**"
	if json.Unmarshal(answer, &a) != nil {
		return wrong
	}
	question, err := json.Marshal(map[string]any{
		"appid": a.AppID, "noncestr": a.NonceStr, "timestamp": a.Timestamp, "signature": a.Signature, "urls": []string{pageURL},
	})
	if err != nil {
		return wrong
	}
	var verdict struct{ OK bool }
	said, err := tell(ctx, http.MethodPost, wechat+"/_sim/verify", string(question))
	if err == nil {
		err = json.Unmarshal(said, &verdict)
	}
	switch {
	case err != nil:
		return "200, not checked: " + firstLine(err.Error())
	case !verdict.OK:
		return wrong
	}
	return ""
}
