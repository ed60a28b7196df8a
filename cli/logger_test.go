package cli_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/cli"
	"github.com/wxsign/wxsign/service/config"
)

// What a library quotes must not put a credential into the log.
func TestLogMasksCredentials(t *testing.T) {
	t.Parallel()
	const canary = "67_CANARY-value_of-a-credential"
	for name, text := range map[string]string{
		"address of a call":    `Get "https://api.weixin.qq.com/cgi-bin/ticket/getticket?access_token=` + canary + `&type=jsapi": EOF`,
		"address of a drop-in": "/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=" + canary,
		"WeCom":                "/cgi-bin/gettoken?corpid=ww1&corpsecret=" + canary,
		"sign-in of a visitor": "/sns/jscode2session?appid=wx1&js_code=" + canary,
		"string to sign":       "jsapi_ticket=" + canary + "&noncestr=a",
		"JSON":                 `{"access_token":"` + canary + `","expires_in":7200}`,
		"JSON in JSON":         `{\"appid\":\"wx1\",\"secret\":\"` + canary + `\"}`,
		"header":               `Authorization: Bearer wxs_` + canary,
		"key on its own":       "wxs_" + canary,
		"robot":                "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + canary,
		"password":             "user=wxsign password=" + canary + " host=db",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"text", "json"} {
				var out strings.Builder
				log := cli.NewLogger(config.Log{Level: "debug", Format: format}, &out)
				log.Info("line", "text", text, "err", fmt.Errorf("call: %w", errors.New(text)))
				log.With("url", text).WithGroup("g").Info("again", slog.Group("h", "text", text))
				if strings.Contains(out.String(), "CANARY") || strings.Count(out.String(), "[redacted]") < 4 {
					t.Errorf("%s: %s", format, out.String())
				}
			}
		})
	}
}

// A mask that eats what people look for is turned off sooner or later.
func TestLogKeepsWhatIsNoCredential(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"wechat getticket: errcode 40001: invalid credential, access_token is invalid or not latest (rid 1-2-3)",
		"kind=access_token version=7", "https://h5.example.com/?a=1&b=2", "msg=renewed kind=jsapi fingerprint=eb626dd6",
		"the token: WeChat says no", "token_mode = \"stable\"", "set WXSIGN_SECURITY_MASTER_KEY", "a ticket: it is old", "secret=",
	} {
		var out strings.Builder
		cli.NewLogger(config.Log{Format: "text"}, &out).Info("line", "text", text, "took", time.Second, "n", 7)
		if strings.Contains(out.String(), "redacted") || !strings.Contains(out.String(), "took=1s n=7") {
			t.Errorf("%s became %s", text, out.String())
		}
	}
}
