package wechat

import (
	"context"
	"errors"
	"strings"
)

// Mend tells an administrator what to do, in one to three sentences.
func (e *Error) Mend() string {
	text := e.mend()
	if e.wecom {
		text = ofWeCom.Replace(text)
	}
	return text
}

// ofWeCom puts WeCom into the texts that both have in common.
var ofWeCom = strings.NewReplacer("wechat.base_url", "wechat.wecom_base_url", "WeChat", "WeCom")

func (e *Error) mend() string {
	if e.Errcode != 0 {
		address := e.IP
		if address == "" {
			address = "that its message names"
		}
		return strings.ReplaceAll(e.row().mend, "{ip}", address)
	}
	switch {
	case errors.Is(e.Err, ErrRequest):
		return "WeChat was not asked (" + e.Err.Error() + "). Correct this account's settings in wxsign."
	case errors.Is(e.Err, ErrUntrusted):
		return mendTLS
	case errors.Is(e.Err, ErrUnreachable):
		return mendConnect
	case errors.Is(e.Err, ErrNotWeChat), errors.Is(e.Err, ErrGarbage):
		return mendNotWeChat
	case errors.Is(e.Err, context.Canceled):
		return mendGivenUp
	}
	return mendNetwork
}

// The texts of Mend, "{ip}" standing for the address WeChat saw. The console is
// https://mp.weixin.qq.com; menus carry the Chinese names that it shows.
const (
	mendSecret = "WeChat refused the AppSecret. Copy the current one from the WeChat console under 基本配置 (basic " +
		"configuration) → 开发者密码 AppSecret into this account's settings; if nobody noted it, reset it (重置) " +
		"there."
	mendBug = "WeChat found the request malformed, which should not happen. Check that nothing between this server " +
		"and WeChat changes requests (wechat.base_url, a gateway); if nothing does, report it as a fault of " +
		"wxsign."
	mendFrozen = "WeChat has restricted this account. Sign in to the WeChat console and read the notices (通知中心) to " +
		"learn why and how to appeal."
	mendWait = "WeChat waits for the account's administrator to confirm calls from this server's address. The " +
		"administrator finds the request as a message in WeChat; wxsign goes on by itself after that."
	mendDead = "WeChat does not accept the access_token any more; wxsign renews it by itself. If this happens often, " +
		"another program uses the same AppSecret: let it ask wxsign, or set token_mode = \"stable\"."
	mendQuotaClassic = "Today's calls for an access_token are used up (2000 a day, 200 for a test account 测试号); more come " +
		"the next day in China. Set token_mode = \"stable\" for this account, or reset the count in the " +
		"WeChat console under 接口权限 (API permissions) → 清零 (reset)."
	mendQuotaStable = "Today's calls of stable_token are used up, forced ones after 20; more come the next day in China. " +
		"Find out who asks so often, or reset the count in the WeChat console under 接口权限 (API permissions) → " +
		"清零 (reset)."
	mendBusy  = "WeChat is busy; wxsign tries again by itself. There is nothing to do unless it lasts."
	mendQuota = "Today's calls of this API are used up; more come the next day in China. Reset the count in the " +
		"WeChat console under 接口权限 (API permissions) → 清零 (reset), and look for another program that calls " +
		"with this account."
	mendMinute = "Too many calls in one minute; wxsign waits and goes on by itself. If it returns, look for another " +
		"program that calls with this account."
	mendAppID = "WeChat does not know this AppID. Compare it, letter by letter and with its case, with the WeChat " +
		"console under 基本配置 (basic configuration) → 开发者ID AppID."
	mendUnfreeze = "The AppSecret is frozen. Unfreeze it (解冻) in the WeChat console under 基本配置 (basic configuration) → " +
		"开发者密码 AppSecret."
	mendEmpty = "The AppSecret arrived empty at WeChat. Check that the account's secret, its environment variable or " +
		"its file is not empty."
	mendHTTPS    = "WeChat wants https. Set wechat.base_url to an https address."
	mendPlatform = "This AppID belongs to a third-party platform (第三方平台), which has its own token API. Give wxsign the " +
		"AppID of the official account (公众号 or 服务号) itself."
	mendIP = "WeChat refused the address {ip}: add it in the WeChat console under 基本配置 (basic configuration) → " +
		"IP白名单 (IP whitelist), one address or CIDR range per line. The change takes some minutes, then wxsign " +
		"goes on by itself."
	mendIPPlatform = "WeChat refused the address {ip}: add it to the IP白名单 (IP whitelist) in the WeChat console under 基本配置 " +
		"(basic configuration), or on the third-party platform (第三方平台) that this account is bound to."
	mendRefusedDay = "The account's administrator refused this server's address twice, so WeChat refuses it for 24 hours. " +
		"Agree with the administrator first, then add the address in the WeChat console under 基本配置 (basic " +
		"configuration) → IP白名单 (IP whitelist)."
	mendRefusedHour = "The account's administrator refused this server's address, so WeChat refuses it for an hour. Agree " +
		"with the administrator first; a second refusal blocks it for 24 hours."
	mendPermission = "This account may not call this API. Look in the WeChat console under 接口权限 (API permissions); most " +
		"permissions need a verified account (微信认证), and a mini program has none for JS-SDK."
	mendUnknown = "wxsign does not know this errcode and keeps trying with growing pauses. Look it up in WeChat's list " +
		"of return codes (全局返回码), and give WeChat the rid when you ask there."
	mendTLS = "The TLS certificate of WeChat's host was not accepted. Look for a proxy that opens TLS between this " +
		"server and WeChat, and check this server's clock and its CA certificates."
	mendConnect = "This server cannot connect to WeChat's host. Check its DNS, firewall and route to the internet on " +
		"port 443."
	mendNotWeChat = "What answered does not speak as WeChat's API does. If it goes on, check wechat.base_url and look for " +
		"a proxy, a login page or a gateway between this server and WeChat."
	mendGivenUp = "The call was given up before WeChat answered, for instance because wxsign was stopping. There is " +
		"nothing to do."
	mendNetwork = "WeChat did not answer in time or the connection broke; wxsign tries again by itself. If it goes on, " +
		"check this server's network to WeChat's host."
)
