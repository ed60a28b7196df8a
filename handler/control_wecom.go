package handler

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
)

// An account of WeCom is one agent of one corp; its id is <corp_id>:<agent_id>.
func isAgent(appID string) bool { return strings.Contains(appID, ":") }

// WeComToken answers GET /cgi-bin/gettoken (企业微信: 获取access_token) with an
// API key as corpsecret. A secret of WeCom belongs to one agent, a key may cover
// several: then it says which, as in corpsecret=<key>@<corp_id>:<agent_id>.
func (h *Control) WeComToken(c *gin.Context) error {
	query := c.Request.URL.Query()
	corpID, secret := query.Get("corpid"), query.Get("corpsecret")
	switch {
	case secret == "":
		return &tencentError{41004, "corpsecret missing", "send an API key of wxsign as the corpsecret"}
	case corpID == "":
		return &tencentError{41002, "corpid missing", "send corpid"}
	}
	key, agent, _ := strings.Cut(secret, "@")
	caller, err := h.guard.check(c, key, apikey.ScopeToken, "")
	if err != nil {
		return err
	}
	agent, err = h.agentOf(caller, corpID, agent)
	if err != nil {
		return err
	}
	v, err := h.credentials.Current(agent, keeper.KindAccessToken)
	if err != nil {
		return err
	}
	answerTencent(c, http.StatusOK, struct {
		Errcode     int    `json:"errcode"`
		Errmsg      string `json:"errmsg"`
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}{0, "ok", v.Value.Reveal(), v.ExpiresIn()})
	return nil
}

// agentOf is the one agent of the corp that the key is for, among several the
// one that was named.
func (h *Control) agentOf(caller *apikey.Caller, corpID, named string) (string, error) {
	agents := slices.DeleteFunc(h.credentials.Agents(corpID), func(appID string) bool {
		return !caller.Covers(appID) || named != "" && named != appID
	})
	switch len(agents) {
	case 1:
		return agents[0], nil
	case 0:
		return "", &tencentError{40013, "invalid corpid", "the key covers no agent of this corp; check corpid, with its case"}
	}
	return "", &tencentError{
		40013, "invalid corpid", "the key covers several agents of this corp: write corpsecret=<key>@<corp_id>:<agent_id>",
	}
}

// WeComTicket answers GET /cgi-bin/get_jsapi_ticket (企业微信: 获取企业的jsapi_ticket).
func (h *Control) WeComTicket(c *gin.Context) error {
	return h.dropInTicket(c, keeper.KindJSAPI, true)
}

// WeComAgentTicket answers GET /cgi-bin/ticket/get?type=agent_config (企业微信:
// 获取应用的jsapi_ticket).
func (h *Control) WeComAgentTicket(c *gin.Context) error {
	if c.Query("type") != keeper.KindAgentConfig {
		return &tencentError{40097, "invalid args", "type is agent_config"}
	}
	return h.dropInTicket(c, keeper.KindAgentConfig, true)
}
