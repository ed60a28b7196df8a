package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// deadCodes say that the access_token in the call is dead. Source: the pages of
// both platforms on global return codes; 40001 is what WeChat answers to any
// token that is not the latest (observed). At WeCom 40001 is a wrong secret.
func deadCodes(wecom bool) []int {
	if wecom {
		return []int{40014, 42001}
	}
	return []int{40001, 40014, 42001}
}

// reportTime bounds how long a call waits for its token to be replaced.
const reportTime = 20 * time.Second

// relayAPI forwards a call with the live token, and once more if that was dead
// and there is another one now.
func (c *call) relayAPI() error {
	token, err := c.relay.o.Tokens.Current(c.grant.appID)
	if err != nil {
		return trouble("there is no live access_token for this account now; the panel says why", err)
	}
	p, err := c.prepare()
	if err != nil {
		return err
	}
	defer p.release()
	a, err := c.attemptWith(token, p)
	if err != nil {
		return err
	}
	if !slices.Contains(deadCodes(c.grant.wecom), a.code) {
		return c.deliver(a)
	}
	return c.again(a, token, p)
}

// attemptWith sends the call with a token.
func (c *call) attemptWith(token Token, p *payload) (*answer, error) {
	c.secrets = append(c.secrets, token.Value)
	return c.attempt(c.relay.hosts(c.grant.wecom), setParam(c.r.URL.RawQuery, paramToken, token.Value.Reveal()), p)
}

// again has the token that WeChat called dead replaced. WeChat says 40001 for
// other reasons as well: where the token stays the same, its own answer goes to
// the caller.
func (c *call) again(a *answer, used Token, p *payload) error {
	fresh, renewed := c.replace(used, a.code)
	switch {
	case !renewed:
		c.mark = MarkNotRenewed
		return c.deliver(a)
	case !p.whole:
		c.mark = MarkSendAgain
		a.note(fmt.Sprintf("wxsign: the access_token has been renewed; send the request again, "+
			"because bodies of more than %d bytes are not kept", c.relay.o.MaxKept))
		return c.deliver(a)
	}
	_ = a.resp.Body.Close()
	c.mark = MarkRetried
	second, err := c.attemptWith(fresh, p)
	if err != nil {
		return err
	}
	return c.deliver(second)
}

// replace answers the token that lives in place of used, if there is one. Only
// the first of many callers has anything to report: the others find the new
// value there, or wait for the one report.
func (c *call) replace(used Token, errcode int) (fresh Token, renewed bool) {
	tokens := c.relay.o.Tokens
	if fresh, err := tokens.Current(c.grant.appID); err == nil && fresh.SHA256 != used.SHA256 {
		return fresh, true
	}
	c.pulse.pause(reportTime)
	defer c.pulse.resume()
	ctx, cancel := context.WithTimeout(c.ctx, reportTime)
	defer cancel()
	c.err = tokens.Report(ctx, Death{AppID: c.grant.appID, SHA256: used.SHA256, Errcode: errcode, Actor: c.grant.actor, Path: c.r.URL.Path})
	fresh, err := tokens.Current(c.grant.appID)
	return fresh, err == nil && fresh.SHA256 != used.SHA256
}

// note adds our words to the errmsg of WeChat's error.
func (a *answer) note(text string) {
	var told answerBody
	_ = json.Unmarshal(a.head, &told) // its errcode was read before; an errmsg that is none is replaced
	a.head = encode(a.code, told.Errmsg+"; "+text)
	a.resp.Header.Set("Content-Length", strconv.Itoa(len(a.head)))
}
