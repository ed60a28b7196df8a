package config_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
)

// load loads a text that must be accepted.
func load(t *testing.T, source config.Source) (config.Config, config.Report) {
	t.Helper()
	if source.ReadFile == nil {
		source.ReadFile = noFiles
	}
	cfg, report, err := config.Load(source)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return cfg, report
}

func TestNothingMeansDefaults(t *testing.T) {
	t.Parallel()
	cfg, report := load(t, config.Source{})
	if diff := cmp.Diff(config.Default(), cfg); diff != "" {
		t.Errorf("Load of nothing differs from Default (-want +got):\n%s", diff)
	}
	if len(report.Warnings) != 0 {
		t.Errorf("warnings: %v", report.Warnings)
	}
	if cfg.Simulator.Enabled || cfg.Demo.Enabled || len(cfg.Accounts) != 0 ||
		cfg.WeChat.BaseURL != "https://api.weixin.qq.com" {
		t.Errorf("the defaults are not those of production: %+v", cfg)
	}
}

func TestTheFileIsRead(t *testing.T) {
	t.Parallel()
	cfg, report := load(t, config.Source{Path: "my.toml", Text: []byte("\ufeff" + `
[wechat]
base_url = "https://proxy.example.com/wechat/"

[history]
retention = "1d12h"

[[account]]
app_id = "wx1"
secret = "one"

[[account]]
app_id = "wx2"
secret = "two"
tickets = []
domains = ["h5.example.com"]
[account.profiles.album]
js_api_list = ["chooseImage"]
debug = true
`)})
	if cfg.WeChat.BaseURL != "https://proxy.example.com/wechat" {
		t.Errorf("base_url = %q, want it without the slash", cfg.WeChat.BaseURL)
	}
	if got := cfg.History.Retention.Std(); got != 36*time.Hour {
		t.Errorf("retention = %v, want 36h", got)
	}
	want := []config.Account{
		{
			AppID: "wx1", Platform: "official_account", Secret: secret.New("one"), TokenMode: "stable",
			Tickets: []string{"jsapi"},
		},
		{
			AppID: "wx2", Platform: "official_account", Secret: secret.New("two"), TokenMode: "stable",
			Domains:  []string{"h5.example.com"},
			Profiles: map[string]config.Profile{"album": {JSAPIList: []string{"chooseImage"}, Debug: true}},
		},
	}
	if diff := cmp.Diff(want, cfg.Accounts); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
	for key, place := range map[string]string{
		"history.retention":               "my.toml:6",
		"account[1].app_id":               "my.toml:13",
		"account[1].profiles.album.debug": "my.toml:19",
		"account[1].token_mode":           "default",
		"server.listen":                   "default",
	} {
		if got := report.Origin(key).String(); got != place {
			t.Errorf("origin of %s = %q, want %q", key, got, place)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	faults := faultsOf(t, config.Source{
		Text: []byte("[server]\nlistn = \"\"\n[log]\nlevel = 1\n[[account]]\napp_id = \"wx1\"\n"),
		Env:  []string{"WXSIGN_REFRESH_LEASE=long", "WXSIGN_DATABASE_DRIVER=mysql"},
	})
	want := strings.Join([]string{
		`config.toml:2: server.listn is not a key that wxsign knows; did you mean listen?`,
		`config.toml:4: log.level must be a text, not a number; write it in quotes`,
		`config.toml:5: account[0].secret is missing; write the AppSecret, or "file:/path" to read it, or set WXSIGN_ACCOUNT_0_SECRET`,
		`WXSIGN_REFRESH_LEASE: refresh.lease is not a duration; write a number with its unit, as in "30s", "15m", "2h" or "90d"`,
		`database.dsn is not set, but database.driver is mysql; write user:password@tcp(host:3306)/name or set WXSIGN_DATABASE_DSN`,
		"security.master_key is missing, and database.driver is mysql: every replica needs the same key; " +
			"make a key with `wxsign master-key new` and give it to each as WXSIGN_SECURITY_MASTER_KEY",
	}, "\n")
	if diff := cmp.Diff(want, faults.Error()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestExposedRoutesNeedAWord(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		keys       []string
	}{
		{"loopback", `server.listen = "127.0.0.1:80"`, nil},
		{"loopback by name", `server.listen = "localhost:80"`, nil},
		{"loopback IPv6", `server.listen = "[::1]:80"`, nil},
		{"every interface", `server.listen = ":80"`, []string{"control.listen", "admin.listen"}},
		{"every interface, IPv6", `server.listen = "[::]:80"`, []string{"control.listen", "admin.listen"}},
		{"a name", `server.listen = "sign.example.com:80"`, []string{"control.listen", "admin.listen"}},
		{"one with an address", "server.listen = \":80\"\nadmin.listen = \"127.0.0.1:81\"", []string{"control.listen"}},
		{"one exposed", "server.listen = \":80\"\ncontrol.expose = true", []string{"admin.listen"}},
		{"both seen to", "server.listen = \":80\"\ncontrol.expose = true\nadmin.listen = \"127.0.0.1:81\"", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.keys == nil {
				load(t, config.Source{Text: []byte(test.text)})
				return
			}
			var keys []string
			for _, fault := range faultsOf(t, config.Source{Text: []byte(test.text)}) {
				keys = append(keys, fault.Key)
			}
			if diff := cmp.Diff(test.keys, keys); diff != "" {
				t.Errorf("faulty keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWeComIsNamedByCorpAndAgent(t *testing.T) {
	t.Parallel()
	text := "[[account]]\nplatform = \"wecom\"\ncorp_id = \"ww1\"\nagent_id = 7\nsecret = \"s\"\n"
	cfg, _, _ := config.Load(config.Source{Text: []byte(text + text), ReadFile: noFiles})
	if got := cfg.Accounts[0].AppID; got != "ww1:7" {
		t.Errorf("AppID = %q, want ww1:7", got)
	}
	if faults := faultsOf(t, config.Source{Text: []byte(text + text)}); !strings.Contains(faults.Error(), "is that of account[0] too") {
		t.Errorf("one agent twice is not refused: %v", faults)
	}
}

func TestTheDemoFollowsTheSimulator(t *testing.T) {
	t.Parallel()
	const on = "simulator.enabled = true\n" + aSimulator
	tests := []struct {
		name, text string
		want       bool
	}{
		{"neither set", "", false},
		{"simulator on", on, true},
		{"simulator on, demo off", "demo.enabled = false\n" + on, false},
		{"demo alone", "demo.enabled = true\n", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if cfg, _ := load(t, config.Source{Text: []byte(test.text)}); cfg.Demo.Enabled != test.want {
				t.Errorf("demo enabled = %v, want %v", cfg.Demo.Enabled, test.want)
			}
		})
	}
}

func TestSimulatorWarnings(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, mend string }{
		"another server":  {"simulator.enabled = true\n" + aSimulator, "simulator.enabled = false"},
		"nobody is there": {"wechat.base_url = \"http://127.0.0.1:8089\"\n", "take wechat.base_url out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, report := load(t, config.Source{Text: []byte(test.text)})
			if len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0].Mend, test.mend) {
				t.Errorf("warnings = %q, want one with the mend %q", report.Warnings, test.mend)
			}
		})
	}
}

// TLS to the database is looked at where its certificate is.
func TestWarningsOfTheWayToTheDatabase(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ way, problem string }{
		"no TLS":              {"tcp(db:3306)/w", "no tls"},
		"no certificate":      {"tcp(10.0.0.9:3306)/w?tls=skip-verify", "tls=skip-verify"},
		"TLS where there is":  {"tcp(10.0.0.9)/w?charset=utf8mb4&tls=Preferred", "tls=preferred"},
		"verified":            {"tcp(db:3306)/w?tls=true", ""},
		"a private way":       {"tcp(db:3306)/w?tls=false", ""},
		"this machine":        {"tcp(127.0.0.1:3306)/w?tls=preferred", ""},
		"this machine's name": {"tcp(localhost)/w", ""},
		"this machine by v6":  {"tcp([::1]:3306)/w?tls=skip-verify", ""},
		"a socket":            {"unix(/run/mysql.sock)/w", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := "u:s3cr3t@" + test.way
			_, report := load(t, config.Source{Text: []byte(
				"[database]\ndriver = \"mysql\"\ndsn = \"" + dsn + "\"\n[security]\nmaster_key = \"" + secret.NewKey() + "\"\n")})
			if got := report.Warnings; test.problem == "" && len(got) != 0 || test.problem != "" && len(got) != 1 {
				t.Fatalf("warnings = %q", got)
			}
			for _, warning := range report.Warnings {
				if !strings.Contains(warning.Problem, test.problem) || !strings.Contains(warning.Mend, "tls=true") ||
					strings.Contains(warning.String(), "s3cr3t") {
					t.Errorf("warning = %q, want one of %s", warning, test.problem)
				}
			}
		})
	}
}

func TestTooLargeAFile(t *testing.T) {
	t.Parallel()
	faults := faultsOf(t, config.Source{Text: make([]byte, 32<<20+1)})
	if !strings.Contains(faults.Error(), "larger than 32 MiB") {
		t.Errorf("faults = %v", faults)
	}
}

func TestManyAccountsLoadFast(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(strings.ReplaceAll(anAccount, "wx1", "wx"+strconv.Itoa(i)))
	}
	start := time.Now()
	load(t, config.Source{Text: []byte(text.String())})
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("1000 accounts took %v", took)
	} else {
		t.Logf("1000 accounts took %v", took)
	}
}
