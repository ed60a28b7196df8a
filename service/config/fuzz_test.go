package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/config"
)

// Whatever stands around a secret, in the file or in the environment: Load must
// not panic, and neither a fault nor a warning nor Show may quote it.
func FuzzLoad(f *testing.F) {
	const canary = "kNaRy5eCr3tVaLu3"
	f.Add("[server]\nlisten = \"x\"", "name = 5", "SERVER_LISTEN", "y")
	f.Add("[log]\nlevel = \"\"\"", "\"\"\"", "LOG_LEVEL", "loud")
	f.Add("[database]\ndsn = \"\"\"file:", "\"\"\"", "DATABASE_DSN", "u:p@tcp(h)/d")
	f.Add("x = '''", "'''", "ACCOUNT_0_PROFILES_A_JS_API_LIST", "a,,b")
	f.Add("[refresh]\nscan = \"\"\"", "\"\"\"", "REFRESH_SCAN", "TZ=")
	f.Add("a.b.c = [{d = 1}, [[2]]]\n\"é\\n\" = 1e9", "[account.profiles.\"a.b\"]", "ACCOUNT_1_SECRET", "file:/x")
	f.Add("[[webhook]]\nurl = \"https://x\"", "domains = [\n\"*.*\",\n1979-05-27]", "WEBHOOK_0_URL", "%zz")
	f.Add("[wechat]\nbase_url = \"\"\"https://u:", "@h\"\"\"", "WECHAT_BASE_URL", "https://[::1")
	f.Fuzz(func(t *testing.T, head, tail, name, value string) {
		for _, text := range []string{head, tail, name, value} {
			if strings.Contains(text, canary) {
				return
			}
		}
		text := fmt.Sprintf("%s\n[[account]]\napp_id = \"wx1\"\nsecret = \"%s\"\n%s\n", head, canary, tail)
		cfg, report, err := config.Load(config.Source{
			Text:     []byte(text),
			Env:      []string{"WXSIGN_" + name + "=" + value, "WXSIGN_ALERT_WECOM_ROBOT_URL=" + canary},
			ReadFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
		})
		shown := fmt.Sprint(report.Warnings)
		if err != nil {
			faults, ok := errors.AsType[config.Faults](err)
			if !ok || len(faults) == 0 {
				t.Fatalf("the error is no Faults: %v", err)
			}
			shown += err.Error()
			if lines := strings.Count(err.Error(), "\n") + 1; lines != len(faults) {
				t.Errorf("%d faults on %d lines:\n%s", len(faults), lines, err)
			}
		} else {
			shown += config.Show(cfg, report)
		}
		if strings.Contains(shown, canary) {
			t.Errorf("the secret is shown:\n%s", shown)
		}
	})
}
