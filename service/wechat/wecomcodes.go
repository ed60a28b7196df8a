package wechat

import "time"

// The calls of WeCom, as Error.Op names them. The probe has the name that it has
// at WeChat.
const (
	opWeComToken  = "gettoken"
	opWeComTicket = "get_jsapi_ticket"
	opAgentTicket = "ticket/get"
)

// weComByCall holds what an errcode of WeCom means at one call only.
var weComByCall = map[string]map[int]row{
	opWeComToken: { // no token is asked about, so none can be dead
		40014: weComUnknown,
		42001: weComUnknown,
	},
}

// weComHour is a pause within the hour after which WeCom counts anew: tickets
// are limited by the hour (企业微信: JS-SDK签名算法), other calls by the minute
// and the hour (访问频率限制).
const weComHour = 10 * time.Minute

// weComByCode holds what an errcode of WeCom means at every other call
// (企业微信: 全局错误码; 访问频率限制).
var weComByCode = map[int]row{
	-1: {Transient, 0, mendBusy},

	// The token in the question is dead. A made-up one is 40014 (observed).
	40014: {TokenDead, 0, mendWeComDead},
	42001: {TokenDead, 0, mendWeComDead},

	// Used up.
	45009: {MinuteQuota, weComHour, mendWeComQuota},
	45011: {MinuteQuota, time.Minute, mendMinute},
	45033: {MinuteQuota, time.Minute, mendMinute},

	// Wrong settings. Wrong secrets again and again shut the address out for an
	// hour, so the next try waits as long.
	40001: {NeedsHuman, time.Hour, mendWeComSecret},
	40091: {NeedsHuman, time.Hour, mendWeComSecret},
	40013: {NeedsHuman, 0, mendCorpID},
	41002: {NeedsHuman, 0, mendWeComBug},
	41004: {NeedsHuman, 0, mendWeComBug},
	41001: {NeedsHuman, 0, mendWeComBug},
	40097: {NeedsHuman, 0, mendWeComBug},

	// The address this server calls from.
	60020: {NeedsHuman, 0, mendWeComIP},

	// The agent.
	48002:  {NeedsHuman, 0, mendWeComRight},
	50001:  {NeedsHuman, 0, mendWeComDomain},
	80001:  {NeedsHuman, 0, mendWeComDomain},
	50003:  {NeedsHuman, 0, mendWeComAgent},
	301002: {NeedsHuman, 0, mendWeComAgent},
}

// weComUnknown is the row of every errcode of WeCom that is not listed, for the
// reason of unknown.
var weComUnknown = row{Transient, 0, mendWeComUnknown}

// The texts of Mend for WeCom. Its console is https://work.weixin.qq.com.
const (
	mendWeComSecret = "WeCom refused the agent's secret. Copy the Secret of this very application from the WeCom console " +
		"under 应用管理 (applications) into this account's settings: each application has its own, and that of " +
		"通讯录同步 (contacts) is another. Wrong ones again and again shut this address out for an hour."
	mendCorpID = "WeCom does not know this corp_id. Compare it, letter by letter and with its case, with the WeCom console " +
		"under 我的企业 (my enterprise) → 企业ID."
	mendWeComDead = "WeCom does not accept the access_token any more; wxsign renews it by itself. If this happens often, look " +
		"whether the application's Secret was changed in the WeCom console."
	mendWeComIP = "WeCom refused the address {ip}: add it in the WeCom console under 应用管理 (applications) → this application → " +
		"企业可信IP (trusted IPs). Applications made since June 2022 need that. wxsign goes on by itself after it."
	mendWeComQuota = "WeCom takes no more of these calls for a while (a ticket 100 times an hour per application, 400 per corp). " +
		"wxsign waits and goes on by itself; look for another program that fetches tickets with this agent."
	mendWeComRight = "This application may not call this API. See its permissions in the WeCom console under 应用管理 " +
		"(applications)."
	mendWeComDomain = "The page's domain is not trusted, or has no ICP filing. Add it in the WeCom console under 应用管理 " +
		"(applications) → this application → 网页授权及JS-SDK → 可信域名 (trusted domains)."
	mendWeComAgent = "The application is disabled, or is not the one with this agent_id. Look in the WeCom console under 应用管理 " +
		"(applications)."
	mendWeComBug = "WeCom found the request malformed, which should not happen. Check that nothing between this server and " +
		"WeCom changes requests (wechat.wecom_base_url, a gateway); if nothing does, report it as a fault of wxsign."
	mendWeComUnknown = "wxsign does not know this errcode of WeCom and keeps trying with growing pauses. Look it up in WeCom's " +
		"list (全局错误码), or under the link in the message."
)
