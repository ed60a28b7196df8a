package handler

import (
	"strings"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/language"
)

// wording is what happened, as one sentence without its full stop, and what to
// do about it.
type wording struct{ cause, mend string }

// chinese words the codes that a page can be answered with, for those who ask
// for Chinese. wxsign.js cuts an answer at its first full stop, so that a cause
// holds none. docs/zh/errors.md says more about each.
var chinese = map[string]wording{
	"url_missing": {"没有 url，或是空的", "传 url=encodeURIComponent(location.href.split('#')[0])。"},
	"url_invalid": {
		"url 不是完整的 http 或 https 地址，或者因为没有编码，多出了不属于这里的参数",
		"传 url=encodeURIComponent(location.href.split('#')[0])，页面自己的其他参数都不要带。",
	},
	"url_too_long":          {"url 太长", "缩短页面的查询串；过长的链接微信自己也会截断。"},
	"url_escaped_html":      {"url 含有 &amp;：链接被多做了一次 HTML 转义", "在生成或分享链接的地方写 &。页面确实以这样的 URL 打开时传 exact=1。"},
	"url_double_encoded":    {"url 被编码了两次", "encodeURIComponent 只调用一次。"},
	"account_ambiguous":     {"多个账号都有这个域名", "加上 app_id=…，指明是哪一个。"},
	"account_disabled":      {"账号已停用", "请管理员重新启用。"},
	"account_unknown":       {"没有账号用这个 app_id", "逐字核对 app_id，区分大小写。"},
	"profile_unknown":       {"账号没有这个 profile", "不传 profile，或给账号加上。"},
	"ticket_not_configured": {"账号没有配置这种 ticket", "加进账号的 tickets。"},
	"ticket_not_ready":      {"目前没有有效的 ticket", "按 Retry-After 的秒数等待后再试；原因在 wxsign 的日志和管理后台里。"},
	"domain_not_allowed": {
		"页面的协议、域名、端口或路径不在账号的 domains 里",
		"在 wxsign 里把它加入账号的 domains，非默认端口要写明；http 页面需要 allow_http。它在微信后台也必须是 JS接口安全域名。",
	},
	"report_nonce_invalid": {"报告的 nonce 不认识，或已超过 10 分钟", "刷新发送报告的页面。"},
	"report_invalid":       {"报告不完整", "按演示页或这一版 wxsign.js 的格式发送。"},
	"body_too_large":       {"请求正文太大", "少传一点。"},
	"json_invalid":         {"请求正文不是这里需要的 JSON 对象", "传一个 JSON 对象，只含规定字段。"},
	"not_found":            {"这个地址没有内容", "核对路径。"},
	"method_not_allowed":   {"这个地址不支持该方法", "看 Allow 头里支持哪些方法。"},
	"too_many_requests":    {"请求太多", "按 Retry-After 的秒数等待后再试；页面打开期间，签名可以一直用。"},
	"internal":             {"wxsign 内部出错", "把 request_id 告诉管理员：日志里有原因。"},
}

// errorLanguages are those of messages; English answers whoever asks for none.
// Readers of traditional characters get the Chinese that there is.
var errorLanguages = language.NewMatcher([]language.Tag{language.English, language.Chinese, language.TraditionalChinese})

// maxLanguages is the longest Accept-Language that is read for a refusal, in
// bytes. Browsers send less, and refusals must stay cheap.
const maxLanguages = 256

func asksForChinese(c *gin.Context) bool {
	header := c.GetHeader("Accept-Language")
	if header == "" || len(header) > maxLanguages {
		return false
	}
	_, i := language.MatchStrings(errorLanguages, header)
	return i > 0
}

// inChinese is the message for err, "" where there is only the English one. What
// err tells beyond p.err, an origin for instance, stands in brackets as it is.
func (p problem) inChinese(err error) string {
	words, known := chinese[p.code]
	if !known {
		return ""
	}
	var detail string
	if p.err != nil {
		_, after, _ := strings.Cut(err.Error(), p.err.Error())
		if text, told := strings.CutPrefix(after, ": "); told {
			detail = "（" + text + "）"
		}
	}
	return words.cause + detail + "。" + words.mend
}
