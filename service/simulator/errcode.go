package simulator

import (
	"fmt"
	"net/netip"
)

// apiError is what WeChat answers instead of a result, before the rid.
type apiError struct {
	code int
	msg  string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s", e.code, e.msg) }

// fail is the apiError of a code with the text that WeChat sends for it.
func fail(code int) error { return &apiError{code: code, msg: errmsg(code)} }

// errmsg is the text of a code, without the rid. Texts in English were seen on
// the wire or stand in the documents; those of 40243, 50007 and 895xx are only
// known from the documents' explanations.
func errmsg(code int) string {
	if msg, ok := errmsgs[code]; ok {
		return msg
	}
	return "system error"
}

// moreDetails is an advertisement that WeChat appends to two texts.
const moreDetails = ", could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r"

// errmsgs is never changed.
var errmsgs = map[int]string{
	-1:    "system error",
	0:     "ok",
	40001: "invalid credential, access_token is invalid or not latest" + moreDetails,
	40002: "invalid grant_type",
	40003: "invalid openid",
	40004: "invalid media type",
	40007: "invalid media_id",
	40008: "invalid message type",
	40013: "invalid appid",
	40014: "invalid access_token",
	40056: "invalid serial code",
	40066: "invalid url",
	40097: "invalid args",
	40125: "invalid appsecret",
	40201: "invalid url",
	40202: "invalid action",
	40203: "invalid check_operator",
	40243: "AppSecret已被冻结",
	41001: "access_token missing",
	41002: "appid missing",
	41004: "appsecret missing",
	41005: "media data missing",
	41008: "missing code",
	42001: "access_token expired",
	43002: "require POST method",
	43003: "require https",
	44001: "empty media data",
	44002: "empty post data",
	44003: "empty news data",
	44004: "empty content",
	45001: "media size out of limit",
	45009: "reach max api daily quota limit" + moreDetails,
	45011: "api minute-quota reach limit, must slower, retry next minute",
	47001: "data format error",
	48001: "api unauthorized",
	48006: "forbid to clear quota because of reaching the limit",
	50002: "user limited",
	50004: "user not allow to use accesstoken, maybe for punishment",
	50007: "账号已冻结",
	61024: "must use api(api_component_token) to get token for component acct",
	76001: "rid not found",
	76002: "rid is error",
	76003: "could not query this rid,no permission",
	76004: "rid time is error",
	76021: "cgi_path not found, please check",
	76022: "could not use this cgi_path，no permission",
	89501: "this ip is waiting for the admin's confirmation",
	89502: "this ip is waiting for the admin's confirmation",
	89503: "this call needs the admin's confirmation",
	89504: "this ip is waiting for the admin's confirmation",
	89505: "this ip is waiting for the admin's confirmation",
	89506: "the admin refused this ip twice within 24 hours",
	89507: "the admin refused this ip, retry after 1 hour",
}

// fail is the apiError of a code whose text may name the caller's address:
// 40164 in both forms, as seen, and 61004. At WeCom the texts are its own.
func (c *call) fail(code int) error {
	if c.wecom {
		return &apiError{code: code, msg: orDefault(weComErrmsgs[code], errmsg(code))}
	}
	switch code {
	case 40164:
		long := netip.AddrFrom16(c.peer.As16())
		return &apiError{code: code, msg: fmt.Sprintf("invalid ip %s ipv6 %s, not in whitelist", c.peer, long)}
	case 61004:
		return &apiError{code: code, msg: fmt.Sprintf("access clientip is not registered requestIP: %s", c.peer)}
	}
	return fail(code)
}
