package simulator

import "slices"

// agentQuestion is in the question of wx.agentConfig, in place of appid.
type agentQuestion struct {
	CorpID  string      `json:"corpid"`
	AgentID agentNumber `json:"agentid"`
}

func (q agentQuestion) isAgents() bool { return q.CorpID != "" || q.AgentID != "" }

// id is the account that the question is about.
func (q verifyRequest) id() string {
	switch {
	case !q.isAgents():
		return q.AppID
	case q.CorpID == "" || q.AgentID == "":
		return ""
	}
	return q.CorpID + ":" + string(q.AgentID)
}

// idName is what is missing where id is empty.
func (q verifyRequest) idName() string {
	if q.isAgents() {
		return "corpid or agentid"
	}
	return "appid"
}

// kind is the ticket that signs.
func (q verifyRequest) kind() string {
	if q.isAgents() {
		return kindAgent
	}
	return kindJSAPI
}

// unknown says in words why a is not the account of the question, "" where it is.
func (q verifyRequest) unknown(a *account) string {
	_, agent := isAgent(q.AppID)
	switch {
	case a == nil:
		return `the simulator has no account "` + q.id() + `"`
	case agent && !q.isAgents():
		return "the appId of wx.config is the corp id alone, without the agent"
	}
	return ""
}

// trusted are the domains on which an account's pages are verified. wx.config
// knows only the corp: any of its agents will do.
func (a *account) trusted() []domain {
	all := slices.Clip(a.domains)
	for _, agent := range a.agents {
		all = append(all, agent.domains...)
	}
	return all
}

// kin reports whether two accounts are of one corp, whose tickets are mistaken
// for each other.
func (a *account) kin(b *account) bool {
	corpA, _ := isAgent(a.AppID)
	corpB, _ := isAgent(b.AppID)
	return a.wecom && corpA == corpB
}

// call is the function of the page.
func (sc scene) call() string {
	if sc.kind == kindAgent {
		return "wx.agentConfig"
	}
	return "wx.config"
}

// withErrcode adds what WeCom's hint names (40093: ticket or signature, 80001:
// domain).
func (q verifyRequest) withErrcode(v verdict) verdict {
	if q.isAgents() {
		v.Errcode = map[string]int{msgSignature: 40093, msgDomain: 80001, msgAppID: 40013}[v.Msg]
	}
	return v
}
