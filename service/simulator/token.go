package simulator

import (
	"crypto/subtle"
	"time"
)

// grant is what both token endpoints are sent.
type grant struct {
	GrantType string `json:"grant_type"`
	AppID     string `json:"appid"`
	Secret    string `json:"secret"`
	Force     bool   `json:"force_refresh"`
}

// tokenBody is exactly what WeChat answers: no errcode on success.
type tokenBody struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

// token is GET /cgi-bin/token (document: getAccessToken).
func (s *Simulator) token(c *call) (any, error) {
	g := grant{GrantType: c.query.Get("grant_type"), AppID: c.query.Get("appid"), Secret: c.query.Get("secret")}
	if err := s.checkGrant(c, g); err != nil {
		return nil, err
	}
	if err := c.account.usage.spend(c.path, s.limitOf(c.account, c.path)); err != nil {
		return nil, err
	}
	return s.hand(c, s.nextClassic(c.account, c.now)), nil
}

// stableToken is POST /cgi-bin/stable_token (document: getStableAccessToken).
// A form instead of JSON is 41002, since no parameter is found (observed).
func (s *Simulator) stableToken(c *call) (any, error) {
	var g grant
	if c.length > 0 && c.isForm() {
		return nil, fail(41002)
	}
	if err := c.readJSON(&g); err != nil {
		return nil, err
	}
	if err := s.checkGrant(c, g); err != nil {
		return nil, err
	}
	if err := c.account.usage.spend(c.path, s.limitOf(c.account, c.path)); err != nil {
		return nil, err
	}
	if !g.Force {
		return s.hand(c, s.normalStable(c.account, c.now)), nil
	}
	c.entry.Force = true
	v, err := s.forced(c)
	if err != nil {
		return nil, err
	}
	return s.hand(c, v), nil
}

// forced answers a force refresh within its two rules: a second one within 30 s
// does not refresh, and 20 a day (documented).
func (s *Simulator) forced(c *call) (*value, error) {
	a := c.account
	if !a.force.IsZero() && c.now.Sub(a.force) < forceGap {
		return s.normalStable(a, c.now), nil
	}
	most := s.options.Limits.ForceDay
	if most >= 0 && a.usage.day[forceCount] >= most {
		if s.options.ForceOver == ForceOverCurrent {
			return s.normalStable(a, c.now), nil
		}
		return nil, fail(45009)
	}
	a.usage.day[forceCount]++
	return s.forceStable(a, c.now), nil
}

// checkGrant is the validation of both endpoints in WeChat's order. The steps
// up to the IP list were observed; those after it follow the documents' table.
func (s *Simulator) checkGrant(c *call, g grant) error {
	if g.AppID == "" {
		return fail(41002)
	}
	c.account = s.official(g.AppID)
	switch {
	case c.account == nil:
		return fail(40013)
	case !c.account.allows(c.peer):
		return c.fail(40164)
	case g.Secret == "":
		return fail(41004)
	case g.GrantType != "client_credential":
		return fail(40002)
	case !sameSecret(c.account, g.Secret):
		return fail(40125)
	case c.account.TokenErrcode != 0:
		return fail(c.account.TokenErrcode)
	}
	c.account.usage.roll(c.now, s.options.ResetHour)
	return nil
}

func sameSecret(a *account, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(a.Secret), []byte(secret)) == 1
}

// hand puts a token into the ledger and into WeChat's body.
func (s *Simulator) hand(c *call, v *value) tokenBody {
	c.entry.hand(v)
	return tokenBody{AccessToken: v.text, ExpiresIn: v.remaining(c.now)}
}

// forceGap is the time within which a second force refresh does not refresh.
const forceGap = 30 * time.Second
