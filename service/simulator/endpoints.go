package simulator

import (
	"net/http"
	"net/url"
	"strings"
)

// The paths that have rules of their own.
const (
	pathToken  = "/cgi-bin/token"
	pathStable = "/cgi-bin/stable_token"
	pathTicket = "/cgi-bin/ticket/getticket"
)

// endpoint is one WeChat path. run is called with Simulator.mu held.
type endpoint struct {
	post  bool // a GET is 43002
	token bool // access_token and IP list are checked first
	free  bool // spends its quota itself; others are only counted
	run   func(*Simulator, *call) (any, error)
}

func endpoints() map[string]endpoint {
	return map[string]endpoint{
		pathToken:                      {free: true, run: (*Simulator).token},
		pathStable:                     {post: true, free: true, run: (*Simulator).stableToken},
		pathTicket:                     {token: true, free: true, run: (*Simulator).getTicket},
		"/cgi-bin/getcallbackip":       {token: true, run: (*Simulator).callbackIPs},
		"/cgi-bin/get_api_domain_ip":   {token: true, run: (*Simulator).apiDomainIPs},
		"/cgi-bin/callback/check":      {post: true, token: true, run: (*Simulator).callbackCheck},
		"/cgi-bin/clear_quota":         {post: true, token: true, run: (*Simulator).clearQuota},
		"/cgi-bin/clear_quota/v2":      {post: true, run: (*Simulator).clearQuotaBySecret},
		"/cgi-bin/openapi/quota/get":   {post: true, token: true, run: (*Simulator).quotaGet},
		"/cgi-bin/openapi/quota/clear": {post: true, token: true, run: (*Simulator).quotaClear},
		"/cgi-bin/openapi/rid/get":     {post: true, token: true, run: (*Simulator).ridGet},

		pathMediaUpload:                {post: true, token: true, run: (*Simulator).mediaUpload},
		"/cgi-bin/media/get":           {token: true, run: (*Simulator).mediaGet},
		"/cgi-bin/message/custom/send": {post: true, token: true, run: (*Simulator).customSend},
		"/cgi-bin/draft/add":           {post: true, token: true, run: (*Simulator).draftAdd},
		"/card/code/decrypt":           {post: true, token: true, run: (*Simulator).codeDecrypt},

		"/sns/oauth2/access_token":  {run: (*Simulator).snsBySecret},
		"/sns/oauth2/refresh_token": {run: (*Simulator).snsByAppID},
		"/sns/jscode2session":       {run: (*Simulator).snsBySecret},
		"/sns/userinfo":             {run: (*Simulator).snsByUser},
		"/sns/auth":                 {run: (*Simulator).snsByUser},
	}
}

// handle finds the endpoint and runs it. Every other path below /cgi-bin/ is an
// API that the simulator knows nothing about but the token: it echoes. Paths
// beyond that are 40066, as a mistyped path is at WeChat (observed).
func (s *Simulator) handle(c *call) (any, error) {
	if c.wecom {
		return s.handleWeCom(c)
	}
	e, known := s.endpoints[c.path]
	switch {
	case known:
	case strings.HasPrefix(c.path, "/cgi-bin/"):
		e = endpoint{token: true, run: (*Simulator).echo}
	default:
		return nil, fail(40066)
	}
	if c.account != nil {
		c.account.usage.roll(c.now, s.options.ResetHour)
	}
	if e.post && c.method != http.MethodPost {
		return nil, fail(43002)
	}
	if e.token {
		if err := s.needToken(c); err != nil {
			return nil, err
		}
	}
	result, err := e.run(s, c)
	if err == nil && !e.free && c.account != nil {
		c.account.usage.count(c.path)
	}
	return result, err
}

// echoBody tells a test of a relay what arrived.
type echoBody struct {
	errorBody
	Echo echoed `json:"echo"`
}

type echoed struct {
	Method      string     `json:"method"`
	Path        string     `json:"path"`
	Query       url.Values `json:"query"` // without access_token and secret
	ContentType string     `json:"content_type"`
	BodyLength  int64      `json:"body_length"`
	BodySHA256  string     `json:"body_sha256"`
}

func (s *Simulator) echo(c *call) (any, error) {
	query := url.Values{}
	for name, values := range c.query {
		if name != "access_token" && name != "secret" {
			query[name] = values
		}
	}
	return echoBody{errorBody: okBody(), Echo: echoed{
		Method: c.method, Path: c.path, Query: query, ContentType: c.contentType,
		BodyLength: c.length, BodySHA256: c.sha256,
	}}, nil
}
