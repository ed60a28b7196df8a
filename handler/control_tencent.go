package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/keeper"
)

// tencentError is an answer in Tencent's shape.
type tencentError struct {
	code int
	text string // Tencent's own words: programs look for them
	hint string // what happened here and what to do
}

// Error implements error.
func (e *tencentError) Error() string { return e.text + "; wxsign: " + e.hint }

// Tencent's errcodes and their words (global return codes; observed).
var (
	errAppIDMissing  = &tencentError{41002, "appid missing", "send appid"}
	errSecretMissing = &tencentError{41004, "appsecret missing", "send an API key of wxsign as the secret"}
	errTokenMissing  = &tencentError{41001, "access_token missing", "send access_token in the query"}
	errTypeUnknown   = &tencentError{40097, "invalid args", "type is jsapi or wx_card"}
	errGrantUnknown  = &tencentError{40002, "invalid grant_type", "grant_type is client_credential"}
)

// tokenForeign has WeCom's own code there: its SDKs renew on 40014, and take
// 40001 for a wrong secret.
func tokenForeign(wecom bool) error {
	const hint = "this is no access_token that wxsign issued in the last 4 hours, nor an API key; get one from wxsign"
	if wecom {
		return &tencentError{40014, "invalid access_token", hint}
	}
	return &tencentError{40001, "invalid credential, access_token is invalid or not latest", hint}
}

// tencentOf tells an error in Tencent's words. What is not known here is logged
// and told as -1.
func tencentOf(c *gin.Context, err error) *tencentError {
	if e, ok := errors.AsType[*tencentError](err); ok {
		return e
	}
	for _, p := range []struct {
		err  error
		code int
		text string
	}{
		{apikey.ErrMissing, 41004, "appsecret missing"},
		{apikey.ErrInvalid, 40125, "invalid appsecret"},
		{apikey.ErrUnchecked, -1, "system error"},
		{ErrTooManyRequests, 45011, "api minute-quota reach limit, must slower, retry next minute"},
		{apikey.ErrScopeMissing, 48001, "api unauthorized"},
		{apikey.ErrAccountNotAllowed, 40013, "invalid appid"},
		{keeper.ErrAccountUnknown, 40013, "invalid appid"},
		{keeper.ErrAccountDisabled, 40013, "invalid appid"},
		{apikey.ErrAddressNotAllowed, 40164, "invalid ip " + AddressText(c) + ", not in whitelist"},
		{keeper.ErrKindUnknown, 40097, "invalid args"},
		{keeper.ErrNotReady, -1, "system error"},
		{keeper.ErrRefreshFailed, -1, "system error"},
		{keeper.ErrBudgetSpent, 45009, "reach max api daily quota limit"},
		{errBrowser, 48001, "api unauthorized"},
		{errBodyTooLarge, 47001, "data format error"},
	} {
		if errors.Is(err, p.err) {
			return &tencentError{p.code, p.text, err.Error()}
		}
	}
	slog.ErrorContext(c.Request.Context(), "request failed", "request_id", RequestID(c), "path", c.FullPath(), "err", err)
	return &tencentError{-1, "system error", "something went wrong inside wxsign; its log has the reason"}
}

// tencentJSON is the Content-Type of api.weixin.qq.com: encoding, not charset
// (observed).
const tencentJSON = "application/json; encoding=utf-8"

// failTencent answers an error as Tencent does: with HTTP 200.
func failTencent(c *gin.Context, status int, err error) {
	e := tencentOf(c, err)
	c.Set(codeKey, "errcode_"+strconv.Itoa(e.code))
	c.Abort()
	answerTencent(c, status, struct {
		Errcode int    `json:"errcode"`
		Errmsg  string `json:"errmsg"`
	}{e.code, e.Error() + ", request_id: " + RequestID(c)})
}

// answerTencent writes JSON as Tencent does: no HTML escapes, no line end.
func answerTencent(c *gin.Context, status int, answer any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		panic(err) // numbers and strings always encode
	}
	c.Header("Cache-Control", "no-store")
	c.Data(status, tencentJSON, bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

// DropIn makes f a handler for one of Tencent's paths. method is the only one
// that it answers, "" = GET and POST; HEAD goes with GET.
func DropIn(method string, f Func) gin.HandlerFunc {
	return func(c *gin.Context) {
		is := c.Request.Method
		if is == http.MethodHead {
			is = http.MethodGet
		}
		switch {
		case FromBrowser(c.Request):
			failTencent(c, http.StatusForbidden, errBrowser)
		case method == http.MethodPost && is != method:
			failTencent(c, http.StatusOK, &tencentError{43002, "require POST method", "send a POST"})
		case method == http.MethodGet && is != method, is != http.MethodGet && is != http.MethodPost:
			failTencent(c, http.StatusOK, &tencentError{43001, "require GET method", "send a GET"})
		default:
			if err := f(c); err != nil {
				failTencent(c, http.StatusOK, err)
			}
		}
	}
}

// tokenOrder is what an SDK sends to get a token.
type tokenOrder struct {
	GrantType string `json:"grant_type"`
	AppID     string `json:"appid"`
	Secret    string `json:"secret"`
	Force     bool   `json:"force_refresh"`
}

// TencentToken answers GET /cgi-bin/token (获取接口调用凭据) from memory: no
// call, and the life that is left.
func (h *Control) TencentToken(c *gin.Context) error {
	query := c.Request.URL.Query()
	return h.dropInToken(c, tokenOrder{GrantType: query.Get("grant_type"), AppID: query.Get("appid"), Secret: query.Get("secret")})
}

// TencentStableToken answers POST /cgi-bin/stable_token (获取稳定版接口调用凭据).
// force_refresh is a report of the current value: it is proved dead first.
func (h *Control) TencentStableToken(c *gin.Context) error {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, controlBodyLimit))
	switch {
	case err != nil:
		return errBodyTooLarge
	case len(body) == 0:
		return &tencentError{44002, "empty post data", "send JSON"}
	case strings.HasPrefix(c.ContentType(), "application/x-www-form-urlencoded") && body[0] != '{':
		return errAppIDMissing // what WeChat says to a form (observed)
	}
	var order tokenOrder
	if err := json.Unmarshal(body, &order); err != nil {
		return &tencentError{47001, "data format error", "the body is not the JSON of stable_token"}
	}
	return h.dropInToken(c, order)
}

func (h *Control) dropInToken(c *gin.Context, order tokenOrder) error {
	switch {
	case order.AppID == "":
		return errAppIDMissing
	case order.Secret == "":
		return errSecretMissing
	case order.GrantType != "client_credential":
		return errGrantUnknown
	}
	caller, err := h.guard.check(c, order.Secret, apikey.ScopeToken, order.AppID)
	if err != nil {
		return err
	}
	v, err := h.credentials.Current(order.AppID, keeper.KindAccessToken)
	if err == nil && order.Force {
		v, err = h.force(c, caller, order.AppID, v)
	}
	if err != nil {
		return err
	}
	answerTencent(c, http.StatusOK, struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}{v.Value.Reveal(), v.ExpiresIn()})
	return nil
}

// force asks for another token than v, and is content with v where WeChat takes it.
func (h *Control) force(c *gin.Context, caller *apikey.Caller, appID string, v keeper.Current) (keeper.Current, error) {
	if err := caller.Check(apikey.ScopeRefresh, appID, AddressOf(c)); err != nil {
		return v, err
	}
	allowTime(c, reportTime)
	_, err := h.credentials.Report(c.Request.Context(), keeper.Report{
		AppID: appID, Kind: keeper.KindAccessToken, SHA256: v.SHA256(), Actor: caller.Name,
	})
	if err != nil {
		return v, err
	}
	return h.credentials.Current(appID, keeper.KindAccessToken)
}

// TencentTicket answers /cgi-bin/ticket/getticket (JS-SDK documentation,
// appendix 1). GET is documented; PowerWeChat sends POST.
func (h *Control) TencentTicket(c *gin.Context) error {
	switch kind := c.Query("type"); kind {
	case keeper.KindJSAPI, keeper.KindWXCard:
		return h.dropInTicket(c, kind, false)
	}
	return errTypeUnknown
}

func (h *Control) dropInTicket(c *gin.Context, kind string, wecom bool) error {
	appID, err := h.bearerOfToken(c, wecom)
	if err != nil {
		return err
	}
	v, err := h.credentials.Current(appID, kind)
	if err != nil {
		return err
	}
	answerTencent(c, http.StatusOK, struct {
		Errcode   int    `json:"errcode"`
		Errmsg    string `json:"errmsg"`
		Ticket    string `json:"ticket"`
		ExpiresIn int64  `json:"expires_in"`
	}{0, "ok", v.Value.Reveal(), v.ExpiresIn()})
	return nil
}

// bearerOfToken finds the account of the access_token in the query: an API key
// with the scope ticket, or a token that we issued in the last 4 hours. Who holds
// such a token could ask WeChat for the ticket; here it still takes a live key
// that would let a ticket of this account out to this address.
func (h *Control) bearerOfToken(c *gin.Context, wecom bool) (appID string, err error) {
	token := c.Query("access_token")
	if token == "" {
		return "", errTokenMissing
	}
	if strings.HasPrefix(token, apikey.Prefix) {
		return h.bearerOfKey(c, token)
	}
	hash := hashOf(token)
	if !h.credentials.Holds(hash) {
		if err := h.guard.try(c); err != nil {
			return "", err
		}
	}
	appID, found, err := h.credentials.Issued(c.Request.Context(), hash)
	switch {
	case err != nil:
		return "", err
	case !found || wecom != isAgent(appID):
		return "", tokenForeign(wecom)
	}
	return appID, h.guard.keys.Admits(apikey.ScopeTicket, appID, AddressOf(c))
}

// appIDHeader names the account where a key covers several.
const appIDHeader = "X-Wxsign-App-Id"

// bearerOfKey is for callers of the relay, who write their key where the token
// goes: <key>, or <key>@<app_id>.
func (h *Control) bearerOfKey(c *gin.Context, token string) (appID string, err error) {
	key, appID, _ := strings.Cut(token, "@")
	caller, err := h.guard.check(c, key, apikey.ScopeTicket, "")
	if err != nil {
		return "", err
	}
	if appID == "" {
		appID = c.GetHeader(appIDHeader)
	}
	if only, all := caller.Accounts(); appID == "" && !all && len(only) == 1 {
		appID = only[0]
	}
	if appID == "" {
		return "", &tencentError{40013, "invalid appid", "this key covers several accounts: write <key>@<app_id> or send " + appIDHeader}
	}
	if err := caller.Check(apikey.ScopeTicket, appID, AddressOf(c)); err != nil {
		return "", fmt.Errorf("%w: %.64s", err, appID)
	}
	return appID, nil
}
