package handler_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/gin-gonic/gin"

	"github.com/wxsign/wxsign/handler"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/qa"
	"github.com/wxsign/wxsign/service/signature"
)

// refused is the answer of f to a request that asks for the language.
func refused(t *testing.T, f handler.Func, language, body string) (code, message string) {
	t.Helper()
	engine := gin.New()
	engine.POST("/", f.Gin)
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Accept-Language", language)
	engine.ServeHTTP(w, r)
	var answer struct{ Code, Message string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return answer.Code, answer.Message
}

func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// twoParts is how wxsign.js takes a message apart.
var twoParts = regexp.MustCompile(`^(.+?(?:\. |。))(.+)$`)

// Every refusal that a page can meet says cause and mend in both languages.
func TestRefusalsInBothLanguages(t *testing.T) {
	t.Parallel()
	gives := func(err error) handler.Func { return func(*gin.Context) error { return err } }
	post := handler.NewJSSDK(nil, nil).Post // refuses the bodies below before it asks for more
	tests := []struct {
		answer           handler.Func
		body             string
		code             string
		english, chinese string // in the cause
	}{
		{gives(pageurl.ErrMissing), "", "url_missing", "missing", "没有 url"},
		{gives(&pageurl.Error{Reason: pageurl.ErrInvalid, Detail: "its port"}), "", "url_invalid", "URL: its port. ", "参数（its port）。"},
		{gives(pageurl.ErrTooLong), "", "url_too_long", "too long", "太长"},
		{gives(pageurl.ErrEscapedHTML), "", "url_escaped_html", "&amp;", "&amp;"},
		{gives(pageurl.ErrDoubleEncoded), "", "url_double_encoded", "twice", "两次"},
		{gives(signature.ErrAccountAmbiguous), "", "account_ambiguous", "accounts serve", "多个"},
		{
			gives(fmt.Errorf("%w: https://h5.example.com", signature.ErrDomainNotAllowed)), "", "domain_not_allowed",
			"account: https://h5.example.com. ", "domains 里（https://h5.example.com）。",
		},
		{gives(signature.ErrAccountDisabled), "", "account_disabled", "disabled", "停用"},
		{gives(signature.ErrAccountUnknown), "", "account_unknown", "app_id", "app_id"},
		{gives(signature.ErrProfileUnknown), "", "profile_unknown", "no profile", "没有这个 profile"},
		{gives(signature.ErrTicketNotConfigured), "", "ticket_not_configured", "no ticket", "没有配置"},
		{gives(&signature.NotReady{}), "", "ticket_not_ready", "no live ticket", "没有有效的 ticket"},
		{gives(qa.ErrNonceInvalid), "", "report_nonce_invalid", "10 minutes", "10 分钟"},
		{gives(qa.ErrReportInvalid), "", "report_invalid", "not complete", "不完整"},
		{post, "no JSON", "json_invalid", "not the JSON", "不是这里需要的 JSON"},
		{post, `{"url":"` + strings.Repeat("a", 8<<10) + `"}`, "body_too_large", "at most 8192 bytes", "太大（at most 8192 bytes）"},
		{gives(handler.ErrNotFound), "", "not_found", "nothing", "没有内容"},
		{gives(handler.ErrMethodNotAllowed), "", "method_not_allowed", "method", "方法"},
		{gives(&handler.RetryLater{Err: handler.ErrTooManyRequests}), "", "too_many_requests", "Too many", "请求太多"},
		{gives(errors.New("of the house")), "", "internal", "inside wxsign", "内部出错。"},
	}
	for _, tt := range tests {
		for language, cause := range map[string]string{"en": tt.english, "zh-CN,zh;q=0.9,en;q=0.8": tt.chinese} {
			code, message := refused(t, tt.answer, language, tt.body)
			parts := twoParts.FindStringSubmatch(message)
			if code != tt.code || parts == nil || !strings.Contains(parts[1], cause) {
				t.Errorf("%s in %s: %s %q, want %q before the mend", tt.code, language, code, message, cause)
				continue
			}
			if zh := language != "en"; isChinese(parts[1]) != zh || zh && !isChinese(parts[2]) || strings.Contains(message, "of the house") {
				t.Errorf("%s in %s: cause %q, mend %q", tt.code, language, parts[1], parts[2])
			}
		}
	}
}

func TestLanguageOfRefusals(t *testing.T) {
	t.Parallel()
	notFound := func(*gin.Context) error { return handler.ErrNotFound }
	for language, want := range map[string]bool{
		"": false, "*": false, "en": false, "fr": false, "en-US,en;q=0.9,zh-CN;q=0.8": false, ";;q=,": false,
		"zh": true, "zh-CN": true, "zh-TW,en;q=0.5": true, "en;q=0.1, zh": true, "fr, zh;q=0.5": true,
		strings.Repeat("zh-CN,", 900): false, // longer than a browser's
	} {
		if _, message := refused(t, notFound, language, ""); isChinese(message) != want {
			t.Errorf("Accept-Language %.40q: %q", language, message)
		}
	}
	keyMissing := func(*gin.Context) error { return apikey.ErrMissing }
	if code, message := refused(t, keyMissing, "zh", ""); isChinese(message) || code != "key_missing" {
		t.Errorf("a code of business servers only: %s %q", code, message)
	}
}
