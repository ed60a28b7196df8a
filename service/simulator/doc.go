// Package simulator is a pretend api.weixin.qq.com, and below /qyapi a pretend
// qyapi.weixin.qq.com, for tests and demos: tokens, tickets, quotas, the IP list
// and signature verification of WeChat official accounts and of agents of WeCom,
// with faults on order. It speaks HTTP only.
//
// # Use
//
// From a shell, for any program whose WeChat base URL can be set:
//
//	wxsign simulator                                  # 127.0.0.1:8089
//	curl 'http://127.0.0.1:8089/cgi-bin/token?grant_type=client_credential&appid=A&secret=S'
//
// From Go: New, then serve the Simulator; package simtest does so for a test,
// also inside a testing/synctest bubble (call New inside the bubble).
//
// # What it knows
//
// GET /cgi-bin/token and POST /cgi-bin/stable_token with their two isolated
// chains and the overlap, GET /cgi-bin/ticket/getticket (jsapi, wx_card, 2),
// getcallbackip, get_api_domain_ip, callback/check, clear_quota, clear_quota/v2,
// openapi/quota/get, openapi/quota/clear and openapi/rid/get; of the business calls
// media/upload and media/get (the latest files, in memory), message/custom/send,
// draft/add and card/code/decrypt, which check what they are sent and deliver
// nothing. Errors are HTTP 200 with errcode and a rid. Any other path below
// /cgi-bin/ checks the access_token and echoes method, query, length and SHA-256
// of the body; /sns/ paths check appid and secret and echo; everything else is
// errcode 40066.
//
// Below /qyapi: gettoken, get_jsapi_ticket, ticket/get and the two lists of
// addresses, for accounts whose AppID is <corp_id>:<agent_id>; any other path below
// /cgi-bin/ echoes, the rest is HTTP 404. The ticket of a corp is shared by its
// agents and belongs, in the control routes, to the corp id. A dead token of WeCom
// is 42001 or 40014.
//
// A dead token is 42001 if it lived to its end, 40001 if it was overtaken,
// revoked or forgotten (one life after its death).
//
// Where Tencent's documents are silent, Options has a knob; its default is
// written at its field.
//
// # Control
//
// JSON below /_sim/, for loopback peers only (except verify). Refusals are HTTP
// 400 with {"error": "…"}; unknown fields are refused.
//
//	POST   /_sim/fault        {"path":"/cgi-bin/token"|"*", "app_id", "errcode", "errmsg" |
//	                           "mode", "delay":"2s", "status", "body", "count", "issue"}
//	GET    /_sim/fault        the active faults
//	DELETE /_sim/fault        ends all faults; calls that wait in one are freed
//	POST   /_sim/revoke       {"app_id", "what":"token"|"ticket", "kind", "still_served"}
//	POST   /_sim/overwrite    {"app_id", "mode":"classic"|"force"}: another party refreshes
//	POST   /_sim/verify       {"appid", "noncestr", "timestamp", "signature", "urls":[…]};
//	                           for wx.agentConfig "corpid" and "agentid" in place of "appid"
//	POST   /_sim/account      {"app_id", "secret", "domains", "allowed_ips", "token_errcode", "ticket_errcode"}
//	POST   /_sim/clock        {"advance":"1h"}
//	GET    /_sim/ledger       ?app_id= &path= &since=<seq>: every call, and totals that are never trimmed
//	GET    /_sim/truth        ?app_id=: every value alive now
//	POST   /_sim/truth/check  {"app_id", "kind", "sha256"}: alive or not, dead since when
//
// A fault hits the next count calls (default 1, -1 = until cleared) of its path
// and account; several wait in line. Modes:
//
//	slow     the true answer after delay; the call takes effect after it too, if the client still waits
//	hang     no answer until the client goes; with delay: then the connection breaks
//	cut      half of an answer, then the connection breaks
//	garbage  random bytes            html    a captive portal's page, HTTP 200
//	empty    an empty body           status  an HTTP status, default 502, with body
//	huge     16 MiB of access_token  gzip    says Content-Encoding: gzip and is not
//	body     HTTP 200 (or status) with the given body
//
// Every mode may have a delay. "issue": true lets the call take effect at once
// although its answer is spoiled: how a token gets lost. Without it, only slow
// calls take effect. Mind that net/http repeats a GET by itself when a kept
// connection breaks before the first byte of the answer: the ledger shows two
// calls then.
//
// verify answers {"ok", "msg", "url", "why"}: msg is what the client shows behind
// "config:", url the one that matched, why the mistake that gives exactly this
// signature, found by trying (a dead ticket, the wx_card ticket, a decoded url,
// milliseconds, …).
package simulator
