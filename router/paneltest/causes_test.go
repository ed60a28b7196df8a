package paneltest_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/wechat"
)

// The words by which the panel knows a failure are those of the errors.
func TestPanelKnowsCauses(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seed(1)
	for want, cause := range map[string]error{
		"cannot connect": wechat.ErrUnreachable, "certificate not accepted": wechat.ErrUntrusted, "connection broke": wechat.ErrBroken,
		"not an answer of WeChat": wechat.ErrNotWeChat, "garbage answer": wechat.ErrGarbage,
	} {
		text := (&wechat.Error{Op: "stable_token", AppID: "wx", Err: errors.Join(cause)}).Error()
		k.fail("wx0000000000000000", "access_token", 0, text)
		body := k.visitorOf(t).get("/admin/").body
		if !strings.Contains(body, "access_token · "+want) {
			t.Errorf("%q is not explained as %q", text, want)
		}
	}
}

// The words that tell a failure without an errcode stand in the errors of the
// programs that fail.
func TestCausesAreWordsOfErrors(t *testing.T) {
	t.Parallel()
	written := "deadline exceeded" // package context's
	for _, pattern := range []string{"wechat/*.go", "keeper/*.go"} {
		files, err := filepath.Glob("../../service/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			written += string(source)
		}
	}
	source, err := os.ReadFile("../../handler/panel_causes.go")
	if err != nil {
		t.Fatal(err)
	}
	en, zh := readTexts(t, "en"), readTexts(t, "zh")
	causes := regexp.MustCompile(`(?m)^\t\{"([^"]+)", "(\w+)"\},$`).FindAllStringSubmatch(string(source), -1)
	if len(causes) < 12 {
		t.Fatalf("only %d causes found", len(causes))
	}
	for _, cause := range causes {
		key := "cause." + cause[2]
		if !strings.Contains(written, cause[1]) || en[key+".title"] == "" || zh[key+".title"] == "" || zh[key+".mend"] == "" {
			t.Errorf("no error says %q, or it has not all of its texts", cause[1])
		}
	}
}

// Every errcode in the tables of the clients has a title in both languages, and
// its mend in Chinese: in English the client's own is shown.
func TestPanelKnowsErrcodes(t *testing.T) {
	t.Parallel()
	en, zh := readTexts(t, "en"), readTexts(t, "zh")
	row := regexp.MustCompile(`(?m)^\s+(-?\d+):\s+(?:\{\w+,|unknown|weComUnknown)`)
	for prefix, file := range map[string]string{"errcode.": "errcodes.go", "errcode.wecom.": "wecomcodes.go"} {
		source, err := os.ReadFile("../../service/wechat/" + file)
		if err != nil {
			t.Fatal(err)
		}
		codes := []string{"other"}
		for _, match := range row.FindAllSubmatch(source, -1) {
			codes = append(codes, string(match[1]))
		}
		if len(codes) < 15 {
			t.Errorf("only %d errcodes found in %s: was the table rewritten?", len(codes), file)
		}
		for _, code := range codes {
			if key := prefix + code; en[key+".title"] == "" || zh[key+".title"] == "" || zh[key+".mend"] == "" {
				t.Errorf("%s has not all of its texts", key)
			}
		}
	}
}

// A failure is told in the language of the page, down to the address to add, and
// WeCom's numbers mean other things.
func TestPanelExplainsFailures(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	viewer := k.as("viewer")
	for i, tt := range []struct {
		account string
		errcode int
		text    string
		zh, en  string
	}{
		{"wxa", 40164, "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist", "微信拒绝了 IP 203.0.113.7：", "address not in the IP whitelist"},
		{"ww1:7", 60020, "not allow to access from your ip, hint: [1-2], from ip: 203.0.113.7, more info at https://x", "企业微信拒绝了 IP 203.0.113.7：", "no trusted IP"},
		{"ww1:7", 40001, "invalid credential", "应用的 Secret 不对", "wrong secret of the application"},
		{"ww1:7", 40164, "a number of WeChat", "wxsign 不认识的企业微信 errcode", "an errcode of WeCom"},
		{"wxa", 12345, "new", "wxsign 不认识的 errcode", "does not know"},
		{"wxa", 41002, "appid missing", "微信认为请求格式不对", "malformed"},
		{"wxa", 0, "wrong request: the AppID is empty", "账号设置有误", "settings are wrong"},
	} {
		k.happened(model.History{
			AppID: tt.account, Kind: "access_token", TriggerName: model.TriggerSchedule, Outcome: model.OutcomeFailed,
			Errcode: tt.errcode, Errmsg: tt.text + " — English words", Actor: "r",
		})
		path := "/admin/history/" + string(rune('1'+i))
		viewer.get("/admin/?lang=zh")
		if page := viewer.get(path).body; !strings.Contains(page, tt.zh) || strings.Contains(page, "English words") {
			t.Errorf("%d at %s: the Chinese page does not say %q, or it has English words", tt.errcode, tt.account, tt.zh)
		}
		viewer.get("/admin/?lang=en")
		if page := viewer.get(path).body; !strings.Contains(page, tt.en) {
			t.Errorf("%d at %s: the English page does not say %q", tt.errcode, tt.account, tt.en)
		}
	}
}

// So is a refresh that somebody asked for and that failed.
func TestRefreshFailsInTheLanguageOfThePage(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seedAccount(ownID, model.OriginPanel)
	admin := k.as("admin")
	admin.get("/admin/?lang=zh")
	k.wechat.answer("", &keeper.RefreshFailed{Errcode: 40164, Reason: "errcode 40164: invalid ip 203.0.113.9 — English words"})
	r := admin.send(http.MethodPost, ownPath+"/refresh", url.Values{"kind": {"access_token"}, "reason": {"look"}})
	if r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(r.body, "微信拒绝了 IP 203.0.113.9：") ||
		!strings.Contains(r.body, "errcode 40164") || strings.Contains(r.body, "English words") {
		t.Errorf("%d\n%s", r.StatusCode, r.body)
	}
}

// A credential that there never was is not called expired, nor is one that WeChat
// calls dead before its time.
func TestCredentialWithoutTimeLeft(t *testing.T) {
	t.Parallel()
	k := newPanelKit(t, panelKitOptions{})
	k.seed(1)
	viewer := k.as("viewer")
	k.ok(k.store.InsertAccount(t.Context(), model.Account{
		AppID: "wxnever", Name: "never", Platform: "official_account", Origin: model.OriginFile, Enabled: true, SecretEnc: []byte("x"),
		TokenMode: "stable", Tickets: model.Strings{},
	}, []string{"access_token"}))
	k.fail("wxnever", "access_token", 40164, "invalid ip 203.0.113.7")
	says := func(account, words string) {
		t.Helper()
		page := viewer.get("/admin/?q=" + account).body
		if !strings.Contains(page, `<span class="left mono">`+words+`</span>`) {
			t.Errorf("%s is not called %q:\n%s", account, words, page)
		}
	}
	says("wxnever", "not yet")
	k.publish("wxnever", "access_token", -1)
	says("wxnever", "expired")
	k.publish("wxnever", "access_token", 60_000)
	tended, err := k.store.Tended(t.Context(), "wxnever")
	k.ok(err)
	marked, err := k.store.MarkDead(t.Context(), "wxnever", "access_token", tended.Credential("access_token").ValueHash, 0)
	k.ok(err)
	if !marked {
		t.Fatal("not marked")
	}
	says("wxnever", "called dead")
}
