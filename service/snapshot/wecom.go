package snapshot

import "strings"

// PlatformWeCom is the Platform of an account of WeCom.
const PlatformWeCom = "wecom"

// KindAgentConfig is the ticket of one agent of WeCom, for wx.agentConfig.
const KindAgentConfig = "agent_config"

// Agent parts the AppID of a WeCom account, <corp_id>:<agent_id>; is reports
// whether the account is one.
func (a *Account) Agent() (corpID, agentID string, is bool) {
	if a.Platform != PlatformWeCom {
		return "", "", false
	}
	return strings.Cut(a.AppID, ":")
}
