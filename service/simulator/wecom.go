package simulator

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// weComPrefix stands for the host qyapi.weixin.qq.com. An account whose AppID is
// <corp_id>:<agent_id> is an agent of WeCom and known there only.
const weComPrefix = "/qyapi"

// The paths of WeCom, behind weComPrefix.
const (
	pathWeComToken  = "/cgi-bin/gettoken"
	pathCorpTicket  = "/cgi-bin/get_jsapi_ticket"
	pathAgentTicket = "/cgi-bin/ticket/get"
	pathWeComPush   = "/cgi-bin/getcallbackip"
	pathWeComHosts  = "/cgi-bin/get_api_domain_ip"
)

// weComJSON is the Content-Type of qyapi.weixin.qq.com.
const weComJSON = "application/json; charset=UTF-8"

// isAgent reports whether an AppID names an agent of WeCom, and of which corp.
func isAgent(appID string) (corpID string, is bool) {
	corpID, _, is = strings.Cut(appID, ":")
	return corpID, is
}

// checkAgentID wants <corp_id>:<agent_id> where there is a colon.
func checkAgentID(appID string) error {
	_, agentID, is := strings.Cut(appID, ":")
	if n, err := strconv.ParseInt(agentID, 10, 64); is && (err != nil || n <= 0 || appID[0] == ':') {
		return fmt.Errorf("AppID %q: an agent of WeCom is <corp_id>:<agent_id>, with a number above 0", appID)
	}
	return nil
}

// addCorp gives an agent its corp, which holds the ticket that all agents of the
// corp share. A corp is an account of the simulator too, known by its corp id.
func (s *Simulator) addCorp(a *account) error {
	corpID, is := isAgent(a.AppID)
	if !is {
		return nil
	}
	if s.accounts[corpID] == nil {
		corp, err := newAccount(Account{AppID: corpID})
		if err != nil {
			return err
		}
		corp.wecom = true
		s.accounts[corpID] = corp
	}
	a.corp, a.wecom = s.accounts[corpID], true
	if !a.corp.wecom {
		return fmt.Errorf("%w: %q is an official account and a corp of WeCom", ErrOptions, corpID)
	}
	a.corp.agents = append(a.corp.agents, a)
	return nil
}

// official finds an account that api.weixin.qq.com knows.
func (s *Simulator) official(appID string) *account {
	if a := s.accounts[appID]; a != nil && !a.wecom {
		return a
	}
	return nil
}

// identifyWeCom finds the agent by its secret, else the corp.
func (s *Simulator) identifyWeCom(c *call) {
	corp := s.accounts[c.query.Get("corpid")]
	if corp == nil || !corp.wecom {
		return
	}
	c.account = corp
	for _, agent := range corp.agents {
		if sameSecret(agent, c.query.Get("corpsecret")) {
			c.account = agent
		}
	}
}

// errNoPath is a path that qyapi does not have: HTTP 404 without a body (observed).
var errNoPath = errors.New("no such path")

// handleWeCom finds the call of WeCom and runs it. As at the other host, any
// other path below /cgi-bin/ checks the token and echoes.
func (s *Simulator) handleWeCom(c *call) (any, error) {
	path := strings.TrimPrefix(c.path, weComPrefix)
	if c.account != nil {
		c.account.usage.roll(c.now, s.options.ResetHour)
	}
	switch {
	case path == pathWeComToken:
		return s.weComToken(c)
	case !strings.HasPrefix(path, "/cgi-bin/"):
		return nil, errNoPath
	}
	if err := s.needWeComToken(c); err != nil {
		return nil, err
	}
	switch path {
	case pathCorpTicket:
		return s.weComTicket(c, c.account.corp, kindJSAPI)
	case pathAgentTicket:
		if c.query.Get("type") != kindAgent {
			return nil, c.fail(40097)
		}
		return s.weComTicket(c, c.account, kindAgent)
	case pathWeComPush, pathWeComHosts:
		return weComIPs{errorBody: okBody(), IPs: []string{"182.254.11.176", "182.254.78.66"}}, nil
	}
	c.account.usage.count(c.path)
	return s.echo(c)
}

// weComIPs has its list also where an error leaves it empty (observed).
type weComIPs struct {
	errorBody
	IPs []string `json:"ip_list"`
}

type weComTokenBody struct {
	errorBody
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

// weComToken is GET gettoken. The secret is missed first, then the corp is
// judged (both observed). The IP list is not asked about: it guards the calls
// with a token (not verified).
func (s *Simulator) weComToken(c *call) (any, error) {
	secret, corpID := c.query.Get("corpsecret"), c.query.Get("corpid")
	switch {
	case secret == "":
		return nil, c.fail(41004)
	case corpID == "":
		return nil, c.fail(41002)
	case c.account == nil:
		return nil, c.fail(40013)
	case c.account.corp == nil && s.isOthersSecret(secret):
		return nil, c.fail(40091)
	case c.account.corp == nil:
		return nil, c.fail(40001)
	case c.account.TokenErrcode != 0:
		return nil, c.fail(c.account.TokenErrcode)
	}
	v := s.nextAgentToken(c.account, c.now)
	c.entry.hand(v)
	body := weComTokenBody{errorBody: okBody(), AccessToken: v.text, ExpiresIn: int(s.options.CredentialLife / time.Second)}
	if s.options.WeComRemaining {
		body.ExpiresIn = max(1, v.remaining(c.now))
	}
	return body, nil
}

func (s *Simulator) isOthersSecret(secret string) bool {
	for _, a := range s.accounts {
		if a.corp != nil && sameSecret(a, secret) {
			return true
		}
	}
	return false
}

// nextAgentToken is the same token while it lives, and a new one after that (an
// older page of WeCom), or with WeComFreshTokens a new one beside the old ones.
func (s *Simulator) nextAgentToken(a *account, now time.Time) *value {
	if v := a.agent.current; v != nil && v.expires.After(now) && !s.options.WeComFreshTokens {
		return v
	}
	a.agent.current = s.vault.mint(a, kindToken, chainAgent, now)
	return a.agent.current
}

// needWeComToken checks the access_token of the query, then the trusted IPs.
func (s *Simulator) needWeComToken(c *call) error {
	switch {
	case c.query.Get("access_token") == "":
		return c.fail(41001)
	case c.token == nil:
		return c.fail(40014)
	case !c.token.alive(c.now) && c.token.killed == "":
		return c.fail(42001)
	case !c.token.alive(c.now):
		return c.fail(40014)
	case !c.account.allows(c.peer):
		return c.fail(60020)
	}
	return nil
}

// weComTicket hands out the ticket of the corp or of the agent. Fetches are
// limited by the hour, those of the corp's for all its agents together as well
// (企业微信: JS-SDK签名算法).
func (s *Simulator) weComTicket(c *call, of *account, kind string) (any, error) {
	if c.account.TicketErrcode != 0 {
		return nil, c.fail(c.account.TicketErrcode)
	}
	spent := c.account.hour.spend(c.now, kind, s.options.Limits.AgentTicketHour)
	if spent && of != c.account {
		spent = of.hour.spend(c.now, kind, s.options.Limits.CorpTicketHour)
	}
	if !spent {
		return nil, c.fail(45009)
	}
	v := s.nextTicket(of, kind, c.now)
	c.entry.hand(v)
	body := ticketBody{errorBody: okBody(), Ticket: v.text, ExpiresIn: int(s.options.CredentialLife / time.Second)}
	if s.options.TicketRemaining {
		body.ExpiresIn = v.remaining(c.now)
	}
	return body, nil
}

// hourly counts fetches in the current hour.
type hourly struct {
	number int64
	count  map[string]int
}

// spend counts one, and reports false beyond the limit; a negative one is none.
func (h *hourly) spend(now time.Time, what string, most int) bool {
	if number := now.Unix() / 3600; number != h.number || h.count == nil {
		h.number, h.count = number, map[string]int{}
	}
	h.count[what]++
	return most < 0 || h.count[what] <= most
}

// agentTicketText is plain base64 of 16 bytes, with + / = (observed).
func agentTicketText() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.StdEncoding.EncodeToString(raw[:])
}

// weComErrmsgs is never changed. 40001 and 40091 are known from explanations only.
var weComErrmsgs = map[int]string{
	-1:     "system error",
	40001:  "invalid credential",
	40013:  "invalid corpid",
	40014:  "invalid access_token",
	40091:  "secret does not match corpid",
	40097:  "invalid args",
	41001:  "access_token missing",
	41002:  "corpid missing",
	41004:  "corpsecret missing",
	42001:  "access_token expired",
	45009:  "api freq out of limit",
	45033:  "api concurrent out of limit",
	48002:  "api forbidden",
	50003:  "app disabled",
	60020:  "not allow to access from your ip",
	301002: "not allow operate another agent with this accesstoken",
}

// renderWeCom makes WeCom's body of a result or an error.
func (s *Simulator) renderWeCom(c *call, result any, err error) reply {
	var refused *apiError
	switch {
	case errors.Is(err, errNoPath):
		c.entry.refuse(http.StatusNotFound, "")
		return reply{status: http.StatusNotFound, contentType: "text/plain"}
	case !errors.As(err, &refused):
		c.entry.succeed()
		return reply{status: http.StatusOK, contentType: weComJSON, body: encode(result)}
	}
	hint, answer := newHint(c.now), errorBody{Errcode: refused.code, Errmsg: refused.msg}
	if refused.code != 40014 { // which has neither (observed)
		answer.Errmsg += fmt.Sprintf(", hint: [%s], from ip: %s, more info at https://open.work.weixin.qq.com/devtool/query?e=%d", hint, c.peer, refused.code)
	}
	c.entry.refuse(refused.code, hint)
	body := encode(answer)
	switch strings.TrimPrefix(c.path, weComPrefix) {
	case pathWeComPush, pathWeComHosts:
		body = encode(weComIPs{errorBody: answer, IPs: []string{}})
	}
	return reply{status: http.StatusOK, contentType: weComJSON, body: body}
}

// newHint is WeCom's request id: Unix seconds and 15 more digits (observed).
func newHint(now time.Time) string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1e15)) // never fails
	return fmt.Sprintf("%010d%015d", now.Unix(), n)
}

// agentNumber is an agent id that a page may send as a string or a number.
type agentNumber string

// UnmarshalJSON takes both.
func (n *agentNumber) UnmarshalJSON(raw []byte) error {
	var text stamp
	if err := json.Unmarshal(raw, &text); err != nil {
		return errors.New("agentid: neither a string nor a number")
	}
	*n = agentNumber(text)
	return nil
}
