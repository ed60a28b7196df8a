package signature

import "github.com/wxsign/wxsign/service/snapshot"

// AgentConfig is the object for wx.agentConfig, with which a page in WeCom acts
// as one application and not only as the corp (企业微信: agentConfig).
type AgentConfig struct {
	CorpID    string   `json:"corpid"`
	AgentID   string   `json:"agentid"`
	Timestamp int64    `json:"timestamp"` // Unix seconds
	NonceStr  string   `json:"nonceStr"`
	Signature string   `json:"signature"`
	JSAPIList []string `json:"jsApiList"`
	URL       string   `json:"url"` // what was signed
}

// Answer is what the page hands on as it is: the Config itself for wx.config, or
// an AgentConfig where that was asked for.
func (c Config) Answer() any {
	if c.Kind != snapshot.KindAgentConfig {
		return c
	}
	return AgentConfig{
		CorpID: c.AppID, AgentID: c.AgentID, Timestamp: c.Timestamp, NonceStr: c.NonceStr,
		Signature: c.Signature, JSAPIList: c.JSAPIList, URL: c.URL,
	}
}

// kindOf is the ticket that signs, "" where the account keeps none for it.
// Cards are signed in another way, and not for pages.
func kindOf(view *snapshot.View, asked string) string {
	switch {
	case asked == "":
		asked = snapshot.KindJSAPI
	case asked != snapshot.KindJSAPI && asked != snapshot.KindAgentConfig:
		return ""
	}
	if !view.Keeps(asked) {
		return ""
	}
	return asked
}

// ofWeCom puts the corp id in the place of the account's, because WeCom verifies
// wx.config for the corp. beta makes jweixin 1.2.0, which WeCom wants, define
// wx.invoke (企业微信: 使用JS-SDK; observed).
func (c Config) ofWeCom(account *snapshot.Account) Config {
	if corpID, agentID, is := account.Agent(); is {
		c.AppID, c.AgentID, c.Beta = corpID, agentID, true
	}
	return c
}
